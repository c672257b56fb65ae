/**
 * Byte layout of fpisa messages (docs/protocol.md). A message is the UDP payload: a 32-byte header in
 * network byte order, then N values of 32 bits, or the body of a probe.
 */
import { MAGIC, VERSION } from './constants.js';
import { MessageFormatError } from './errors.js';

export const HEADER_BYTES = 32;
export const PROBE_BODY_BYTES = 56;
export const VALUE_BYTES = 4;

/** Byte offsets of the header's fields. */
export const Offset = {
  magic: 0,
  version: 2,
  opcode: 3,
  flags: 4,
  job: 6,
  worker: 8,
  slot: 10,
  epoch: 12,
  operation: 16,
  chunk: 20,
  signature: 24,
  count: 28,
  set: 30,
  reserved: 31,
} as const;

export interface Header {
  opcode: number;
  flags: number;
  job: number;
  worker: number;
  /** Relative to the job's slot range. */
  slot: number;
  epoch: number;
  /** Sequence number of the collective operation within the job. */
  operation: number;
  /** Running index of the chunk within the epoch: never repeats, so it orders the rounds of one slot. */
  chunk: number;
  /** Hash of the operation's kind, format and shapes; equal for all workers of an operation. */
  signature: number;
  /** How many of the N values belong to the tensor; the rest are sent as +0. */
  count: number;
  /** Which of the slot's two sets. */
  set: number;
}

/** A header whose other fields are 0. */
export function emptyHeader(opcode: number): Header {
  return {
    opcode,
    flags: 0,
    job: 0,
    worker: 0,
    slot: 0,
    epoch: 0,
    operation: 0,
    chunk: 0,
    signature: 0,
    count: 0,
    set: 0,
  };
}

/** Length in bytes of a CONTRIBUTE, RESULT or REFUSED message of a build with `n` values per packet. */
export function messageBytes(n: number): number {
  return HEADER_BYTES + n * VALUE_BYTES;
}

export const PROBE_BYTES = HEADER_BYTES + PROBE_BODY_BYTES;

/** @param at where the message begins in `view` */
export function writeHeader(view: DataView, header: Readonly<Header>, at = 0): void {
  view.setUint16(at + Offset.magic, MAGIC);
  view.setUint8(at + Offset.version, VERSION);
  view.setUint8(at + Offset.opcode, header.opcode);
  view.setUint16(at + Offset.flags, header.flags);
  view.setUint16(at + Offset.job, header.job);
  view.setUint16(at + Offset.worker, header.worker);
  view.setUint16(at + Offset.slot, header.slot);
  view.setUint32(at + Offset.epoch, header.epoch);
  view.setUint32(at + Offset.operation, header.operation);
  view.setUint32(at + Offset.chunk, header.chunk);
  view.setUint32(at + Offset.signature, header.signature);
  view.setUint16(at + Offset.count, header.count);
  view.setUint8(at + Offset.set, header.set);
  view.setUint8(at + Offset.reserved, 0);
}

/** @throws MessageFormatError for a short message, a foreign magic or another version. */
export function readHeader(view: DataView): Header {
  if (view.byteLength < HEADER_BYTES) {
    throw new MessageFormatError(`message of ${view.byteLength} bytes is shorter than the ${HEADER_BYTES}-byte header`);
  }
  const magic = view.getUint16(Offset.magic);
  if (magic !== MAGIC) throw new MessageFormatError(`magic is 0x${magic.toString(16)}, not 0x${MAGIC.toString(16)}`);
  const version = view.getUint8(Offset.version);
  if (version !== VERSION)
    throw new MessageFormatError(`protocol version is ${version}, but only version ${VERSION} is supported`);
  return {
    opcode: view.getUint8(Offset.opcode),
    flags: view.getUint16(Offset.flags),
    job: view.getUint16(Offset.job),
    worker: view.getUint16(Offset.worker),
    slot: view.getUint16(Offset.slot),
    epoch: view.getUint32(Offset.epoch),
    operation: view.getUint32(Offset.operation),
    chunk: view.getUint32(Offset.chunk),
    signature: view.getUint32(Offset.signature),
    count: view.getUint16(Offset.count),
    set: view.getUint8(Offset.set),
  };
}
