/*
 * The end of read-out in tables of four actions at most (steps_shift_narrow.p4 explains why): the last seven shifts to the left in
 * two steps. The paper's layout ends with the second.
 */
#ifndef FPISA_STEPS_READ_OUT_NARROW
#define FPISA_STEPS_READ_OUT_NARROW

#include "steps_read_out.p4"

control NormaliseByTwos(inout bit<32> mantissa, inout bit<32> scale) {
    action stay() {
    }
    LEFT_BY(2)
    LEFT_BY(4)
    LEFT_BY(6)

    table twos {
        key = {
            scale[31:23]: ternary @name("budget");
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

/* The last bit, numbers too large for the format, and moving the sign to where it is assembled. */
control NormaliseByOne(inout bit<32> mantissa, inout bit<32> scale) {
    action left_1(bit<32> change) {
        mantissa = mantissa >> 7;
        scale = scale + change;
    }
    action keep(bit<32> change) {
        mantissa = mantissa >> 8;
        scale = scale + change;
    }
    action infinity(bit<32> whole) {
        mantissa = LEADING_ONE_IN_PLACE;
        scale = whole;
    }

    table last {
        key = {
            scale[31:23]: ternary @name("budget");
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
            (0x100 &&& 0x100, 1, _): infinity(SCALE_TOP + SCALE_SIGN);
            (255, 0, _): infinity(SCALE_TOP);
            (255, 1, _): infinity(SCALE_TOP + SCALE_SIGN);
            (254, 0, 1): infinity(SCALE_TOP);
            (254, 1, 1): infinity(SCALE_TOP + SCALE_SIGN);
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

#endif
