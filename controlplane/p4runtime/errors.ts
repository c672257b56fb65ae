/** Errors of the P4Runtime client. The base class and those of names and bytestrings are in p4runtime/errors.ts. */
import { status as Code } from '@grpc/grpc-js';
import { counted } from '../../net/count.js';
import { P4RuntimeError } from '../../p4runtime/errors.js';
import { codeName } from '../../p4runtime/status.js';

/** No P4Runtime server answered at the address. */
export class ConnectError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_CONNECT';
  constructor(
    message: string,
    /** gRPC status with which the last attempt's stream ended; undefined if none has ended. */
    readonly status: Code | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The call needs a connection, but the client is not connected. */
export class NotConnectedError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_NOT_CONNECTED';
}

/** The call needs a pipeline, and neither this client nor the switch has one. */
export class NoPipelineError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_NO_PIPELINE';
}

/** An invalid value, key or entity. */
export class EntityError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_ENTITY';
}

/** The server refused a call as a whole. */
export class P4RuntimeRpcError extends P4RuntimeError {
  readonly code: string = 'P4RUNTIME_RPC';
  constructor(
    message: string,
    /** gRPC status code. */
    readonly status: Code,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Another controller is primary. */
export class NotPrimaryError extends P4RuntimeRpcError {
  override readonly code = 'P4RUNTIME_NOT_PRIMARY';
}

export interface FailedUpdate {
  /** Position in the batch. */
  readonly index: number;
  /** For example `INSERT fpisa.member{job=1, worker=0}`. */
  readonly update: string;
  readonly status: Code;
  readonly message: string;
}

const MAX_SHOWN = 5;

/** Some updates of a batch failed; the others were applied (P4Runtime's CONTINUE_ON_ERROR). */
export class WriteError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_WRITE';
  constructor(
    readonly failed: readonly FailedUpdate[],
    /** Updates in the batch. */
    readonly total: number,
    options?: ErrorOptions,
  ) {
    const shown = failed
      .slice(0, MAX_SHOWN)
      .map((each) => `${each.update}: ${codeName(each.status)}${each.message ? ` (${each.message})` : ''}`);
    const rest = failed.length > MAX_SHOWN ? `; and ${failed.length - MAX_SHOWN} more` : '';
    super(`${failed.length} of ${counted(total, 'update')} failed: ${shown.join('; ')}${rest}`, options);
  }
}
