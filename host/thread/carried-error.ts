/** Errors between threads: structured cloning keeps neither their classes nor their fields. */
import { NotAControllerError } from '../../protocol/errors.js';
import * as workerErrors from '../errors.js';

export interface CarriedError {
  /** Undefined if it is none of a worker's errors. */
  readonly code: string | undefined;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** The other fields of its class; plain data. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: CarriedError | undefined;
}

const CLASSES = {
  FPISA_ARGUMENT: workerErrors.ArgumentError,
  FPISA_JOIN: workerErrors.JoinError,
  FPISA_CONTROLLER_UNREACHABLE: workerErrors.ControllerUnreachableError,
  FPISA_NOT_A_CONTROLLER: NotAControllerError,
  FPISA_SWITCH_UNREACHABLE: workerErrors.SwitchUnreachableError,
  FPISA_STALLED: workerErrors.StalledError,
  FPISA_SHAPE_MISMATCH: workerErrors.ShapeMismatchError,
  FPISA_ABORTED: workerErrors.AbortedError,
  FPISA_NOT_FINITE: workerErrors.NotFiniteError,
  FPISA_MEMBERSHIP: workerErrors.MembershipError,
  FPISA_MEMBERS_LOST: workerErrors.MembersLostError,
  FPISA_CLOSED: workerErrors.ClosedError,
  FPISA_TRANSPORT: workerErrors.TransportError,
  FPISA_THREAD: workerErrors.ThreadError,
} as const;

export function carry(thrown: unknown): CarriedError {
  if (!(thrown instanceof Error))
    return { code: undefined, name: 'Error', message: String(thrown), stack: undefined, fields: {}, cause: undefined };
  const { code, ...fields } = thrown as Error & { code?: unknown };
  return {
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : undefined,
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => isPlain(value))),
    cause: thrown.cause === undefined ? undefined : carry(thrown.cause),
  };
}

/** The error as it was: of the same class, with the same fields, and the stack of the thread that it comes from. */
export function uncarry({ code, name, message, stack, fields, cause }: CarriedError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: uncarry(cause) });
  const kind = code !== undefined && code in CLASSES ? CLASSES[code as keyof typeof CLASSES] : undefined;
  // Not its constructor: each has other parameters.
  if (kind !== undefined) Object.setPrototypeOf(error, kind.prototype as object);
  else if (name !== 'Error') Object.defineProperty(error, 'name', { value: name, configurable: true });
  Object.assign(error, fields, code !== undefined && { code });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return error;
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}
