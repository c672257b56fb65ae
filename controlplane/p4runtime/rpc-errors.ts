/** Failed calls as errors that name the call, the address and the reason. */
import { status as Code, type ServiceError } from '@grpc/grpc-js';
import { codeName, statusOf, updateErrors } from '../../p4runtime/status.js';
import type { UpdateInput } from './entries.js';
import type { EntityCodec } from './entity-codec.js';
import { NotPrimaryError, P4RuntimeRpcError, WriteError } from './errors.js';

/** The error of a failed call; an error that is not from gRPC is returned as it is. @param primary whether the caller holds mastership, as far as it knows */
export function rpcError(call: string, address: string, primary: boolean, error: unknown): unknown {
  const { code, details } = error as Partial<ServiceError>;
  if (typeof code !== 'number') return error;
  const reason = statusOf(error)?.message || details || 'no reason given';
  const message = `${call} at ${address} failed: ${codeName(code)}, ${reason}`;
  const notPrimary = code === Code.PERMISSION_DENIED && !primary;
  return new (notPrimary ? NotPrimaryError : P4RuntimeRpcError)(message, code, { cause: error });
}

/** The updates of a batch that the server names as failed, or undefined if it names none. */
export function writeError(
  updates: readonly UpdateInput[],
  codec: EntityCodec,
  error: unknown,
): WriteError | undefined {
  const failed = updateErrors(error).flatMap(({ canonicalCode, message }, index) => {
    const update = updates[index];
    if (canonicalCode === Code.OK || update === undefined) return [];
    return [
      { index, update: `${update.type} ${codec.describe(update.entity)}`, status: canonicalCode as Code, message },
    ];
  });
  return failed.length > 0 ? new WriteError(failed, updates.length, { cause: error }) : undefined;
}
