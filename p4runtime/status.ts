/**
 * Errors on the wire (P4Runtime 1.4, section "Error Reporting"): a failed batch ends with code UNKNOWN and a
 * google.rpc.Status in the trailer `grpc-status-details-bin`, whose details are one p4.v1.Error per update, in
 * the order of the updates, with code OK for those that succeeded.
 */
import { Metadata, status as Code } from '@grpc/grpc-js';
import { codec } from './codec.js';
import type { Init, RpcStatus, UpdateError } from './messages.js';

export { Code };

const TRAILER = 'grpc-status-details-bin';
const ERROR_URL = 'type.googleapis.com/p4.v1.Error';

const statusCodec = codec<RpcStatus>('google.rpc.Status');
const errorCodec = codec<UpdateError>('p4.v1.Error');

export function packStatus(code: number, message: string, errors: readonly Init<UpdateError>[]): Uint8Array {
  const details = errors.map((error) => ({ typeUrl: ERROR_URL, value: errorCodec.encode(error) }));
  return statusCodec.encode({ code, message, details });
}

/** The trailer of a failed batch. */
export function statusTrailer(code: number, message: string, errors: readonly Init<UpdateError>[]): Metadata {
  const metadata = new Metadata();
  metadata.set(TRAILER, Buffer.from(packStatus(code, message, errors)));
  return metadata;
}

/** The google.rpc.Status of a failed call, or undefined if it carries none that can be read. */
export function statusOf(error: unknown): RpcStatus | undefined {
  const metadata = (error as { metadata?: unknown } | null)?.metadata;
  if (!(metadata instanceof Metadata)) return undefined;
  const value = metadata.get(TRAILER)[0];
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return statusCodec.decode(value);
  } catch {
    return undefined; // A proxy's trailer must not hide the error that carries it.
  }
}

/** One entry per update of the failed Write, or an empty array if the server gave none. */
export function updateErrors(error: unknown): UpdateError[] {
  const details = statusOf(error)?.details ?? [];
  return details.filter(({ typeUrl }) => typeUrl.endsWith('/p4.v1.Error')).map(({ value }) => errorCodec.decode(value));
}

/** The name of a gRPC status code, for example `ALREADY_EXISTS`; the number for an unknown code. */
export function codeName(code: number): string {
  return Code[code] ?? String(code);
}
