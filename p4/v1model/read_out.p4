/*
 * Turns the element registers of a complete set into packed numbers (docs/arithmetic.md): sign and magnitude,
 * leading one, one rounding, assembly. The registers do not change.
 */
control ReadOut(inout meta_t meta,
                register<bit<32>> words,
                register<exponent_t> exponents,
                register<mantissa_bits_t> mantissas) {
    /* A special: an infinity if no other special was seen, else NaN. */
    action read_special() {
        if (meta.stored_bits & ALL_BUT_PLUS_INF == 0) {
            meta.word = PLUS_INF;
        } else if (meta.stored_bits & ALL_BUT_MINUS_INF == 0) {
            meta.word = MINUS_INF;
        } else {
            meta.word = QUIET_NAN;
        }
    }

    /* Moves the leading one to bit 31 by binary search; `scale` is adjusted accordingly. */
    action normalise() {
        if (meta.magnitude < 0x00010000) {
            meta.magnitude = meta.magnitude << 16;
            meta.scale = meta.scale - 16;
        }
        if (meta.magnitude < 0x01000000) {
            meta.magnitude = meta.magnitude << 8;
            meta.scale = meta.scale - 8;
        }
        if (meta.magnitude < 0x10000000) {
            meta.magnitude = meta.magnitude << 4;
            meta.scale = meta.scale - 4;
        }
        if (meta.magnitude < 0x40000000) {
            meta.magnitude = meta.magnitude << 2;
            meta.scale = meta.scale - 2;
        }
        if (meta.magnitude < 0x80000000) {
            meta.magnitude = meta.magnitude << 1;
            meta.scale = meta.scale - 1;
        }
    }

    /*
     * Rounds once, over all bits shifted out, and combines exponent and fraction by addition: the
     * implied one adds 1 to the exponent, and so does a carry out of the fraction.
     */
    action assemble() {
        if (meta.scale > SCALE_BIAS) {
            meta.shift = NORMAL_SHIFT;
            meta.word = (meta.scale - (SCALE_BIAS + 1)) << 23;
        } else {
            meta.shift = (bit<8>) (SUBNORMAL_SHIFT - meta.scale);
            meta.word = 0;
        }
        meta.word = meta.word + (meta.magnitude >> meta.shift);
        if (meta.rounding == ROUNDING_NEAREST_EVEN) {
            /* What was shifted out, moved to the top: more than half an ulp, or half of one beside an odd fraction. */
            meta.magnitude = meta.magnitude << (32 - meta.shift);
            if (meta.magnitude | (meta.word & 1) > 0x80000000) {
                meta.word = meta.word + 1;
            }
        }
        if (meta.word > PLUS_INF) {
            meta.word = PLUS_INF;
        }
    }

    action read_finite() {
        meta.scale = meta.scale_base + (bit<32>) meta.stored_exponent;
        if (meta.stored_mantissa < 0) {
            meta.sign = SIGN_BIT;
            meta.magnitude = (bit<32>) (-meta.stored_mantissa);
        } else {
            meta.sign = 0;
            meta.magnitude = meta.stored_bits;
        }
        normalise();
        assemble();
        meta.word = meta.word | meta.sign;
    }

#define READ_FLOATS(name, from, to) \
    action name() { \
        for (bit<32> i = from; i < to; i = i + 1) { \
            exponents.read(meta.stored_exponent, meta.index); \
            mantissas.read(meta.stored_bits, meta.index); \
            meta.stored_mantissa = (mantissa_t) meta.stored_bits; \
            if (meta.stored_mantissa == 0) { \
                meta.word = 0; \
            } else if (meta.stored_exponent == SPECIAL_EXPONENT) { \
                read_special(); \
            } else { \
                read_finite(); \
            } \
            if (meta.network_order == 0) { \
                swap_bytes(meta.word); \
            } \
            words.write(i, meta.word); \
            meta.index = meta.index + 1; \
        } \
    }
#define READ_INTEGERS(name, from, to) \
    action name() { \
        for (bit<32> i = from; i < to; i = i + 1) { \
            mantissas.read(meta.stored_bits, meta.index); \
            meta.word = meta.stored_bits; \
            if (meta.network_order == 0) { \
                swap_bytes(meta.word); \
            } \
            words.write(i, meta.word); \
            meta.index = meta.index + 1; \
        } \
    }

    READ_FLOATS(read_floats, 0, FIRST_VALUES)
    READ_INTEGERS(read_integers, 0, FIRST_VALUES)
#ifdef VALUES_IN_STEPS
    READ_FLOATS(read_floats_to_256, FIRST_VALUES, 256)
    READ_INTEGERS(read_integers_to_256, FIRST_VALUES, 256)
    READ_FLOATS(read_floats_to_1024, 256, 1024)
    READ_INTEGERS(read_integers_to_1024, 256, 1024)
#if VALUES_PER_PACKET == 2048
    READ_FLOATS(read_floats_to_2048, 1024, 2048)
    READ_INTEGERS(read_integers_to_2048, 1024, 2048)
#endif
#endif

    apply {
        meta.index = meta.set * VALUES_PER_PACKET;
        if (meta.format == FORMAT_FP32) {
            read_floats();
            FURTHER_STEPS(read_floats)
        } else {
            read_integers();
            FURTHER_STEPS(read_integers)
        }
    }
}
