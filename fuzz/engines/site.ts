import type { Control } from '../../emulator/control.js';

/** A packet to be resent later. */
export interface Kept {
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** What a particular program needs for packets to get through it: its own entries, and matching packets. */
export interface Site {
  setUp(control: Control): void;
  packet(): Kept;
}
