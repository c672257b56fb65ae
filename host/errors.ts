/** What can go wrong at a worker: one class per failure, each with a stable `code` and a one-sentence message. */
import { ControllerUnreachableError, FpisaError } from '../protocol/errors.js';

// Shared with the controller's other clients, which know nothing of workers: so it is not a WorkerError.
export { ControllerUnreachableError };

/** Base of every error that a {@link Worker} throws or rejects with, apart from {@link ControllerUnreachableError}. */
export abstract class WorkerError extends FpisaError {}

/** An option or a tensor that cannot be used; thrown before anything is sent. */
export class ArgumentError extends WorkerError {
  readonly code = 'FPISA_ARGUMENT';
}

/** The controller refused the membership: no such job, rank taken, rank out of range. */
export class JoinError extends WorkerError {
  readonly code = 'FPISA_JOIN';
  constructor(
    message: string,
    /** Names of the jobs that the controller has, as far as they could be read. */
    readonly jobs: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Since the worker joined, no message from the switch has ever arrived. */
export class SwitchUnreachableError extends WorkerError {
  readonly code = 'FPISA_SWITCH_UNREACHABLE';
  constructor(
    message: string,
    readonly report: StallReport,
  ) {
    super(message);
  }
}

/** The switch answers, or did, but an operation has made no progress for `timeoutMs`. */
export class StalledError extends WorkerError {
  readonly code = 'FPISA_STALLED';
  constructor(
    message: string,
    readonly report: StallReport,
  ) {
    super(message);
  }
}

/** What a worker had done before it gave up. */
export interface StallReport {
  operation: number;
  epoch: number;
  /** `ip:port` to which contributions were sent. */
  switchAddress: string;
  waitedMs: number;
  packetsSent: number;
  packetsReceived: number;
  retransmissions: number;
  /** Milliseconds since any message from the switch arrived; undefined if none ever did. */
  lastHeardMs: number | undefined;
  chunksDone: number;
  chunksTotal: number;
  /** Slots, relative to the job's range, whose results are outstanding. */
  outstandingSlots: readonly number[];
  /** Ranks whose contribution the probed slot lacks; undefined if no probe was answered. */
  missingRanks: readonly number[] | undefined;
}

/** The workers submitted different tensors to one operation: other names, shapes, or another op. */
export class ShapeMismatchError extends WorkerError {
  readonly code = 'FPISA_SHAPE_MISMATCH';
  constructor(
    message: string,
    /** Elements of each tensor that this worker submitted. */
    readonly lengths: readonly number[],
    /** The same as another worker reported it, if one did. */
    readonly others: string | undefined,
    /** The first thing that differs, which the message contains; undefined if no other worker said what it brought. */
    readonly difference?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The operation was aborted, by this worker's caller or by another worker. */
export class AbortedError extends WorkerError {
  readonly code = 'FPISA_ABORTED';
}

/** A tensor that is to be sent as integers holds a NaN or an infinity, which they cannot express. */
export class NotFiniteError extends WorkerError {
  readonly code = 'FPISA_NOT_FINITE';
}

/** The operation cannot continue with the members that the job has now. */
export class MembershipError extends WorkerError {
  readonly code = 'FPISA_MEMBERSHIP';
}

/** Other workers were lost or have left, did not return in time, and the job does not go on with so few. */
export class MembersLostError extends WorkerError {
  readonly code = 'FPISA_MEMBERS_LOST';
  constructor(
    message: string,
    /** Ranks without a worker. */
    readonly missingRanks: readonly number[],
  ) {
    super(message);
  }
}

/** The worker has left the job or was closed. */
export class ClosedError extends WorkerError {
  readonly code = 'FPISA_CLOSED';
}

/** The socket towards the switch cannot be used. */
export class TransportError extends WorkerError {
  readonly code = 'FPISA_TRANSPORT';
}

/** The worker's own thread could not start, or ended by itself: its membership is over. */
export class ThreadError extends WorkerError {
  readonly code = 'FPISA_THREAD';
}
