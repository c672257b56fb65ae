/*
 * Alignment with constant shifts only: the packet's mantissa is shifted RESTRICTED_BIAS bits to the left and `distance`
 * bits to the right, in two steps of at most seven shifts, where one action per distance would take 31 (the paper's
 * program). Several elements then share the instruction memory of a stage.
 */
#ifndef FPISA_STEPS_SHIFT
#define FPISA_STEPS_SHIFT

#include "priorities.p4"
#include "steps_unpack.p4"

/*
 * By multiples of eight. Leaves `exponent` as the register's new content, which is read-out's budget.
 *
 * A shift by 24 or more removes all 24 bits of magnitude: one action handles all of those.
 */
control ShiftByEights(inout bit<32> mantissa, inout bit<16> exponent, in bit<16> distance) {
    action left_7() {
        mantissa = mantissa << 7;
        exponent = exponent + distance;
    }
    action right_1() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 1);
        exponent = exponent + distance;
    }
    action right_9() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 9);
        exponent = exponent + distance;
    }
    action right_17() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 17);
        exponent = exponent + distance;
    }
    action all_out() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 31);
        exponent = exponent + distance;
    }
    /* The register holds a special, the packet does not. */
    action ignored() {
        mantissa = 0;
        exponent = exponent + distance;
    }
    action replaces() {
        exponent = exponent + RESTRICTED_BIAS;
    }

    @placement_priority(PRIORITY_OF_EIGHTS)
    table eights {
        key = {
            distance[15:3]: ternary @name("eights");
        }
        actions = {
            left_7;
            right_1;
            right_9;
            right_17;
            all_out;
            ignored;
            replaces;
        }
        const entries = {
            0x1000 &&& 0x1000: replaces();
            0: left_7();
            1: right_1();
            2: right_9();
            3: right_17();
            0 &&& 0x1FC0: all_out();
        }
        const default_action = ignored();
        size = 6;
    }

    apply {
        eights.apply();
    }
}

/* By the rest, 0 to 7. The mantissa of a packet that replaces is not shifted. */
control ShiftByOnes(inout bit<32> mantissa, in bit<16> distance) {
    action stay() {
    }
#define RIGHT_BY(k) \
    action right_##k() { \
        mantissa = (bit<32>) ((int<32>) mantissa >> k); \
    }
    RIGHT_BY(1)
    RIGHT_BY(2)
    RIGHT_BY(3)
    RIGHT_BY(4)
    RIGHT_BY(5)
    RIGHT_BY(6)
    RIGHT_BY(7)
#undef RIGHT_BY

    @placement_priority(PRIORITY_OF_ONES)
    table ones {
        key = {
            distance[15:15]: exact @name("replaces");
            distance[2:0]: exact @name("ones");
        }
        actions = {
            right_1;
            right_2;
            right_3;
            right_4;
            right_5;
            right_6;
            right_7;
            stay;
        }
        const entries = {
            (0, 1): right_1();
            (0, 2): right_2();
            (0, 3): right_3();
            (0, 4): right_4();
            (0, 5): right_5();
            (0, 6): right_6();
            (0, 7): right_7();
        }
        const default_action = stay();
        size = 7;
    }

    apply {
        ones.apply();
    }
}

#endif
