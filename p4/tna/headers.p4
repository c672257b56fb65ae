/* What TNA's pipelines carry besides the headers of p4/shared/headers.p4. */
#ifndef FPISA_TNA_HEADERS
#define FPISA_TNA_HEADERS

/* From ingress to egress: what is left to do with the packet. */
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

/* probe_t in pieces: what one action moves must not be one block of containers. */
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

/* How a contribution stands to the round in its set. */
const bit<8> STEP_NONE = 0;
const bit<8> STEP_OPEN = 1;
const bit<8> STEP_JOIN = 2;

/* What the mantissa registers do. */
const bit<8> MANTISSA_IDLE = 0;
const bit<8> MANTISSA_OPEN = 1;
const bit<8> MANTISSA_JOIN = 2;
const bit<8> MANTISSA_READ = 3;

/* What a stateful ALU says of two comparisons, one bit for each outcome: neither holds. */
const bit<32> NEITHER = 1;
/* Of `work`: the first comparison, of chunks, does not hold, the second does. */
const bit<32> OTHER_OPERATION = 4;
/* No predicate of two comparisons is that. */
const bit<32> ROUND_OPENS = 0x40;

struct ingress_meta_t {
    /* Of the parser. */
    bit<8> kind;
    bit<1> from_cpu;
    bit<1> to_cpu;              // an answer to the control plane
    bit<1> little_endian;
    bool bad_checksum;

    PortId_t came_from;         // port that the packet, or the probe, entered by

    /* Of the tables in front. */
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
    bit<16> before_udp;         // bytes that IPv4 counts and UDP does not
    bit<16> excess;             // by how much `count` is above the values of a packet
    slot_t location;            // slot, counted over the pool
    bit<32> epoch;              // the membership's, and then by how much the packet's differs
    bit<16> first_event;        // index of the job's counters
    bit<1> routed;

    /* Of the slot's state. */
    set_number_t set;
    bit<8> service;
    /* What stateful ALUs say goes to containers of one size, whichever action asks: a probe wants whole words of them. */
    bit<32> round;              // NEITHER: the set's round is of this epoch, and not older; then: ... and of this chunk and operation
    bit<32> foreign;            // of another signature
    bit<8> step;
    worker_bitmap_t before;     // who had contributed
    worker_bitmap_t seen;       // not 0: this worker had
    worker_bitmap_t absent;     // not 0: somebody else has not
    bit<8> mantissa;

    bit<8> drop_reason;
    bit<16> event;
    bit<1> counts;              // `event` is to be counted
    bit<1> completes;
    bit<1> reflects;            // it goes back to where it came from, alone
}

/*
 * The packet has values, and they are floats. Without the first, the steps of an element would change what is in the same containers
 * when there are no values: the fields of a probe.
 */
#define HAS_FLOATS(meta) (meta.kind == KIND_CONTRIBUTION && meta.format == FORMAT_FP32)

#define SCALE_FIELD(i) bit<32> s##i;
struct egress_meta_t {
    bridge_t bridge;
    EACH_VALUE(SCALE_FIELD)
}

#endif
