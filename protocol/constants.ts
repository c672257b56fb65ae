/**
 * The numbers that workers, controller and switch agree on. `p4/shared/constants.p4` holds the same
 * ones; `test/protocol/constants.test.ts` compares the two files, so neither can drift.
 */

/** First two bytes of every fpisa message. */
export const MAGIC = 0xf15a;

/** Protocol version in byte 2. A switch drops every other version. */
export const VERSION = 1;

/** UDP destination port of the aggregation service on a switch. */
export const SERVICE_UDP_PORT = 0xf15a;

/** Addresses of the aggregation service on a switch, unless the operator chooses others. */
export const DEFAULT_SERVICE_IP = '10.0.0.254';
export const DEFAULT_SERVICE_MAC = '02:00:0a:00:00:fe';

/** Type of a message (byte 3). */
export const Opcode = {
  /** Worker to switch: add these values to a slot. */
  CONTRIBUTE: 1,
  /** Switch to workers: the finished sum of a slot. */
  RESULT: 2,
  /** Worker or controller to switch: report the state of a slot. */
  PROBE: 3,
  /** Switch: the state of a slot. */
  PROBE_REPLY: 4,
  /** Switch to one worker: this contribution contradicts what the slot already holds. */
  REFUSED: 5,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Bits of the flags field (bytes 4 and 5). */
export const Flag = {
  /** Values are big-endian. Without it they are little-endian, the order of tensor memory. */
  NETWORK_ORDER: 0x0001,
  /** Set by a worker on a retransmission. The switch does not depend on it. */
  RETRANSMISSION: 0x0002,
  /** Set by the switch on a result that answers a retransmission, and so was sent to one worker only. */
  REPEATED: 0x0004,
} as const;

/** Why a packet was dropped; index into the P4 counter `fpisa.drops`. */
export const DropReason = {
  NONE: 0,
  /** The parser ran out of bytes: truncated at some header. */
  MALFORMED: 1,
  /** IPv4 header checksum is wrong. */
  BAD_CHECKSUM: 2,
  /** Wrong magic or protocol version. */
  BAD_VERSION: 3,
  /** Opcode that only a switch may send, or an unknown one. */
  BAD_OPCODE: 4,
  /** Lengths in IPv4, UDP and this program's values per packet do not agree. */
  BAD_LENGTH: 5,
  /** No membership for this ingress port, source address, UDP port, job and worker. */
  NOT_MEMBER: 6,
  /** The packet is of another membership epoch. */
  WRONG_EPOCH: 7,
  /** Slot outside the job's range, or a set other than 0 and 1. */
  BAD_SLOT: 8,
  /** More values announced than a packet holds. */
  BAD_COUNT: 9,
  /** A round older than the one the slot now holds. */
  STALE: 10,
  /** Already counted, and the round is not complete yet. */
  DUPLICATE: 11,
  /** Ordinary IPv4 traffic without a route. */
  NO_ROUTE: 12,
  /** Ordinary IPv4 traffic whose TTL ran out. */
  TTL_EXPIRED: 13,
  /** Neither IPv4 nor anything else this program forwards. */
  NOT_IPV4: 14,
  /** Egress replica without an entry in `fpisa.receiver`. */
  NO_RECEIVER: 15,
  /** Lost on purpose, by a test build of the program. */
  INJECTED: 16,
} as const;
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** Per-job events; the P4 counter `fpisa.events` is indexed by `job index * 16 + event`. */
export const JobEvent = {
  /** A contribution was added. */
  CONTRIBUTION: 0,
  /** A round was completed and multicast. */
  RESULT: 1,
  /** A finished result was retransmitted to one worker. */
  REPEAT: 2,
  /** A duplicate contribution was dropped. */
  DUPLICATE: 3,
  /** A contribution of an older round was dropped. */
  STALE: 4,
  /** A contribution was refused because its signature differs from the slot's. */
  REFUSED: 5,
  /** A value replaced the register's (approximate mode, docs/arithmetic.md). */
  OVERWRITE: 6,
  /** An addition saturated. */
  OVERFLOW: 7,
  /** A packet of another epoch was dropped. */
  WRONG_EPOCH: 8,
  /** The sum over this switch's members was sent to the parent switch. */
  ASCENT: 9,
  /** A message of the parent switch was passed down to the members. */
  DESCENT: 10,
} as const;
export const EVENTS_PER_JOB = 16;

/** Worker bitmaps are 32 bits wide, so a switch adds up at most 32 workers of one job. */
export const MAX_WORKERS = 32;

/** Jobs that one switch can hold at a time; the job number in a packet is an index below this. */
export const MAX_JOBS = 256;

/** Slots of the pool that all jobs of a switch share; each has two sets. */
export const POOL_SLOTS = 512;

/** Values per packet for which `npm run p4` makes a build. */
export const BUILDS = [16, 64, 256, 1024, 2048] as const;
/** For links that carry its packets: the loopback, jumbo frames. */
export const LARGEST_BUILD = 2048 satisfies (typeof BUILDS)[number];
export type ValuesPerPacket = (typeof BUILDS)[number];

/** Port on which a P4Runtime packet-out enters and a packet-in leaves. */
export const CPU_PORT = 510;
