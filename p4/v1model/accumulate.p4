/*
 * Adds the values of a contribution to the element registers (docs/arithmetic.md): unpack, align, add, with the
 * sum left un-normalised.
 *
 * The loop is one action. simple_switch locks the registers of an action for its whole run, and runs
 * ingress on one thread, so the read-modify-write of a whole packet is atomic here; it must not move to
 * egress. Steps are small, and an intermediate that is used twice is assigned on both sides of a branch
 * or read from a register: p4c would otherwise repeat the whole expression at each use.
 */
control Accumulate(inout meta_t meta,
                   register<bit<32>> words,
                   register<exponent_t> exponents,
                   register<mantissa_bits_t> mantissas,
                   counter events) {
    /* Exponent field all zeros (zero, subnormal) or all ones (special). */
    action unpack_rare() {
        if (meta.word & PLUS_INF == 0) {
            meta.exponent = 1;
            meta.mantissa = (mantissa_t) ((meta.word & FRACTION_MASK) << meta.guard);
            if (meta.word & SIGN_BIT != 0) {
                meta.mantissa = -meta.mantissa;
            }
        } else {
            meta.exponent = SPECIAL_EXPONENT;
            if (meta.word & FRACTION_MASK != 0) {
                meta.mantissa = UNIT_NAN;
            } else if (meta.word == PLUS_INF) {
                meta.mantissa = UNIT_PLUS_INF;
            } else {
                meta.mantissa = UNIT_MINUS_INF;
            }
        }
    }

    action unpack() {
        /* One test for both rare exponents: 255 + 1 and 0 + 1 leave the upper seven bits zero. */
        if ((meta.word + IMPLIED_ONE) & 0x7F000000 == 0) {
            unpack_rare();
        } else {
            meta.exponent = (exponent_t) ((meta.word >> 23) & 0xFF);
            meta.mantissa = (mantissa_t) (((meta.word & FRACTION_MASK) | IMPLIED_ONE) << meta.guard);
            if (meta.word >= SIGN_BIT) {
                meta.mantissa = -meta.mantissa;
            }
        }
    }

    /* The packet's exponent is the smaller one, or equal: its mantissa is shifted. */
    action align_packet() {
        meta.distance = meta.stored_exponent - meta.exponent;
        meta.aligned = meta.mantissa;
        meta.mantissa = meta.stored_mantissa;
        meta.exponent = meta.stored_exponent;
    }

    /* The packet's exponent is the larger one: the stored mantissa is shifted, or FPISA-A's alternative is used. */
    action align_stored() {
        if (meta.mode == MODE_FULL) {
            meta.distance = meta.exponent - meta.stored_exponent;
            meta.aligned = meta.stored_mantissa;
        } else if (meta.exponent == SPECIAL_EXPONENT) {
            meta.distance = meta.exponent - meta.stored_exponent;
            meta.aligned = meta.stored_mantissa;
        } else if (meta.exponent - meta.stored_exponent <= meta.left_shift_limit) {
            meta.mantissa = meta.mantissa << (bit<8>) (meta.exponent - meta.stored_exponent);
            meta.exponent = meta.stored_exponent;
            meta.distance = 0;
            meta.aligned = meta.stored_mantissa;
        } else {
            meta.distance = 0;
            meta.aligned = 0;
            events.count(meta.overwrites);
        }
        exponents.write(meta.index, meta.exponent);
    }

    /*
     * Both roundings at once: `round_above` and `longest_shift` are such that floor never rounds up (membership.p4).
     * The bits shifted out stand at the top of a word, whose lowest bit is free: the last bit of an odd quotient makes
     * a tie more than half. A shift by more than the register's width leaves no such bits, and rounds to 0.
     */
    action shift_right() {
        meta.lost = ((bit<32>) meta.aligned << 1) << (8w31 - (bit<8>) meta.distance);
        meta.aligned = meta.aligned >> (bit<8>) meta.distance;
        if (meta.lost | ((bit<32>) meta.aligned & 1) > meta.round_above) {
            meta.aligned = meta.aligned + 1;
        }
        if (meta.distance > meta.longest_shift) {
            meta.aligned = 0;
        }
        /* Of a special and a number, the number is shifted; unit counts are added only to each other. */
        if (meta.exponent == SPECIAL_EXPONENT && meta.distance != 0) {
            meta.aligned = 0;
        }
    }

    /* Saturating; the exact sum differs from the saturated one exactly when it does not fit. */
    action add() {
        if (meta.aligned |+| meta.mantissa != meta.aligned + meta.mantissa) {
            events.count(meta.overflows);
        }
        mantissas.write(meta.index, (mantissa_bits_t) (meta.aligned |+| meta.mantissa));
    }

    action add_float() {
        unpack();
        if (meta.first == 1) {
            exponents.write(meta.index, meta.exponent);
            mantissas.write(meta.index, (mantissa_bits_t) meta.mantissa);
        } else {
            exponents.read(meta.stored_exponent, meta.index);
            mantissas.read(meta.stored_bits, meta.index);
            meta.stored_mantissa = (mantissa_t) meta.stored_bits;
            if (meta.exponent <= meta.stored_exponent) {
                align_packet();
            } else {
                align_stored();
            }
            shift_right();
            add();
        }
    }

    /* SwitchML's scheme: hosts have agreed on a scale, the switch adds integers with saturation. */
    action add_integer() {
        meta.mantissa = (mantissa_t) meta.word;
        if (meta.first == 1) {
            mantissas.write(meta.index, (mantissa_bits_t) meta.mantissa);
        } else {
            mantissas.read(meta.stored_bits, meta.index);
            meta.aligned = (mantissa_t) meta.stored_bits;
            add();
        }
    }

    /* A loop for each step of a packet's length, since p4c and switches know the bounds of such loops. */
#define ADD_FLOATS(name, from, to) \
    action name() { \
        for (bit<32> i = from; i < to; i = i + 1) { \
            words.read(meta.word, i); \
            if (meta.network_order == 0) { \
                swap_bytes(meta.word); \
            } \
            add_float(); \
            meta.index = meta.index + 1; \
        } \
    }
#define ADD_INTEGERS(name, from, to) \
    action name() { \
        for (bit<32> i = from; i < to; i = i + 1) { \
            words.read(meta.word, i); \
            if (meta.network_order == 0) { \
                swap_bytes(meta.word); \
            } \
            add_integer(); \
            meta.index = meta.index + 1; \
        } \
    }

    ADD_FLOATS(add_floats, 0, FIRST_VALUES)
    ADD_INTEGERS(add_integers, 0, FIRST_VALUES)
#ifdef VALUES_IN_STEPS
    ADD_FLOATS(add_floats_to_256, FIRST_VALUES, 256)
    ADD_INTEGERS(add_integers_to_256, FIRST_VALUES, 256)
    ADD_FLOATS(add_floats_to_1024, 256, 1024)
    ADD_INTEGERS(add_integers_to_1024, 256, 1024)
#if VALUES_PER_PACKET == 2048
    ADD_FLOATS(add_floats_to_2048, 1024, 2048)
    ADD_INTEGERS(add_integers_to_2048, 1024, 2048)
#endif
#endif

    apply {
        meta.index = meta.set * VALUES_PER_PACKET;
        if (meta.format == FORMAT_FP32) {
            add_floats();
            FURTHER_STEPS(add_floats)
        } else {
            add_integers();
            FURTHER_STEPS(add_integers)
        }
    }
}
