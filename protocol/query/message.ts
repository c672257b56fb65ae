/**
 * Byte layout of query messages (docs/queries.md). A message is the UDP payload: a 40-byte header, then for ROWS one
 * byte of NULL bits for each tuple of the build and `count` tuples, for DRAIN and GROUPS room for all groups of a
 * packet. Everything is in network byte order.
 */
import { MessageFormatError } from '../errors.js';
import { MAGIC, VERSION, type QueryBuild } from './constants.js';

export const HEADER_BYTES = 40;
/** A key is 24 bytes, opaque to the switch. */
export const KEY_BYTES = 24;

/** Byte offsets of the header's fields. */
export const Offset = {
  magic: 0,
  version: 2,
  opcode: 3,
  flags: 4,
  stream: 6,
  worker: 8,
  peer: 10,
  slot: 12,
  count: 14,
  epoch: 16,
  sequence: 20,
  mask: 24,
  next: 28,
  rows: 32,
} as const;

export interface QueryHeader {
  opcode: number;
  flags: number;
  stream: number;
  /** Sender: a rank, or MASTER. */
  worker: number;
  /** Of an ACK: the worker whose packet the master acknowledges. */
  peer: number;
  /** `sequence` modulo the worker's flow slots. */
  slot: number;
  /** Tuples that the packet had when its worker sent it; groups of a GROUPS. */
  count: number;
  /** Of the query; a new one after each start. */
  epoch: number;
  /** Number of the packet among the worker's of this stream, from 1; of DRAIN and GROUPS the first slot scanned. */
  sequence: number;
  /** Bit t: tuple t stayed in the switch or was dropped there, so the packet no longer contains it. */
  mask: number;
  /** Of DRAIN: the slot before which to stop. Of GROUPS: the first slot that was not scanned. */
  next: number;
  /** Of GROUPS: rows of all groups between `sequence` and `next`, including those that HAVING filtered out. */
  rows: bigint;
}

/** Bytes of one tuple: key and lanes. */
export function tupleBytes({ lanes }: QueryBuild): number {
  return KEY_BYTES + 8 * lanes;
}

/** Bytes of one group: key, rows, lanes, and for each lane the number of its values that were not NULL. */
export function groupBytes({ lanes }: QueryBuild): number {
  return KEY_BYTES + 8 + 16 * lanes;
}

/** Offset of the first tuple of a ROWS message. */
export function tuplesOffset({ tuples }: QueryBuild): number {
  return HEADER_BYTES + tuples;
}

/** Length of a ROWS message with `tuples` tuples. */
export function rowsBytes(build: QueryBuild, tuples: number): number {
  return tuplesOffset(build) + tuples * tupleBytes(build);
}

/** Length of a DRAIN: it has room for all groups of a packet. The GROUPS that answers it omits unused room. */
export function groupsBytes(build: QueryBuild): number {
  return HEADER_BYTES + build.groupsPerPacket * groupBytes(build);
}

export function writeHeader(view: DataView, header: Readonly<QueryHeader>): void {
  view.setUint16(Offset.magic, MAGIC);
  view.setUint8(Offset.version, VERSION);
  view.setUint8(Offset.opcode, header.opcode);
  view.setUint16(Offset.flags, header.flags);
  view.setUint16(Offset.stream, header.stream);
  view.setUint16(Offset.worker, header.worker);
  view.setUint16(Offset.peer, header.peer);
  view.setUint16(Offset.slot, header.slot);
  view.setUint16(Offset.count, header.count);
  view.setUint32(Offset.epoch, header.epoch);
  view.setUint32(Offset.sequence, header.sequence);
  view.setUint32(Offset.mask, header.mask);
  view.setUint32(Offset.next, header.next);
  view.setBigUint64(Offset.rows, header.rows);
}

/**
 * @param into is filled, so that a hot path allocates nothing
 * @throws MessageFormatError if it is too short, or not a query message of this version
 */
export function readHeader(view: DataView, into: QueryHeader): QueryHeader {
  if (view.byteLength < HEADER_BYTES)
    throw new MessageFormatError(`a query message has at least ${HEADER_BYTES} bytes, not ${view.byteLength}`);
  const [magic, version] = [view.getUint16(Offset.magic), view.getUint8(Offset.version)];
  if (magic !== MAGIC)
    throw new MessageFormatError(`a query message begins with 0x${MAGIC.toString(16)}, not 0x${magic.toString(16)}`);
  if (version !== VERSION)
    throw new MessageFormatError(`query protocol version ${version} is not supported; this is version ${VERSION}`);
  into.opcode = view.getUint8(Offset.opcode);
  into.flags = view.getUint16(Offset.flags);
  into.stream = view.getUint16(Offset.stream);
  into.worker = view.getUint16(Offset.worker);
  into.peer = view.getUint16(Offset.peer);
  into.slot = view.getUint16(Offset.slot);
  into.count = view.getUint16(Offset.count);
  into.epoch = view.getUint32(Offset.epoch);
  into.sequence = view.getUint32(Offset.sequence);
  into.mask = view.getUint32(Offset.mask);
  into.next = view.getUint32(Offset.next);
  into.rows = view.getBigUint64(Offset.rows);
  return into;
}

export function emptyHeader(): QueryHeader {
  return {
    opcode: 0,
    flags: 0,
    stream: 0,
    worker: 0,
    peer: 0,
    slot: 0,
    count: 0,
    epoch: 0,
    sequence: 0,
    mask: 0,
    next: 0,
    rows: 0n,
  };
}
