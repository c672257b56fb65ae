/* Everything that this program reads from a packet. The fpisa header is laid out in docs/protocol.md. */
#ifndef FPISA_HEADERS
#define FPISA_HEADERS

#include "constants.p4"
#include "types.p4"
#include "values.p4"
#include "network_headers.p4"

header fpisa_t {
    bit<16> magic;
    bit<8> version;
    bit<8> opcode;
    bit<16> flags;
    job_t job;
    worker_t worker;
    slot_t slot;
    bit<32> epoch;
    bit<32> operation;
    bit<32> chunk;
    bit<32> signature;
    bit<16> count;
    bit<8> set;
    bit<8> reserved;
}

#define VALUE_FIELD(i) bit<32> v##i;
header values_t {
    EACH_VALUE(VALUE_FIELD)
}
#ifdef VALUES_IN_STEPS
header values_to_256_t {
    EACH_VALUE_TO_256(VALUE_FIELD)
}
header values_to_1024_t {
    EACH_VALUE_TO_1024(VALUE_FIELD)
}
#if VALUES_PER_PACKET == 2048
header values_to_2048_t {
    EACH_VALUE_TO_2048(VALUE_FIELD)
}
#endif
#endif

header probe_t {
    bit<16> absolute_slot;
    bit<16> values_per_packet;
    bit<32> reserved;
    bit<32> epoch0;
    bit<32> chunk0;
    bit<32> operation0;
    bit<32> signature0;
    worker_bitmap_t bitmap0;
    bit<32> contributions0;
    bit<32> epoch1;
    bit<32> chunk1;
    bit<32> operation1;
    bit<32> signature1;
    worker_bitmap_t bitmap1;
    bit<32> contributions1;
}

/* Bytes of each header, for the length checks. */

const bit<16> UDP_BYTES = 8;
const bit<16> FPISA_BYTES = 32;
const bit<16> PROBE_BYTES = 56;
const bit<16> VALUES_BYTES = 4 * FIRST_VALUES;
const bit<16> UDP_LENGTH_OF_HEADER = UDP_BYTES + FPISA_BYTES;
const bit<16> UDP_LENGTH_OF_VALUES = UDP_BYTES + FPISA_BYTES + VALUES_BYTES;
#ifdef VALUES_IN_STEPS
const bit<16> UDP_LENGTH_OF_256 = UDP_LENGTH_OF_HEADER + 4 * 256;
const bit<16> UDP_LENGTH_OF_1024 = UDP_LENGTH_OF_HEADER + 4 * 1024;
#if VALUES_PER_PACKET == 2048
const bit<16> UDP_LENGTH_OF_2048 = UDP_LENGTH_OF_HEADER + 4 * 2048;
#endif
#endif
const bit<16> UDP_LENGTH_OF_PROBE = UDP_BYTES + FPISA_BYTES + PROBE_BYTES;

struct headers_t {
    packet_out_t packet_out;
    packet_in_t packet_in;
    ethernet_t ethernet;
    ipv4_t ipv4;
    ipv4_options_t ipv4_options;
    udp_t udp;
    fpisa_t fpisa;
    values_t values;
#ifdef VALUES_IN_STEPS
    values_to_256_t values_to_256;
    values_to_1024_t values_to_1024;
#if VALUES_PER_PACKET == 2048
    values_to_2048_t values_to_2048;
#endif
#endif
    probe_t probe;
}

#endif
