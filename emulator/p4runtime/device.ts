/** What the P4Runtime server requires of a switch. */
import type { Control } from '../control.js';

/** A prepared program. Its control works before it runs, so that a saved pipeline can be written to. */
export interface PreparedProgram {
  readonly control: Control;
  /** Runs a task while no packet is processed. Absent where that is so in every turn of the event loop. */
  readonly betweenPackets?: (task: () => void) => void;
}

export interface Device {
  /**
   * Checks and loads a program while another one may be running.
   * @param program the BMv2 JSON
   * @throws EmulatorError if the switch cannot run it
   */
  prepare(program: Uint8Array): PreparedProgram;
  /** From now on packets run through this program. */
  activate(program: PreparedProgram): void;
  /** A packet from the controller: enters through the CPU port. */
  packetOut(bytes: Uint8Array): void;
  /** Packets that leave through the CPU port. @returns the function that unsubscribes */
  onPacketIn(listener: (bytes: Uint8Array) => void): () => void;
}
