/** Options of a worker, and their defaults. */
import type { ChannelCredentials } from '@grpc/grpc-js';
import { parseHostPort } from '../net/host-port.js';
import type { OperationProgress, ReduceOp, Tensors } from './allreduce/index.js';
import { DEFAULT_PATIENCE, DEFAULT_RTO, MAX_RANK, type RtoBounds } from './allreduce/index.js';
import { ArgumentError } from './errors.js';
import type { StartThread } from './thread/start.js';
import type { Transport } from './transport/transport.js';

export interface JoinOptions {
  /** `host:port` of the controller. */
  controller: string;
  /** Name of the job. */
  job: string;
  /** 0 to workers − 1; each rank is taken by one worker. */
  rank: number;
  /** Owned by the worker, which closes it. Default: a UDP socket on `ip`. */
  transport?: Transport;
  /**
   * Whether packets, sums and the connection to the controller are handled by a thread of the worker's own, which a busy
   * caller does not hold up. A function starts that thread from elsewhere, for programs in one file. Default: true,
   * but false with `transport` or `credentials`, which cannot leave the caller's thread.
   */
  thread?: boolean | StartThread;
  /** This machine's address as the switch sees it. Default: the one used to reach the controller. */
  ip?: string;
  /** UDP port to bind; default: any free one. */
  udpPort?: number;
  /** MAC address of this worker, if the switch has to write it; default: the controller assigns one. */
  mac?: string;
  /** Switch of the job's tree that this worker is connected to; default: the only one with a free port. */
  switchName?: string;
  /** Port of the switch; default: the controller chooses a free one. */
  switchPort?: number;
  /**
   * What the worker's first operations will reduce, in order. The controller refuses a worker whose tensors do not fit
   * the job or the other workers that wait, before it counts as a member, and tells those. Default: it does not say.
   */
  announce?: readonly AnnouncedOperation[];
  /** Default: no TLS. */
  credentials?: ChannelCredentials;
  /** Cancels joining, not the membership. */
  signal?: AbortSignal;
  /** The controller must answer within this time. Default 10 000. */
  joinTimeoutMs?: number;
  /** An operation fails after this long without any result. Default 30 000. */
  timeoutMs?: number;
  /** An operation waits this long for the job to (re)gain its members. Default 300 000. */
  membershipTimeoutMs?: number;
  /** Bounds of the retransmission timeout. */
  rto?: Partial<RtoBounds>;
  /** Packets sent in one burst; more overflow the socket buffers of a software switch. Default 32. */
  burst?: number;
}

/** An operation to come: only types, names and shapes of the tensors matter. */
export interface AnnouncedOperation {
  tensors: Tensors;
  /** Default `sum`. */
  op?: ReduceOp;
  /** As of {@link AllreduceOptions}. */
  quantize?: boolean;
  /** Where the tensors come from, for messages: a file. */
  source?: string;
}

export interface AllreduceOptions {
  /** Default `sum`. `mean` divides by the number of members that the sum contains. */
  op?: ReduceOp;
  /**
   * Sends fp32 tensors as integers of 32 bits, each packet's scaled by its largest exponent: for a job of format int32,
   * and at all of its workers.
   */
  quantize?: boolean;
  /** Aborts the operation, here and at every other worker. */
  signal?: AbortSignal;
  onProgress?: (progress: OperationProgress) => void;
}

export interface Settings {
  joinTimeoutMs: number;
  timeoutMs: number;
  membershipTimeoutMs: number;
  burst: number;
  rto: RtoBounds;
}

const DEFAULT_JOIN_TIMEOUT_MS = 10_000;
const DEFAULT_BURST = 32;

/** @throws ArgumentError for a missing or invalid option */
export function settings(options: Readonly<JoinOptions>): Settings {
  if (parseHostPort(options.controller) === undefined) {
    throw new ArgumentError(`controller is '${options.controller}'; the form is host:port, for example 127.0.0.1:9600`);
  }
  if (options.job === '') throw new ArgumentError('job is empty; give the name of a job of the controller');
  if (!Number.isInteger(options.rank) || options.rank < 0 || options.rank > MAX_RANK) {
    throw new ArgumentError(`rank is ${options.rank}; ranks are whole numbers from 0 to ${MAX_RANK}`);
  }
  const result: Settings = {
    joinTimeoutMs: options.joinTimeoutMs ?? DEFAULT_JOIN_TIMEOUT_MS,
    timeoutMs: options.timeoutMs ?? DEFAULT_PATIENCE.timeoutMs,
    membershipTimeoutMs: options.membershipTimeoutMs ?? DEFAULT_PATIENCE.membershipTimeoutMs,
    burst: options.burst ?? DEFAULT_BURST,
    rto: { ...DEFAULT_RTO, ...options.rto },
  };
  const { joinTimeoutMs, timeoutMs, membershipTimeoutMs, burst, rto } = result;
  const positive = {
    joinTimeoutMs,
    timeoutMs,
    membershipTimeoutMs,
    burst,
    'rto.initialMs': rto.initialMs,
    'rto.minMs': rto.minMs,
    'rto.maxMs': rto.maxMs,
  };
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0)) throw new ArgumentError(`${name} is ${value}; it must be above 0`);
  }
  if (rto.minMs > rto.maxMs) throw new ArgumentError(`rto.minMs (${rto.minMs}) is above rto.maxMs (${rto.maxMs})`);
  return result;
}
