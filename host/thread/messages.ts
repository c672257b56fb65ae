/** What passes between a caller's thread and the thread of its worker. */
import type { AllreduceStats, Format, OperationProgress, ReduceOp } from '../allreduce/index.js';
import type { LocalOptions } from '../local-worker.js';
import type { WorkerEvents } from '../worker-events.js';
import type { WorkerState } from '../worker-side.js';
import type { CarriedError } from './carried-error.js';
import type { Lent, ProbedMemory } from './lent-memory.js';

/** All options but those that cannot leave the caller's thread. */
export type ThreadOptions = Omit<LocalOptions, (typeof STAYING)[number]>;

/** `announce` has tensors, of which `announcements` has what matters. */
const STAYING = ['transport', 'credentials', 'signal', 'announce', 'thread'] as const;

export function threadOptions(options: Readonly<LocalOptions>): ThreadOptions {
  const carried = { ...options };
  for (const name of STAYING) delete carried[name];
  return carried;
}

/** What the thread is started with. */
export interface WorkerThreadData {
  readonly options: ThreadOptions;
  /** Undefined: the caller's thread cannot tell addresses. */
  readonly probe: ProbedMemory | undefined;
}

export interface LentTensor {
  /** Undefined in a list. */
  readonly name: string | undefined;
  readonly shape: readonly number[];
  readonly memory: Lent;
}

export interface Call {
  /** Of this worker's calls. */
  readonly id: number;
  readonly format: Format;
  readonly tensors: readonly LentTensor[];
  readonly op: ReduceOp | undefined;
  readonly quantize: boolean;
  /** Whether anybody listens. */
  readonly reports: boolean;
  readonly cancellable: boolean;
}

/** To the thread. Exactly one field is set. */
export interface ThreadRequest {
  readonly call?: Call;
  /** The call to cancel. */
  readonly cancel?: number;
  /** Ends the thread, when the calls in progress are over or at once; while it joins, it gives up. */
  readonly end?: 'leave' | 'close';
}

/** An event and its arguments; that of `closed` is a {@link CarriedError}. */
type Told = { [Name in Exclude<keyof WorkerEvents, 'closed'>]: { name: Name; args: WorkerEvents[Name] } }[Exclude<
  keyof WorkerEvents,
  'closed'
>];

/** From the thread, in the order in which it happens. One of the fields besides `state` is set. */
export interface ThreadReport {
  /** Since this message, where more than `completed` has changed. */
  readonly state?: WorkerState;
  readonly completed?: number;
  readonly joined?: { readonly readsAddresses: boolean };
  readonly refused?: CarriedError;
  readonly event?: Told;
  readonly closed?: { readonly error: CarriedError | undefined };
  readonly progress?: { readonly id: number; readonly report: OperationProgress };
  readonly succeeded?: { readonly id: number; readonly stats: AllreduceStats };
  readonly failed?: { readonly id: number; readonly error: CarriedError };
}
