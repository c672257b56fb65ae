/*
 * Shifts as the paper does them: one action for each distance, in one table for alignment and one for normalisation. One value
 * takes the whole instruction memory of a stage. Kept for comparison (-DPAPER_LAYOUT, one value); the results are the same.
 */
#define RIGHT_BY_DISTANCE(k) \
    action right_##k() { \
        mantissa = (bit<32>) ((int<32>) mantissa >> k); \
    }
#define LEFT_BY_DISTANCE(k) \
    action left_##k() { \
        mantissa = mantissa << k; \
    }
control ShiftByDistance(inout bit<32> mantissa, inout bit<16> exponent, in bit<16> distance) {
    LEFT_BY_DISTANCE(1)
    LEFT_BY_DISTANCE(2)
    LEFT_BY_DISTANCE(3)
    LEFT_BY_DISTANCE(4)
    LEFT_BY_DISTANCE(5)
    LEFT_BY_DISTANCE(6)
    LEFT_BY_DISTANCE(7)
    RIGHT_BY_DISTANCE(1)
    RIGHT_BY_DISTANCE(2)
    RIGHT_BY_DISTANCE(3)
    RIGHT_BY_DISTANCE(4)
    RIGHT_BY_DISTANCE(5)
    RIGHT_BY_DISTANCE(6)
    RIGHT_BY_DISTANCE(7)
    RIGHT_BY_DISTANCE(8)
    RIGHT_BY_DISTANCE(9)
    RIGHT_BY_DISTANCE(10)
    RIGHT_BY_DISTANCE(11)
    RIGHT_BY_DISTANCE(12)
    RIGHT_BY_DISTANCE(13)
    RIGHT_BY_DISTANCE(14)
    RIGHT_BY_DISTANCE(15)
    RIGHT_BY_DISTANCE(16)
    RIGHT_BY_DISTANCE(17)
    RIGHT_BY_DISTANCE(18)
    RIGHT_BY_DISTANCE(19)
    RIGHT_BY_DISTANCE(20)
    RIGHT_BY_DISTANCE(21)
    RIGHT_BY_DISTANCE(22)
    RIGHT_BY_DISTANCE(23)
    RIGHT_BY_DISTANCE(31)
    action stay() {
    }

    /* The register's new content, and the cases without a shift. In a separate table, because the shifts fill an instruction memory. */
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

    table distances {
        key = {
            distance: ternary @name("distance");
        }
        actions = {
            left_1;
            left_2;
            left_3;
            left_4;
            left_5;
            left_6;
            left_7;
            right_1;
            right_2;
            right_3;
            right_4;
            right_5;
            right_6;
            right_7;
            right_8;
            right_9;
            right_10;
            right_11;
            right_12;
            right_13;
            right_14;
            right_15;
            right_16;
            right_17;
            right_18;
            right_19;
            right_20;
            right_21;
            right_22;
            right_23;
            right_31;
            stay;
        }
        const entries = {
            0x8000 &&& 0x8000: stay();
            0: left_7();
            1: left_6();
            2: left_5();
            3: left_4();
            4: left_3();
            5: left_2();
            6: left_1();
            7: stay();
            8: right_1();
            9: right_2();
            10: right_3();
            11: right_4();
            12: right_5();
            13: right_6();
            14: right_7();
            15: right_8();
            16: right_9();
            17: right_10();
            18: right_11();
            19: right_12();
            20: right_13();
            21: right_14();
            22: right_15();
            23: right_16();
            24: right_17();
            25: right_18();
            26: right_19();
            27: right_20();
            28: right_21();
            29: right_22();
            30: right_23();
            0 &&& 0xFE00: right_31();
        }
        const default_action = stay();
        size = 33;
    }

    apply {
        cases.apply();
        distances.apply();
    }
}
#undef RIGHT_BY_DISTANCE
#undef LEFT_BY_DISTANCE

/*
 * The longest prefix of zeros, found like the longest prefix of an address. A subnormal must not be shifted further than its
 * exponent allows: a bit set at that distance from the top limits the shift.
 */
#define LEFT_BY_PREFIX(k) \
    action left_##k() { \
        mantissa = mantissa << k; \
        scale = scale - k * SCALE_ONE; \
    }
control NormaliseByPrefix(inout bit<32> mantissa, inout bit<32> scale) {
    bit<32> marked;

    action mark(bit<32> stop) {
        marked = mantissa | stop;
    }
    table budget {
        key = {
            scale[31:23]: exact @name("budget");
        }
        actions = {
            mark;
        }
        const entries = {
            0: mark(1 << 31);
            1: mark(1 << 30);
            2: mark(1 << 29);
            3: mark(1 << 28);
            4: mark(1 << 27);
            5: mark(1 << 26);
            6: mark(1 << 25);
            7: mark(1 << 24);
            8: mark(1 << 23);
            9: mark(1 << 22);
            10: mark(1 << 21);
            11: mark(1 << 20);
            12: mark(1 << 19);
            13: mark(1 << 18);
            14: mark(1 << 17);
            15: mark(1 << 16);
            16: mark(1 << 15);
            17: mark(1 << 14);
            18: mark(1 << 13);
            19: mark(1 << 12);
            20: mark(1 << 11);
            21: mark(1 << 10);
            22: mark(1 << 9);
            23: mark(1 << 8);
            24: mark(1 << 7);
            25: mark(1 << 6);
            26: mark(1 << 5);
            27: mark(1 << 4);
            28: mark(1 << 3);
            29: mark(1 << 2);
            30: mark(1 << 1);
            31: mark(1 << 0);
        }
        const default_action = mark(0);
        size = 32;
    }

    action stay() {
    }
    LEFT_BY_PREFIX(1)
    LEFT_BY_PREFIX(2)
    LEFT_BY_PREFIX(3)
    LEFT_BY_PREFIX(4)
    LEFT_BY_PREFIX(5)
    LEFT_BY_PREFIX(6)
    LEFT_BY_PREFIX(7)
    LEFT_BY_PREFIX(8)
    LEFT_BY_PREFIX(9)
    LEFT_BY_PREFIX(10)
    LEFT_BY_PREFIX(11)
    LEFT_BY_PREFIX(12)
    LEFT_BY_PREFIX(13)
    LEFT_BY_PREFIX(14)
    LEFT_BY_PREFIX(15)
    LEFT_BY_PREFIX(16)
    LEFT_BY_PREFIX(17)
    LEFT_BY_PREFIX(18)
    LEFT_BY_PREFIX(19)
    LEFT_BY_PREFIX(20)
    LEFT_BY_PREFIX(21)
    LEFT_BY_PREFIX(22)
    LEFT_BY_PREFIX(23)
    LEFT_BY_PREFIX(24)
    LEFT_BY_PREFIX(25)
    LEFT_BY_PREFIX(26)
    LEFT_BY_PREFIX(27)
    LEFT_BY_PREFIX(28)
    LEFT_BY_PREFIX(29)
    LEFT_BY_PREFIX(30)
    LEFT_BY_PREFIX(31)

    table prefixes {
        key = {
            marked: ternary @name("marked");
        }
        actions = {
            left_1;
            left_2;
            left_3;
            left_4;
            left_5;
            left_6;
            left_7;
            left_8;
            left_9;
            left_10;
            left_11;
            left_12;
            left_13;
            left_14;
            left_15;
            left_16;
            left_17;
            left_18;
            left_19;
            left_20;
            left_21;
            left_22;
            left_23;
            left_24;
            left_25;
            left_26;
            left_27;
            left_28;
            left_29;
            left_30;
            left_31;
            stay;
        }
        const entries = {
            0x80000000 &&& 0x80000000: stay();
            0x40000000 &&& 0xC0000000: left_1();
            0x20000000 &&& 0xE0000000: left_2();
            0x10000000 &&& 0xF0000000: left_3();
            0x08000000 &&& 0xF8000000: left_4();
            0x04000000 &&& 0xFC000000: left_5();
            0x02000000 &&& 0xFE000000: left_6();
            0x01000000 &&& 0xFF000000: left_7();
            0x00800000 &&& 0xFF800000: left_8();
            0x00400000 &&& 0xFFC00000: left_9();
            0x00200000 &&& 0xFFE00000: left_10();
            0x00100000 &&& 0xFFF00000: left_11();
            0x00080000 &&& 0xFFF80000: left_12();
            0x00040000 &&& 0xFFFC0000: left_13();
            0x00020000 &&& 0xFFFE0000: left_14();
            0x00010000 &&& 0xFFFF0000: left_15();
            0x00008000 &&& 0xFFFF8000: left_16();
            0x00004000 &&& 0xFFFFC000: left_17();
            0x00002000 &&& 0xFFFFE000: left_18();
            0x00001000 &&& 0xFFFFF000: left_19();
            0x00000800 &&& 0xFFFFF800: left_20();
            0x00000400 &&& 0xFFFFFC00: left_21();
            0x00000200 &&& 0xFFFFFE00: left_22();
            0x00000100 &&& 0xFFFFFF00: left_23();
            0x00000080 &&& 0xFFFFFF80: left_24();
            0x00000040 &&& 0xFFFFFFC0: left_25();
            0x00000020 &&& 0xFFFFFFE0: left_26();
            0x00000010 &&& 0xFFFFFFF0: left_27();
            0x00000008 &&& 0xFFFFFFF8: left_28();
            0x00000004 &&& 0xFFFFFFFC: left_29();
            0x00000002 &&& 0xFFFFFFFE: left_30();
            0x00000001 &&& 0xFFFFFFFF: left_31();
        }
        const default_action = stay();
        size = 32;
    }

    apply {
        budget.apply();
        prefixes.apply();
    }
}
#undef LEFT_BY_PREFIX
