import type { Digest, Output } from './control.js';
import type { Random } from '../net/random.js';
import type { ProgramState } from './state/program-state.js';
import type { TraceRecorder } from './trace.js';

/** What an engine gets from the switch it runs in. */
export interface EngineHost {
  readonly state: ProgramState;
  /** Microseconds, never going back. */
  readonly clock: () => number;
  readonly random: Random;
  /** egress_spec of packets to drop. */
  readonly dropPort: number;
  /** A packet that comes around more often than this (resubmit, recirculate, clones of clones) is dropped. */
  readonly maxPasses: number;
  /** Queues of each egress port; a packet whose priority has no queue is dropped, as in simple_switch. */
  readonly queuesPerPort: number;
  readonly onDigest: (digest: Digest) => void;
  readonly onLog: (text: string) => void;
  /** Where a packet that did not leave has ended, for statistics. */
  readonly onDrop: (where: 'ingress' | 'egress' | 'queue' | 'passes') => void;
}

/** One way to execute a program. All engines give the same bytes for the same packets. */
export interface Engine {
  /**
   * Runs a packet and all its copies to the end.
   * @param bytes is not kept and not changed.
   * @throws PacketAbortError where simple_switch would stop.
   */
  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[];
}
