/*
 * From the registers of an element to a packed number, truncating: magnitude, leading one to bit 31 by constant shifts,
 * assembly. Without guard digits nothing ever moves right, and what is left of the exponent says how far a
 * mantissa may move left before it is subnormal.
 *
 * `scale` carries that budget, the exponent register, in its bits 26 to 16; bit 0 is the sign and bit 1 says that
 * the number is made already.
 */
#ifndef FPISA_STEPS_READ_OUT
#define FPISA_STEPS_READ_OUT

#include "steps_unpack.p4"

const bit<32> SCALE_ONE = 1 << 16;
const bit<32> SCALE_MINUS = 1;
const bit<32> SCALE_MADE = 2;
/* With a leading one at bit 31 this makes exponent field 255, and the bits below it the fraction. */
const bit<32> SCALE_TOP = 254 << 16;
const bit<32> LEADING_ONE = 0x80000000;
const bit<32> LEADING_ONE_AND_QUIET = 0xC0000000;
/* What the sign adds when it moves from bit 0 to just above the exponent. */
const bit<32> SCALE_SIGN_MOVES = (1 << 24) - 1;

control Magnitude(inout bit<32> mantissa, inout bit<32> scale) {
    action zero() {
        scale = 0;
    }
    action negative() {
        mantissa = 0 - mantissa;
        scale = scale | SCALE_MINUS;
    }
    action special(bit<32> significand, bit<32> scale_of_special) {
        mantissa = significand;
        scale = scale_of_special;
    }
    action positive() {
    }

    table signs {
        key = {
            scale[26:26]: ternary @name("special");
            mantissa: ternary @name("mantissa");
        }
        actions = {
            zero;
            negative;
            special;
            positive;
        }
        const entries = {
            (_, 0): zero();
            (1, 0 &&& ALL_BUT_PLUS_INF): special(LEADING_ONE, SCALE_TOP + SCALE_MADE);
            (1, 0 &&& ALL_BUT_MINUS_INF): special(LEADING_ONE, SCALE_TOP + SCALE_MADE + SCALE_MINUS);
            (1, _): special(LEADING_ONE_AND_QUIET, SCALE_TOP + SCALE_MADE);
            (_, LEADING_ONE &&& LEADING_ONE): negative();
        }
        const default_action = positive();
        size = 5;
    }

    apply {
        signs.apply();
    }
}

/* The budget is at least 2^k when one of its upper bits is set: one entry for each of them. */
#define BUDGET_FROM_32(bits, act) \
    (0x100 &&& 0x100, bits): act; \
    (0x080 &&& 0x080, bits): act; \
    (0x040 &&& 0x040, bits): act; \
    (0x020 &&& 0x020, bits): act;
#define BUDGET_FROM_8(bits, act) \
    BUDGET_FROM_32(bits, act) \
    (0x010 &&& 0x010, bits): act; \
    (0x008 &&& 0x008, bits): act;

#define LEFT_BY(k) \
    action left_##k() { \
        mantissa = mantissa << k; \
        scale = scale - k * SCALE_ONE; \
    }

control NormaliseByEights(inout bit<32> mantissa, inout bit<32> scale) {
    action stay() {
    }
    LEFT_BY(8)
    LEFT_BY(16)
    LEFT_BY(24)

    table eights {
        key = {
            scale[24:16]: ternary @name("budget");
            mantissa[31:8]: ternary @name("mantissa");
        }
        actions = {
            left_8;
            left_16;
            left_24;
            stay;
        }
        const entries = {
            BUDGET_FROM_32(0, left_24())
            (0x018 &&& 0x018, 0): left_24();
            BUDGET_FROM_32(0 &&& 0xFFFF00, left_16())
            (0x010 &&& 0x010, 0 &&& 0xFFFF00): left_16();
            BUDGET_FROM_8(0 &&& 0xFF0000, left_8())
        }
        const default_action = stay();
        size = 16;
    }

    apply {
        eights.apply();
    }
}

control NormaliseByTwos(inout bit<32> mantissa, inout bit<32> scale) {
    action stay() {
    }
    LEFT_BY(2)
    LEFT_BY(4)
    LEFT_BY(6)

    table twos {
        key = {
            scale[24:16]: ternary @name("budget");
            mantissa[31:26]: ternary @name("mantissa");
        }
        actions = {
            left_2;
            left_4;
            left_6;
            stay;
        }
        const entries = {
            BUDGET_FROM_8(0, left_6())
            (0x006 &&& 0x006, 0): left_6();
            BUDGET_FROM_8(0 &&& 0x3C, left_4())
            (0x004 &&& 0x004, 0 &&& 0x3C): left_4();
            BUDGET_FROM_8(0 &&& 0x30, left_2())
            (0x004 &&& 0x004, 0 &&& 0x30): left_2();
            (0x002 &&& 0x002, 0 &&& 0x30): left_2();
        }
        const default_action = stay();
        size = 22;
    }

    apply {
        twos.apply();
    }
}

/* The last bit, numbers too large for the format, and the sign's way to where it is assembled. */
control NormaliseByOne(inout bit<32> mantissa, inout bit<32> scale) {
    action left_1(bit<32> change) {
        mantissa = mantissa << 1;
        scale = scale + change;
    }
    action keep(bit<32> change) {
        scale = scale + change;
    }
    action infinity(bit<32> whole) {
        mantissa = LEADING_ONE;
        scale = whole;
    }

    table last {
        key = {
            scale[24:16]: ternary @name("budget");
            scale[1:0]: ternary @name("made_and_sign");
            mantissa[31:31]: ternary @name("leading");
        }
        actions = {
            left_1;
            keep;
            infinity;
        }
        const entries = {
            (_, 2, _): keep(0 - SCALE_MADE);
            (_, 3, _): keep(SCALE_SIGN_MOVES - SCALE_MADE);
            (0x100 &&& 0x100, 0, _): infinity(SCALE_TOP);
            (0x100 &&& 0x100, 1, _): infinity(SCALE_TOP + (1 << 24));
            (255, 0, _): infinity(SCALE_TOP);
            (255, 1, _): infinity(SCALE_TOP + (1 << 24));
            (254, 0, 1): infinity(SCALE_TOP);
            (254, 1, 1): infinity(SCALE_TOP + (1 << 24));
            (0, 1, _): keep(SCALE_SIGN_MOVES);
            (0, _, _): keep(0);
            (_, 1, 0): left_1(SCALE_SIGN_MOVES - SCALE_ONE);
            (_, _, 0): left_1(0 - SCALE_ONE);
            (_, 1, 1): keep(SCALE_SIGN_MOVES);
        }
        const default_action = keep(0);
        size = 13;
    }

    apply {
        last.apply();
    }
}
#undef BUDGET_FROM_8
#undef BUDGET_FROM_32
#undef LEFT_BY

/*
 * Assembly, in two steps that are the same for all elements, so that one action does each for the whole packet. The leading one
 * adds 1 to the exponent field when it is there, and nothing when the number is subnormal.
 */
#define PLACE_FIELDS(mantissa, scale) \
    mantissa = mantissa >> 8; \
    scale = scale << 7;
#define ADD_FIELDS(mantissa, scale) \
    mantissa = mantissa + scale;

#endif
