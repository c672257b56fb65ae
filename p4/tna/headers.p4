/* The data that TNA's pipelines carry in addition to the headers of p4/shared/headers.p4. */
#ifndef FPISA_TNA_HEADERS
#define FPISA_TNA_HEADERS

/* From ingress to egress: what remains to be done with the packet. */
const bit<8> EGRESS_PASSES = 0;
const bit<8> EGRESS_READS_INTEGERS = 2;
const bit<8> EGRESS_READS_FLOATS = 3;

header bridge_t {
    bit<8> egress;
}

/* Exponents of the values, from ingress to egress. */
#define EXPONENT_FIELD(i) bit<16> e##i;
header exponents_t {
    EACH_VALUE(EXPONENT_FIELD)
}

/* probe_t in pieces: the fields that one action moves must not be one block of containers. */
header probe_slot_t {
    bit<16> absolute_slot;
    bit<16> values_per_packet;
    bit<32> reserved;
}
header probe_set_t {
    bit<32> epoch;
    bit<32> chunk;
    bit<32> operation;
    bit<32> signature;
    worker_bitmap_t bitmap;
    bit<32> contributions;
}

/* A header without options. */
const bit<16> IPV4_BYTES = 20;

struct ingress_headers_t {
    bridge_t bridge;
    exponents_t exponents;
    packet_in_t packet_in;
    packet_out_t packet_out;
    ethernet_t ethernet;
    ipv4_t ipv4;
    udp_t udp;
    fpisa_t fpisa;
    values_t values;
    probe_slot_t probe;
    probe_set_t probe0;
    probe_set_t probe1;
}

struct egress_headers_t {
    ethernet_t ethernet;
    ipv4_t ipv4;
    udp_t udp;
    fpisa_t fpisa;
    values_t values;
}

/* What the parser has found. */
const bit<8> KIND_ORDINARY = 0;
const bit<8> KIND_CONTRIBUTION = 1;
const bit<8> KIND_PROBE = 4;
const bit<8> KIND_PROBE_AGAIN = 6;
const bit<8> KIND_MALFORMED = 8;
const bit<8> KIND_NOT_IPV4 = 9;
const bit<8> KIND_BAD_VERSION = 10;
const bit<8> KIND_BAD_OPCODE = 11;
const bit<8> KIND_BAD_LENGTH = 12;

/* What the service does with an admitted packet. */
const bit<8> SERVICE_NONE = 0;
const bit<8> SERVICE_CONTRIBUTE = 1;
const bit<8> SERVICE_PROBE = 2;

/* The relation of a contribution to the round in its set. */
const bit<8> STEP_NONE = 0;
const bit<8> STEP_OPEN = 1;
const bit<8> STEP_JOIN = 2;

/* Operation of the mantissa registers. */
const bit<8> MANTISSA_IDLE = 0;
const bit<8> MANTISSA_OPEN = 1;
const bit<8> MANTISSA_JOIN = 2;
const bit<8> MANTISSA_READ = 3;

/* A stateful ALU's result of two comparisons, one bit for each outcome: neither is true. */
const bit<32> NEITHER = 1;
/* For `work`: the first comparison, of chunks, is false, the second is true. */
const bit<32> OTHER_OPERATION = 4;
/* No result of two comparisons has this value. */
const bit<32> ROUND_OPENS = 0x40;

struct ingress_meta_t {
    /* Set by the parser. */
    bit<8> kind;
    bit<1> from_cpu;
    bit<1> to_cpu;              // an answer to the control plane
    bit<1> little_endian;
    bool bad_checksum;

    PortId_t came_from;         // port that the packet, or the probe, entered by

    /* Set by the tables before the slot's state. */
    bit<1> local;
    bit<1> is_member;
    bit<8> format;
    worker_bitmap_t member;
    worker_bitmap_t members;
    worker_bitmap_t others;     // all but this worker
    bit<16> group;
    slot_t slot_base;
    slot_t slots;
    slot_t room;                // slots of the job above the packet's; 0: outside its range
    bit<16> before_udp;         // bytes included in the IPv4 length but not in the UDP length
    bit<16> excess;             // by how much `count` exceeds the values of a packet
    slot_t location;            // slot, counted over the pool
    bit<32> epoch;              // the membership's; later the difference from the packet's
    bit<16> first_event;        // index of the job's counters
    bit<1> routed;

    /* Set by the slot's state. */
    set_number_t set;
    bit<8> service;
    /* Results of stateful ALUs go to containers of one size, whichever action runs: a probe needs whole words of them. */
    bit<32> round;              // NEITHER: the set's round is of this epoch, and not older; later: ... and of this chunk and operation
    bit<32> foreign;            // of another signature
    bit<8> step;
    worker_bitmap_t before;     // who had contributed
    worker_bitmap_t seen;       // not 0: this worker had contributed
    worker_bitmap_t absent;     // not 0: another worker has not
    bit<8> mantissa;

    bit<8> drop_reason;
    bit<16> event;
    bit<1> counts;              // `event` is to be counted
    bit<1> completes;
    bit<1> reflects;            // it goes back to where it came from, alone
}

/*
 * The packet has values, and they are floats. Without the first condition, the steps of an element would change the fields of a probe,
 * which are in the same containers when there are no values.
 */
#define HAS_FLOATS(meta) (meta.kind == KIND_CONTRIBUTION && meta.format == FORMAT_FP32)

#define SCALE_FIELD(i) bit<32> s##i;
struct egress_meta_t {
    bridge_t bridge;
    EACH_VALUE(SCALE_FIELD)
}

#endif
