/*
 * Constants of the network, and of the way every program treats ordinary packets. Drop reasons are the same in
 * all programs, so that one reader of counters understands them.
 */
#ifndef FPISA_NETWORK_CONSTANTS
#define FPISA_NETWORK_CONSTANTS

const bit<16> ETHERTYPE_IPV4 = 0x0800;
const bit<8> PROTOCOL_UDP = 17;
const bit<8> IPV4_MIN_TTL = 1;
const bit<8> IPV4_DEFAULT_TTL = 64;

/* Port on which P4Runtime packet-outs enter and packet-ins leave. */
const bit<9> CPU_PORT = 510;

/* One address per job and switch is usual; a switch may serve several subnets. */
const bit<32> LOCAL_ADDRESSES = 16;
const bit<32> ROUTES = 1024;

/* Index into the counters `fpisa.drops` and `fpisa_query.drops`. */
const bit<32> DROP_MALFORMED = 1;
const bit<32> DROP_BAD_CHECKSUM = 2;
const bit<32> DROP_BAD_VERSION = 3;
const bit<32> DROP_BAD_OPCODE = 4;
const bit<32> DROP_BAD_LENGTH = 5;
const bit<32> DROP_NOT_MEMBER = 6;
const bit<32> DROP_WRONG_EPOCH = 7;
const bit<32> DROP_BAD_SLOT = 8;
const bit<32> DROP_BAD_COUNT = 9;
const bit<32> DROP_STALE = 10;
const bit<32> DROP_DUPLICATE = 11;
const bit<32> DROP_NO_ROUTE = 12;
const bit<32> DROP_TTL_EXPIRED = 13;
const bit<32> DROP_NOT_IPV4 = 14;
const bit<32> DROP_NO_RECEIVER = 15;
const bit<32> DROP_INJECTED = 16;
const bit<32> DROP_REASONS = 32;

#endif
