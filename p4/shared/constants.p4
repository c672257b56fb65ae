/*
 * Sizes and codes that every file of the program shares. protocol/constants.ts has the same numbers
 * for the hosts; a test compares the two files.
 */
#ifndef FPISA_CONSTANTS
#define FPISA_CONSTANTS

#include "network_constants.p4"

/* Values per packet: the number that one packet adds to a slot. A build parameter (-DVALUES_PER_PACKET=64). */
#ifndef VALUES_PER_PACKET
#define VALUES_PER_PACKET 64
#endif

/* Slots that all jobs of the switch share. At N = 256 the two register arrays hold 262,144 elements
 * each, which simple_switch allocates at start in well under a second. */
#ifndef POOL_SLOTS
#define POOL_SLOTS 512
#endif

/* Each slot has two sets: while one is being filled, the other still answers retransmissions. */
const bit<32> SETS_PER_SLOT = 2;

/* The bitmap of a set is one 32-bit register, the widest that a Tofino stateful ALU combines. */
const bit<32> MAX_WORKERS = 32;
const bit<32> MAX_JOBS = 256;
const bit<32> MEMBERS = MAX_JOBS * MAX_WORKERS;

/* Test builds: ports for which packet loss can be configured. */
const bit<32> FAULTY_PORTS = 512;
/* A switch has at most one parent per job. */
const bit<32> PARENTS = MAX_JOBS;

const bit<16> SERVICE_UDP_PORT = 0xF15A;
const bit<16> MAGIC = 0xF15A;
const bit<8> VERSION = 1;

const bit<8> OPCODE_CONTRIBUTE = 1;
const bit<8> OPCODE_RESULT = 2;
const bit<8> OPCODE_PROBE = 3;
const bit<8> OPCODE_PROBE_REPLY = 4;
const bit<8> OPCODE_REFUSED = 5;

const bit<16> FLAG_NETWORK_ORDER = 0x0001;
const bit<16> FLAG_RETRANSMISSION = 0x0002;
const bit<16> FLAG_REPEATED = 0x0004;

/* Index into the counter `fpisa.events` is job * EVENTS_PER_JOB + event. */
const bit<32> EVENT_CONTRIBUTION = 0;
const bit<32> EVENT_RESULT = 1;
const bit<32> EVENT_REPEAT = 2;
const bit<32> EVENT_DUPLICATE = 3;
const bit<32> EVENT_STALE = 4;
const bit<32> EVENT_REFUSED = 5;
const bit<32> EVENT_OVERWRITE = 6;
const bit<32> EVENT_OVERFLOW = 7;
const bit<32> EVENT_WRONG_EPOCH = 8;
const bit<32> EVENT_ASCENT = 9;
const bit<32> EVENT_DESCENT = 10;
const bit<32> EVENTS_PER_JOB = 16;

/* Numeric profile, as the membership table's action carries it (docs/arithmetic.md, "Profile"). */
const bit<8> MODE_FULL = 0;
const bit<8> MODE_APPROXIMATE = 1;
const bit<8> ALIGNMENT_FLOOR = 0;
const bit<8> ALIGNMENT_NEAREST_EVEN = 1;
const bit<8> ROUNDING_TRUNCATE = 0;
const bit<8> ROUNDING_NEAREST_EVEN = 1;
const bit<8> FORMAT_FP32 = 0;
const bit<8> FORMAT_INT32 = 1;

#endif
