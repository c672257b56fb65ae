/*
 * The same alignment as steps_shift.p4 in tables of three actions at most. A stage has room for the instructions of sixteen such
 * tables, its limit of tables; with more actions per table, a Tofino 2 runs out of instructions first, and its compiler
 * fails instead of continuing with the next stage.
 */
#ifndef FPISA_STEPS_SHIFT_NARROW
#define FPISA_STEPS_SHIFT_NARROW

#include "steps_unpack.p4"

/* Determines which mantissas are shifted at all, and the register's new content, which is read-out's budget. */
control SettleExponent(inout bit<32> mantissa, inout bit<16> exponent, in bit<16> distance) {
    action joins() {
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

    table cases {
        key = {
            distance: ternary @name("distance");
        }
        actions = {
            joins;
            ignored;
            replaces;
        }
        const entries = {
            0x8000 &&& 0x8000: replaces();
            0 &&& 0xFE00: joins();
        }
        const default_action = ignored();
        size = 2;
    }

    apply {
        cases.apply();
    }
}

/* RESTRICTED_BIAS to the left and multiples of sixteen to the right; from 25 bits on only the sign is left. */
control ShiftBySixteens(inout bit<32> mantissa, in bit<16> distance) {
    action stay() {
    }
    action left_7() {
        mantissa = mantissa << 7;
    }
    action right_9() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 9);
    }
    action all_out() {
        mantissa = (bit<32>) ((int<32>) mantissa >> 31);
    }

    table sixteens {
        key = {
            distance: ternary @name("distance");
        }
        actions = {
            left_7;
            right_9;
            all_out;
            stay;
        }
        const entries = {
            0x8000 &&& 0x8000: stay();
            0x0000 &&& 0xFFF0: left_7();
            0x0010 &&& 0xFFF0: right_9();
        }
        const default_action = all_out();
        size = 3;
    }

    apply {
        sixteens.apply();
    }
}

#define RIGHT_BY(k) \
    action right_##k() { \
        mantissa = (bit<32>) ((int<32>) mantissa >> k); \
    }

control ShiftByFours(inout bit<32> mantissa, in bit<16> distance) {
    action stay() {
    }
    RIGHT_BY(4)
    RIGHT_BY(8)
    RIGHT_BY(12)

    table fours {
        key = {
            distance: ternary @name("distance");
        }
        actions = {
            right_4;
            right_8;
            right_12;
            stay;
        }
        const entries = {
            0x0004 &&& 0x800C: right_4();
            0x0008 &&& 0x800C: right_8();
            0x000C &&& 0x800C: right_12();
        }
        const default_action = stay();
        size = 3;
    }

    apply {
        fours.apply();
    }
}

control ShiftByThrees(inout bit<32> mantissa, in bit<16> distance) {
    action stay() {
    }
    RIGHT_BY(1)
    RIGHT_BY(2)
    RIGHT_BY(3)

    table threes {
        key = {
            distance: ternary @name("distance");
        }
        actions = {
            right_1;
            right_2;
            right_3;
            stay;
        }
        const entries = {
            0x0001 &&& 0x8003: right_1();
            0x0002 &&& 0x8003: right_2();
            0x0003 &&& 0x8003: right_3();
        }
        const default_action = stay();
        size = 3;
    }

    apply {
        threes.apply();
    }
}
#undef RIGHT_BY

#endif
