import type { Control } from '../../emulator/control.js';

/** A packet, to be sent again later. */
export interface Kept {
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** What a certain program needs so that packets get anywhere: its own entries, and packets that fit them. */
export interface Site {
  setUp(control: Control): void;
  packet(): Kept;
}
