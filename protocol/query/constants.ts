/**
 * The numbers that workers, master and switch agree on for queries. `p4/v1model/query/constants.p4` holds the same
 * ones; `test/protocol/query/constants.test.ts` compares the two files, so neither can drift.
 */

/** Index into the P4 counter `fpisa_query.drops`: the reasons are the same in all programs. */
export { DropReason } from '../constants.js';

/** First two bytes of every query message. */
export const MAGIC = 0xf15b;
export const VERSION = 1;
/** UDP destination port of the query service on a switch. */
export const SERVICE_UDP_PORT = 0xf15b;

/** Type of a message (byte 3). */
export const Opcode = {
  /** Master to switch: begin a stream; the state of its operator is cleared. */
  OPEN: 1,
  /** Switch to master: the stream is open, now or already before. */
  OPENED: 2,
  /** Worker to switch: tuples; the switch forwards those that are left to the master. */
  ROWS: 3,
  /** Switch to worker (nothing was left), or master through the switch: the packet has arrived. */
  ACK: 4,
  /** Master to switch: send groups. */
  DRAIN: 5,
  GROUPS: 6,
  /** Switch: the stream is not open, or is open with another epoch: its state was lost. */
  REFUSED: 7,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Bits of the flags field. */
export const Flag = {
  /** The worker's last packet of the stream; it has no tuples and is always forwarded to the master. */
  END: 0x0001,
  /** Set by the switch: it has received this packet before. */
  REPEATED: 0x0002,
  /** Set by the switch in GROUPS: an integer sum of the stream has overflowed, so its groups must not be used. */
  OVERFLOW: 0x0004,
} as const;

/** Field `worker` of messages from the master, and `peer` of messages to it. */
export const MASTER = 0xffff;

export const Operator = {
  /** Aggregates by key; tuples that find no slot are forwarded to the master. */
  GROUP: 1,
  /** Drops tuples that are certainly not among the N greatest. */
  TOP: 2,
  /** Inserts keys into a Bloom filter; nothing is forwarded. */
  BUILD: 3,
  /** Drops tuples whose key is certainly not in the filter. */
  PROBE: 4,
} as const;
export type Operator = (typeof Operator)[keyof typeof Operator];

/** What is done with a lane. The order and the representation of values: docs/queries.md. */
export const LaneOp = {
  UNUSED: 0,
  SUM_F64: 1,
  SUM_F32: 2,
  SUM_I64: 3,
  MIN_F64: 4,
  MAX_F64: 5,
  MIN_I64: 6,
  MAX_I64: 7,
} as const;
export type LaneOp = (typeof LaneOp)[keyof typeof LaneOp];

/** How the first lane of a Top-N tuple is ordered; the greatest are kept. */
export const Order = { F64: 1, I64: 2, U64: 3 } as const;
export type Order = (typeof Order)[keyof typeof Order];

/** Which groups a DRAIN returns, by the order-preserving key of one lane. */
export const Having = { NONE: 0, AT_LEAST: 1, AT_MOST: 2 } as const;
export type Having = (typeof Having)[keyof typeof Having];
/** In place of a lane in HAVING: the number of rows of the group. */
export const HAVING_ON_ROWS = 0xff;

/** Index into the counter `fpisa_query.events` is `stream * EVENTS_PER_STREAM + event`. Packets, not tuples. */
export const Event = { ROWS: 0, REPEAT: 1, STALE: 2, REFUSED: 3, ABSORBED: 4, FORWARDED: 5, DRAIN: 6 } as const;
export const EVENTS_PER_STREAM = 8;

export const MAX_STREAMS = 256;
/** Packets in flight of all streams and workers. */
export const FLOW_SLOTS = 8192;
/** The largest N of a Top-N query; the queries of a switch share them. */
export const TOP_SLOTS = 1024;
/** Words of 64 bits of the Bloom filters that the streams of a switch share. */
export const BLOOM_WORDS = 262_144;
/** Maximum of group slots that one DRAIN scans. */
export const SCAN_SLOTS = 256;

/** A build of the query program. */
export interface QueryBuild {
  /** Name of its artifacts in p4/build. */
  readonly name: string;
  /** Values of 64 bits that a tuple carries in addition to its key. */
  readonly lanes: number;
  /** Maximum of tuples in a ROWS packet. */
  readonly tuples: number;
  /** Maximum of groups in a GROUPS packet; a DRAIN has room for exactly that many. */
  readonly groupsPerPacket: number;
  readonly groupSlots: number;
}

export const QUERY_BUILDS = [
  { name: 'fpisa-query-l2', lanes: 2, tuples: 32, groupsPerPacket: 16, groupSlots: 65_536 },
  { name: 'fpisa-query-l6', lanes: 6, tuples: 16, groupsPerPacket: 8, groupSlots: 32_768 },
] as const satisfies readonly QueryBuild[];
