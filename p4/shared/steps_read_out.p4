/*
 * From the registers of an element to a packed number, truncating: magnitude, then constant shifts that move the leading one to
 * its place in the format, then assembly. Without guard digits nothing is rounded away that the format could represent, and the
 * rest of the exponent says how far a mantissa may be shifted left before it is subnormal.
 *
 * `scale` carries that budget, the exponent register, in its bits 31 to 23, where the format has the exponent; bit 0 is the sign
 * and bit 1 says that the number is complete already.
 */
#ifndef FPISA_STEPS_READ_OUT
#define FPISA_STEPS_READ_OUT

#include "steps_unpack.p4"

/* The exponent register, 16 bits, as the upper half of a scale. */
#define TO_SCALE(exponent) exponent = exponent << 7;

/* Bits 31 to 24 of a special's scale. Those of other numbers are smaller: their exponent registers are at most 254 + RESTRICTED_BIAS. */
const bit<8> SCALE_OF_SPECIAL = 0x83;

const bit<32> SCALE_ONE = 1 << 23;
const bit<32> SCALE_MINUS = 1;
const bit<32> SCALE_MADE = 2;
/* With a leading one at bit 23 this gives exponent field 255, and the bits below it are the fraction. */
const bit<32> SCALE_TOP = 254 << 23;
/* Before the last step the mantissa is shifted left by eight bits. */
const bit<32> LEADING_ONE = 0x80000000;
const bit<32> LEADING_ONE_AND_QUIET = 0xC0000000;
const bit<32> LEADING_ONE_IN_PLACE = LEADING_ONE >> 8;
/* What the sign adds when it moves from bit 0 to just above the exponent. */
const bit<32> SCALE_SIGN = 1 << 31;
const bit<32> SCALE_SIGN_MOVES = SCALE_SIGN - 1;

control Magnitude(inout bit<32> mantissa, inout bit<32> scale) {
    action zero() {
        scale = 0;
    }
    /* The lower half of an incoming scale is undefined. */
    action negative() {
        mantissa = 0 - mantissa;
        scale[15:0] = (bit<16>) SCALE_MINUS;
    }
    action special(bit<32> significand, bit<32> scale_of_special) {
        mantissa = significand;
        scale = scale_of_special;
    }
    action positive() {
        scale[15:0] = 0;
    }

    table signs {
        key = {
            scale[31:24]: ternary @name("special");
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
            (SCALE_OF_SPECIAL, 0 &&& ALL_BUT_PLUS_INF): special(LEADING_ONE, SCALE_TOP + SCALE_MADE);
            (SCALE_OF_SPECIAL, 0 &&& ALL_BUT_MINUS_INF): special(LEADING_ONE, SCALE_TOP + SCALE_MADE + SCALE_MINUS);
            (SCALE_OF_SPECIAL, _): special(LEADING_ONE_AND_QUIET, SCALE_TOP + SCALE_MADE);
            (_, LEADING_ONE &&& LEADING_ONE): negative();
        }
        const default_action = positive();
        size = 5;
    }

    apply {
        signs.apply();
    }
}

/* steps_read_out_narrow.p4 uses these as well, and undefines them. */
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
            scale[31:23]: ternary @name("budget");
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

/*
 * The remaining 0 to 7 to the left, and eight to the right to the place of the fraction in the format, in one shift: only zeros are lost on the
 * left. Also the final cases: numbers too large for the format, and moving the sign to where it is assembled.
 */
control NormaliseByOnes(inout bit<32> mantissa, inout bit<32> scale) {
    /* k to the left, and eight to the right. */
#define LEFT(k, right) \
    action left_##k(bit<32> change) { \
        mantissa = mantissa >> right; \
        scale = scale + change; \
    }
    LEFT(0, 8)
    LEFT(1, 7)
    LEFT(2, 6)
    LEFT(3, 5)
    LEFT(4, 4)
    LEFT(5, 3)
    LEFT(6, 2)
    LEFT(7, 1)
#undef LEFT
    action infinity(bit<32> whole) {
        mantissa = LEADING_ONE_IN_PLACE;
        scale = whole;
    }

/* With either sign. */
#define BOTH(budget, zeros, act, change) \
    (budget, 0, zeros): act(change); \
    (budget, 1, zeros): act(change + SCALE_SIGN_MOVES);
#define BOTH_INFINITE(budget, zeros) \
    (budget, 0, zeros): infinity(SCALE_TOP); \
    (budget, 1, zeros): infinity(SCALE_TOP + SCALE_SIGN);
    table ones {
        key = {
            scale[31:23]: ternary @name("budget");
            scale[1:0]: ternary @name("made_and_sign");
            mantissa[31:24]: ternary @name("mantissa");
        }
        actions = {
            left_0;
            left_1;
            left_2;
            left_3;
            left_4;
            left_5;
            left_6;
            left_7;
            infinity;
        }
        const entries = {
            (_, 2, _): left_0(0 - SCALE_MADE);
            (_, 3, _): left_0(SCALE_SIGN_MOVES - SCALE_MADE);
            /* The budget ends before the mantissa is normal: it is subnormal. */
            BOTH(0, _, left_0, 0)
            BOTH(1, 0 &&& 0x80, left_1, 0 - 1 * SCALE_ONE)
            BOTH(2, 0 &&& 0xC0, left_2, 0 - 2 * SCALE_ONE)
            BOTH(3, 0 &&& 0xE0, left_3, 0 - 3 * SCALE_ONE)
            BOTH(4, 0 &&& 0xF0, left_4, 0 - 4 * SCALE_ONE)
            BOTH(5, 0 &&& 0xF8, left_5, 0 - 5 * SCALE_ONE)
            BOTH(6, 0 &&& 0xFC, left_6, 0 - 6 * SCALE_ONE)
            BOTH(7, 0 &&& 0xFE, left_7, 0 - 7 * SCALE_ONE)
            /* Too large: the budget minus the zeros is 254 or more. It is 261 at most. */
            BOTH_INFINITE(254, 0x80 &&& 0x80)
            BOTH_INFINITE(255, 0x80 &&& 0x80)
            BOTH_INFINITE(255, 0x40 &&& 0xC0)
            BOTH(256, 0x10 &&& 0xF0, left_3, 0 - 3 * SCALE_ONE)
            BOTH(256 &&& 0x1FE, 0x08 &&& 0xF8, left_4, 0 - 4 * SCALE_ONE)
            BOTH(256 &&& 0x1FE, 0x04 &&& 0xFC, left_5, 0 - 5 * SCALE_ONE)
            BOTH(258, 0x04 &&& 0xFC, left_5, 0 - 5 * SCALE_ONE)
            BOTH(256 &&& 0x1FC, 0x02 &&& 0xFE, left_6, 0 - 6 * SCALE_ONE)
            BOTH(256 &&& 0x1FC, 0x01, left_7, 0 - 7 * SCALE_ONE)
            BOTH(260, 0x01, left_7, 0 - 7 * SCALE_ONE)
            BOTH_INFINITE(256 &&& 0x100, _)
            BOTH(_, 0x80 &&& 0x80, left_0, 0)
            BOTH(_, 0x40 &&& 0xC0, left_1, 0 - 1 * SCALE_ONE)
            BOTH(_, 0x20 &&& 0xE0, left_2, 0 - 2 * SCALE_ONE)
            BOTH(_, 0x10 &&& 0xF0, left_3, 0 - 3 * SCALE_ONE)
            BOTH(_, 0x08 &&& 0xF8, left_4, 0 - 4 * SCALE_ONE)
            BOTH(_, 0x04 &&& 0xFC, left_5, 0 - 5 * SCALE_ONE)
            BOTH(_, 0x02 &&& 0xFE, left_6, 0 - 6 * SCALE_ONE)
            BOTH(_, 0x01, left_7, 0 - 7 * SCALE_ONE)
        }
        const default_action = left_0(0);
        size = 62;
    }
#undef BOTH_INFINITE
#undef BOTH

    apply {
        ones.apply();
    }
}

/*
 * Assembly, the same for all elements, so that one action does it for the whole packet. The leading one, if present, adds 1 to the
 * exponent field; a subnormal number has none.
 */
#define ADD_FIELDS(mantissa, scale) mantissa = mantissa + scale;

#endif
