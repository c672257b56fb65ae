/* What one packet carries from step to step. Flat, because p4c puts a struct's path into every use of a field. */
#ifndef FPISA_METADATA
#define FPISA_METADATA

#include "types.p4"

struct meta_t {
    bit<16> ipv4_payload;       // bytes after the IPv4 header, by its own lengths

    /* Set by the membership table: who sends, and how its job computes (docs/arithmetic.md, "Profile"). */
    worker_bitmap_t member;     // this worker's bit
    worker_bitmap_t members;    // the bits of all workers of the job
    bit<16> group;
    slot_t slot_base;
    slot_t slots;
    bit<32> epoch;
    bit<8> mode;
    bit<8> format;
    bit<8> guard;
    bit<8> rounding;
    exponent_t left_shift_limit;
    bit<32> round_above;        // alignment: bits shifted out, as a fraction of 2^32, of which more rounds up
    exponent_t longest_shift;   // alignment: beyond it nothing is left, not even a sign
    bit<32> events;             // index of the job's first event counter
    bit<32> overwrites;         // index of its overwrite counter
    bit<32> overflows;          // index of its overflow counter
    bit<32> scale_base;         // what turns a stored exponent into the scale of read-out

    /* What the packet's set held when the packet arrived. */
    set_index_t set;
    bit<32> set_epoch;
    bit<32> set_chunk;
    bit<32> set_operation;
    bit<32> set_signature;
    worker_bitmap_t set_bitmap;
    bit<32> set_contributions;

    /* What is to be done with the packet. */
    bit<1> admitted;            // it passed every check
    bit<1> contributes;         // its values are to be added
    bit<1> first;               // ... and open a new round
    bit<1> repeats;             // the round has its values already
    bit<1> answers;             // the sums are to be put into it
    bit<1> reflects;            // it goes back to where it came from, alone

    /* Scratch for one value at a time: the values of a packet share it, so it is as small for any N. */
#ifdef VALUES_IN_STEPS
    bit<32> values;             // how many the packet has, its step
#endif
    bit<16> network_order;      // the packet's flag: not 0 when its values are big-endian
    element_index_t index;
    exponent_t exponent;        // of the packet's value
    mantissa_t mantissa;        // of the packet's value
    exponent_t stored_exponent;
    mantissa_bits_t stored_bits;
    mantissa_t stored_mantissa;
    exponent_t distance;        // of the two exponents
    mantissa_t aligned;         // the mantissa with the smaller exponent
    bit<32> lost;               // bits that alignment shifts out of it
    bit<32> sign;
    bit<32> magnitude;          // of the sum; then what rounding looks at
    bit<8> shift;
    bit<32> scale;              // exponent of the normalised magnitude, biased
    bit<32> word;
}

#endif
