/** Body of PROBE and PROBE_REPLY: what one slot holds, for both sets (docs/protocol.md). */
import { HEADER_BYTES, PROBE_BODY_BYTES, PROBE_BYTES } from './message.js';
import { MessageFormatError } from './errors.js';

export interface SetState {
  epoch: number;
  chunk: number;
  operation: number;
  signature: number;
  /** Bit w is set when worker w has contributed to the round that the set holds. */
  bitmap: number;
  /** Contributions counted in the round. */
  contributions: number;
}

export interface SlotState {
  /** Index into the switch's whole pool. */
  absoluteSlot: number;
  /** Values per packet of the program that answers. */
  valuesPerPacket: number;
  sets: [SetState, SetState];
}

const SET_BYTES = 24;
const SETS_OFFSET = HEADER_BYTES + 8;

export function readProbeReply(view: DataView): SlotState {
  if (view.byteLength < PROBE_BYTES) {
    throw new MessageFormatError(
      `probe of ${view.byteLength} bytes, expected ${PROBE_BYTES} (header and ${PROBE_BODY_BYTES})`,
    );
  }
  return {
    absoluteSlot: view.getUint16(HEADER_BYTES),
    valuesPerPacket: view.getUint16(HEADER_BYTES + 2),
    sets: [readSet(view, SETS_OFFSET), readSet(view, SETS_OFFSET + SET_BYTES)],
  };
}

function readSet(view: DataView, at: number): SetState {
  return {
    epoch: view.getUint32(at),
    chunk: view.getUint32(at + 4),
    operation: view.getUint32(at + 8),
    signature: view.getUint32(at + 12),
    bitmap: view.getUint32(at + 16),
    contributions: view.getUint32(at + 20),
  };
}
