/*
 * From a packed fp32 number to the mantissa and exponent that the element registers add, in two steps that fit a
 * match-action stage each. No externs: both architectures run these.
 */
#ifndef FPISA_STEPS_UNPACK
#define FPISA_STEPS_UNPACK

#include "format_fp32.p4"

/*
 * Exponent of a special inside these steps. An ordinary distance to the register is at most RESTRICTED_BIAS + 253, so with
 * this one a distance above 511 can only be that of an ordinary packet to a special register. The lower nine bits of
 * that register, which are all that read-out sees, hold one more than any other's. And its bit 8 is not a sign.
 */
const bit<16> RESTRICTED_SPECIAL = 1279;
/* The exponent register holds the exponent plus this, the limit of a left shift: a negative distance means "overwrite". */
const bit<16> RESTRICTED_BIAS = 7;

/* `exponent` carries the sign from the first step to the second. */
const bit<16> SIGN_BESIDE_EXPONENT = 256;

/*
 * `word` is the packed number on entry and the significand on exit. `exponent` is the upper half of the same number on
 * entry, because an ALU cannot move bits from a 32-bit container to a 16-bit one, and exponent and sign on exit.
 */
control Classify(inout bit<32> word, inout bit<16> exponent) {
    action number() {
        word[31:23] = 1;
        exponent = exponent >> 7;
    }
    action subnormal(bit<16> one_and_sign) {
        word[31:23] = 0;
        exponent = one_and_sign;
    }
    action special(bit<32> unit) {
        word = unit;
        exponent = RESTRICTED_SPECIAL;
    }

    table classes {
        key = {
            exponent: ternary @name("upper");
            word[15:0]: ternary @name("lower");
        }
        actions = {
            number;
            subnormal;
            special;
        }
        const entries = {
            (0x0000 &&& 0xFF80, _): subnormal(1);
            (0x8000 &&& 0xFF80, _): subnormal(1 + SIGN_BESIDE_EXPONENT);
            (0x7F80, 0): special((bit<32>) UNIT_PLUS_INF);
            (0xFF80, 0): special((bit<32>) UNIT_MINUS_INF);
            (0x7F80 &&& 0x7F80, _): special((bit<32>) UNIT_NAN);
        }
        const default_action = number();
        size = 5;
    }

    apply {
        classes.apply();
    }
}

#define IS_NEGATIVE(exponent) (exponent[8:8] == 1)

/* Applied if IS_NEGATIVE. A condition, not a table: a stage has eight tables with ternary keys, and other steps need them. */
control Negate(inout bit<32> word, inout bit<16> exponent) {
    action negate() {
        word = 0 - word;
        exponent = exponent - SIGN_BESIDE_EXPONENT;
    }

    apply {
        negate();
    }
}

#endif
