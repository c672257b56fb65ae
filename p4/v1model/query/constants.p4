/*
 * Sizes and codes of the query program. protocol/query/constants.ts has the same numbers for the hosts; a test
 * compares the two files.
 */
#ifndef FPISA_QUERY_CONSTANTS
#define FPISA_QUERY_CONSTANTS

#include "../../shared/network_constants.p4"

/* Values that a tuple carries in addition to its key (-DLANES=6). More lanes, fewer tuples: a packet stays below 1,500 bytes. */
#ifndef LANES
#define LANES 2
#endif
#if LANES == 2
#define TUPLES 32
#define GROUPS_PER_PACKET 16
#elif LANES == 6
#define TUPLES 16
#define GROUPS_PER_PACKET 8
#else
#error "LANES must be 2 or 6"
#endif

/* Group slots. simple_switch keeps every register cell as a big number, and allocates these in about a second. */
#ifndef GROUP_SLOTS
#if LANES == 2
#define GROUP_SLOTS 65536
#else
#define GROUP_SLOTS 32768
#endif
#endif

const bit<32> MAX_STREAMS = 256;
/* Packets in flight, over all streams and workers of the switch. */
const bit<32> FLOW_SLOTS = 8192;
/* Rows that the Top-N queries of the switch keep; one query may use all of them. */
const bit<32> TOP_SLOTS = 1024;
/* Words of 64 bits: 16 Mbit, for a million keys at a false-positive rate of about 0.5 %. */
const bit<32> BLOOM_WORDS = 262144;
/* Maximum number of group slots that one DRAIN packet scans, so that the work per packet is bounded. */
const bit<32> SCAN_SLOTS = 256;

const bit<32> MEMBERS = 4096;

const bit<16> SERVICE_UDP_PORT = 0xF15B;
const bit<16> MAGIC = 0xF15B;
const bit<8> VERSION = 1;

const bit<8> OPCODE_OPEN = 1;
const bit<8> OPCODE_OPENED = 2;
const bit<8> OPCODE_ROWS = 3;
const bit<8> OPCODE_ACK = 4;
const bit<8> OPCODE_DRAIN = 5;
const bit<8> OPCODE_GROUPS = 6;
const bit<8> OPCODE_REFUSED = 7;

const bit<16> FLAG_END = 0x0001;
const bit<16> FLAG_REPEATED = 0x0002;
const bit<16> FLAG_OVERFLOW = 0x0004;

/* The value of `worker` and `peer` that denotes the master. */
const bit<16> MASTER = 0xFFFF;

const bit<8> OPERATOR_GROUP = 1;
const bit<8> OPERATOR_TOP = 2;
const bit<8> OPERATOR_BUILD = 3;
const bit<8> OPERATOR_PROBE = 4;

/* The operation on a lane; lane l has byte l of the stream's `lane_ops`. */
const bit<8> LANE_UNUSED = 0;
const bit<8> LANE_SUM_F64 = 1;
const bit<8> LANE_SUM_F32 = 2;
const bit<8> LANE_SUM_I64 = 3;
const bit<8> LANE_MIN_F64 = 4;
const bit<8> LANE_MAX_F64 = 5;
const bit<8> LANE_MIN_I64 = 6;
const bit<8> LANE_MAX_I64 = 7;

/* How the first lane of a Top-N tuple is ordered. */
const bit<8> ORDER_F64 = 1;
const bit<8> ORDER_I64 = 2;
const bit<8> ORDER_U64 = 3;

/* The groups that HAVING keeps, by the key of the compared lane (or of the number of rows). */
const bit<8> HAVING_NONE = 0;
const bit<8> HAVING_AT_LEAST = 1;
const bit<8> HAVING_AT_MOST = 2;
const bit<8> HAVING_ON_ROWS = 0xFF;

/* Index into the counter `fpisa_query.events` is stream * EVENTS_PER_STREAM + event; a packet counts once. */
const bit<32> EVENT_ROWS = 0;
const bit<32> EVENT_REPEAT = 1;
const bit<32> EVENT_STALE = 2;
const bit<32> EVENT_REFUSED = 3;
const bit<32> EVENT_ABSORBED = 4;
const bit<32> EVENT_FORWARDED = 5;
const bit<32> EVENT_DRAIN = 6;
const bit<32> EVENTS_PER_STREAM = 8;

#endif
