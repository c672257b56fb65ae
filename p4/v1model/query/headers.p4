/* Everything that the query program reads from a packet; the layout is in docs/queries.md. */
#ifndef FPISA_QUERY_HEADERS
#define FPISA_QUERY_HEADERS

#include "constants.p4"
#include "tuples.p4"
#include "../../shared/network_headers.p4"

header query_t {
    bit<16> magic;
    bit<8> version;
    bit<8> opcode;
    bit<16> flags;
    bit<16> stream;
    bit<16> worker;
    bit<16> peer;
    bit<16> slot;
    bit<16> count;
    bit<32> epoch;
    bit<32> sequence;
    bit<32> mask;
    bit<32> next;
    bit<64> rows;
}

/* Bit l of byte t: lane l of tuple t is NULL. */
#define NULLS_FIELD(i) bit<8> n##i;
header nulls_t {
    EACH_TUPLE(NULLS_FIELD)
}

#define LANE_FIELD(i, l) bit<64> lane##l;
header tuple_t {
    bit<64> key0;
    bit<64> key1;
    bit<64> key2;
    EACH_LANE(LANE_FIELD, 0)
}

#define COUNT_FIELD(i, l) bit<64> count##l;
header group_t {
    bit<64> key0;
    bit<64> key1;
    bit<64> key2;
    bit<64> rows;
    EACH_LANE(LANE_FIELD, 0)
    EACH_LANE(COUNT_FIELD, 0)
}

const bit<16> UDP_BYTES = 8;
const bit<16> QUERY_BYTES = 40;
const bit<16> TUPLE_BYTES = 8 * (3 + LANES);
const bit<16> GROUP_BYTES = 8 * (4 + 2 * LANES);
const bit<16> UDP_LENGTH_OF_HEADER = UDP_BYTES + QUERY_BYTES;
const bit<16> UDP_LENGTH_OF_NO_ROWS = UDP_BYTES + QUERY_BYTES + TUPLES;
const bit<16> UDP_LENGTH_OF_GROUPS = UDP_BYTES + QUERY_BYTES + GROUPS_PER_PACKET * GROUP_BYTES;

struct headers_t {
    packet_out_t packet_out;
    packet_in_t packet_in;
    ethernet_t ethernet;
    ipv4_t ipv4;
    ipv4_options_t ipv4_options;
    udp_t udp;
    query_t query;
    nulls_t nulls;
    tuple_t[TUPLES] tuples;
    group_t[GROUPS_PER_PACKET] groups;
}

#endif
