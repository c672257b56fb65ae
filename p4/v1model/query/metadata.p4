/* What one packet carries from step to step. Flat, because p4c puts a struct's path into every use of a field. */
#ifndef FPISA_QUERY_METADATA
#define FPISA_QUERY_METADATA

#include "../../shared/network_types.p4"

/* 63 bits are the most that fits in a machine word of an engine: simple_switch may leave a 64-bit value that it reads as unsigned
 * in a signed field of 64 bits, which then needs 65. */
typedef int<63> mantissa_t;
/* A mantissa in a register. */
typedef bit<64> mantissa_bits_t;

struct meta_t {
    bit<16> ipv4_payload;       // bytes after the IPv4 header, according to its length fields
    bit<16> left;               // tuples or groups that the parser still has to extract

    /* Set by the membership table: what the stream does, and where its state is. */
    bit<32> flow_base;
    bit<16> flow_slots;
    bit<32> epoch;
    bit<8> operator;
    bit<64> lane_ops;
    bit<8> order;
    bit<8> having;
    bit<8> having_lane;
    bit<64> having_key;
    bit<32> state_base;         // first group slot, row of Top-N, or word of the Bloom filter
    bit<32> state_mask;         // slots - 1 of groups, bits - 1 of the filter; N of Top-N
    bit<32> stream;
    bit<32> events;

    /* What the switch knows of the packet's stream and flow slot. */
    bit<32> opened;
    bit<32> flow;
    bit<32> flow_epoch;
    bit<32> flow_sequence;
    bit<32> mask;               // bit t: tuple t stays in the switch, or is not needed at all
    bit<32> whole_mask;         // the mask of all tuples
    bit<1> is_new;
    bit<1> is_stale;
    bit<1> runs;                // an operator is to be applied
    bit<1> is_passed_on;        // to another host than the sender

    /* Scratch for one tuple at a time. */
    bit<32> t;
    bit<32> word_index;
    bit<8> nulls;
    bit<64> key0;
    bit<64> key1;
    bit<64> key2;
    bit<64> hash;
    bit<32> slot;
    bit<32> slot_epoch;
    bit<64> stored_key0;
    bit<64> stored_key1;
    bit<64> stored_key2;
    bit<64> rows;
    bit<1> is_found;
    bit<1> is_fresh;
    bit<64> filter_word;
    bit<32> filter_epoch;
    bit<32> filter_bit;
    bit<1> is_absent;
    bit<32> filled;
    bit<64> least;
    bit<32> least_at;

    /* Scratch for one lane. */
    bit<64> ops;
    bit<8> op;
    bit<32> element;
    bit<64> lane_rows;
    bit<64> word;
    bit<16> exponent;
    mantissa_t mantissa;
    bit<16> stored_exponent;
    bit<64> stored_bits;
    mantissa_t stored_mantissa;
    mantissa_t limit;
    bit<8> shift;
    bit<64> sign;
    bit<64> magnitude;
    bit<16> scale;
    bit<16> scale_base;
    bit<8> fraction_bits;
    bit<8> normal_shift;
    bit<64> infinity;
    bit<64> quiet_nan;

    /* Scratch for a DRAIN. */
    bit<32> at;
    bit<32> end;
    bit<32> given;              // groups written into the answer
    bit<16> kept_groups;        // how many of them stay in the packet: none in a refusal
    bit<1> is_kept;
}

#endif
