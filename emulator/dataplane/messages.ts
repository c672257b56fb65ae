/** Messages between the main thread and the packet thread, in addition to calls and shared memory. */
import type { FaultOptions } from '../faults.js';
import type { PortSpec } from '../ports/port-spec.js';
import type { PortErrorCode } from '../ports/port.js';
import type { ProgramCode } from './program-host.js';

/** What the packet thread is started with. */
export interface PacketThreadData {
  readonly control: SharedArrayBuffer;
  /** For packets of programs that are interpreted by the main thread. */
  readonly arena: SharedArrayBuffer;
  /** Start of the switch's clock: process.hrtime.bigint(). */
  readonly clockStart: bigint;
  readonly cpuPort: number;
  readonly ports: readonly PortSpec[];
  /** `scheduler` cannot be sent. */
  readonly faults?: Omit<FaultOptions, 'scheduler'>;
  /** Use node:dgram and an event loop even where batches are possible. */
  readonly portable?: boolean;
}

export type ToPackets =
  /** Run this program from now on, with this code or by calls of `interpret`. */
  | { readonly kind: 'program'; readonly number: number; readonly code?: ProgramCode }
  | { readonly kind: 'packetOut'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' };

export type ToMain =
  /** @param wakeUpFd descriptor of an eventfd that wakes the thread, if it does not run an event loop */
  | { readonly kind: 'open'; readonly places: ReadonlyMap<number, string>; readonly wakeUpFd: number | undefined }
  | { readonly kind: 'refused'; readonly code: PortErrorCode; readonly port: number; readonly message: string }
  /** There is a call to answer. */
  | { readonly kind: 'call' }
  /** The program with this number runs; those before it do not run any more. */
  | { readonly kind: 'running'; readonly number: number; readonly compiled: boolean }
  | { readonly kind: 'packetIn'; readonly bytes: Uint8Array }
  | { readonly kind: 'gaveUp'; readonly port: number; readonly code: string; readonly message: string };
