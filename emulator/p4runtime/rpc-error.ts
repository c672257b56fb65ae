/** Errors of requests, with their gRPC status. */
import { BytestringError, Code, P4InfoLookupError, type UpdateError } from '../../p4runtime/index.js';
import { ControlError } from '../control.js';

/** A request, an update of a batch, or a stream that fails. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  constructor(
    /** A gRPC status code. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const invalid = (message: string): RpcError => new RpcError(Code.INVALID_ARGUMENT, message);
export const denied = (message: string): RpcError => new RpcError(Code.PERMISSION_DENIED, message);
export const notFound = (message: string): RpcError => new RpcError(Code.NOT_FOUND, message);
export const exists = (message: string): RpcError => new RpcError(Code.ALREADY_EXISTS, message);
export const precondition = (message: string): RpcError => new RpcError(Code.FAILED_PRECONDITION, message);
export const unimplemented = (message: string): RpcError => new RpcError(Code.UNIMPLEMENTED, message);
export const outOfRange = (message: string): RpcError => new RpcError(Code.OUT_OF_RANGE, message);

/** The status that an error of any layer means to a client; an error not meant for clients becomes INTERNAL. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof ControlError) return new RpcError(Code[error.code], error.message);
  if (error instanceof P4InfoLookupError || error instanceof BytestringError) return invalid(error.message);
  return new RpcError(Code.INTERNAL, error instanceof Error ? error.message : String(error));
}

export function toUpdateError(error: unknown): UpdateError {
  const { status, message } = toRpcError(error);
  return { canonicalCode: status, message, space: '', code: 0 };
}

export const UPDATE_OK: UpdateError = { canonicalCode: Code.OK, message: '', space: '', code: 0 };
