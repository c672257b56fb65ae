/*
 * GROUP BY: one slot per group, with the key stored in it and, for every lane, the registers of its aggregate.
 *
 * A key may be in either of two slots. Slots are never freed while a query runs, so if both were taken when a key
 * first arrived, they stay taken: a group is entirely here or entirely at the master, and none is in
 * two places. A slot of another epoch is free; so nothing is ever cleared.
 *
 * The loops are one action: simple_switch locks the registers of an action for its whole run, and runs ingress on
 * one thread, so a packet's tuples are aggregated atomically.
 *
 * Sums of numbers use FPISA's full mode with two changes for streams of any length: a mantissa that reaches the
 * limit is shifted right by one bit, so it never overflows; and alignment rounds to nearest, ties to even, so
 * that millions of small errors do not all have the same sign.
 */
control Groups(inout headers_t hdr,
               inout meta_t meta,
               register<bit<64>> scratch,
               register<bit<64>> keys,
               register<bit<64>> lanes,
               register<bit<8>> nulls,
               register<bit<32>> slot_epochs,
               register<bit<64>> slot_keys,
               register<bit<64>> slot_rows,
               register<bit<64>> lane_rows,
               register<bit<16>> exponents,
               register<bit<64>> mantissas,
               register<bit<8>> overflows) {
    action unpack_special(in bit<64> fraction, in bit<64> sign) {
        meta.exponent = SPECIAL_EXPONENT;
        if (fraction != 0) {
            meta.mantissa = (mantissa_t) (int<64>) SEEN_NAN;
        } else if (sign == 0) {
            meta.mantissa = (mantissa_t) (int<64>) SEEN_PLUS_INF;
        } else {
            meta.mantissa = (mantissa_t) (int<64>) SEEN_MINUS_INF;
        }
    }

    action unpack_f64() {
        meta.limit = F64_LIMIT;
        meta.exponent = (bit<16>) (meta.word >> 52) & 0x7FF;
        meta.sign = meta.word & SIGN_BIT;
        meta.magnitude = meta.word & F64_FRACTION_MASK;
        if (meta.exponent == 0x7FF) {
            unpack_special(meta.magnitude, meta.sign);
        } else {
            if (meta.exponent == 0) {
                meta.exponent = 1;
            } else {
                meta.magnitude = meta.magnitude | F64_IMPLIED_ONE;
            }
            meta.mantissa = (mantissa_t) (int<64>) (meta.magnitude << F64_GUARD);
            if (meta.sign != 0) {
                meta.mantissa = -meta.mantissa;
            }
        }
    }

    action unpack_f32() {
        meta.limit = F32_LIMIT;
        meta.exponent = (bit<16>) (meta.word >> 23) & 0xFF;
        meta.sign = meta.word & F32_SIGN_BIT;
        meta.magnitude = meta.word & F32_FRACTION_MASK;
        if (meta.exponent == 0xFF) {
            unpack_special(meta.magnitude, meta.sign);
        } else {
            if (meta.exponent == 0) {
                meta.exponent = 1;
            } else {
                meta.magnitude = meta.magnitude | F32_IMPLIED_ONE;
            }
            meta.mantissa = (mantissa_t) (int<64>) (meta.magnitude << F32_GUARD);
            if (meta.sign != 0) {
                meta.mantissa = -meta.mantissa;
            }
        }
    }

    /* Rounds to nearest, ties to even. No mantissa has more than 61 bits, so a shift by 62 or more removes all of them. */
    action shift_right(inout mantissa_t mantissa, in bit<16> distance) {
        if (distance > 61) {
            mantissa = 0;
        } else if (distance > 0) {
            mantissa = (mantissa + ((63s1 << (bit<8>) (distance - 1)) - 1)
                + ((mantissa >> (bit<8>) distance) & 1)) >> (bit<8>) distance;
        }
    }

    action add_number() {
        if (meta.lane_rows == 0) {
            exponents.write(meta.element, meta.exponent);
            mantissas.write(meta.element, (mantissa_bits_t) (int<64>) meta.mantissa);
        } else {
            exponents.read(meta.stored_exponent, meta.element);
            mantissas.read(meta.stored_bits, meta.element);
            if (meta.stored_exponent == SPECIAL_EXPONENT) {
                if (meta.exponent == SPECIAL_EXPONENT) {
                    mantissas.write(meta.element, meta.stored_bits | (mantissa_bits_t) (int<64>) meta.mantissa);
                }
            } else if (meta.exponent == SPECIAL_EXPONENT) {
                exponents.write(meta.element, meta.exponent);
                mantissas.write(meta.element, (mantissa_bits_t) (int<64>) meta.mantissa);
            } else {
                meta.stored_mantissa = (mantissa_t) (int<64>) meta.stored_bits;
                if (meta.exponent <= meta.stored_exponent) {
                    meta.exponent = meta.stored_exponent - meta.exponent;
                    shift_right(meta.mantissa, meta.exponent);
                    meta.exponent = meta.stored_exponent;
                } else {
                    meta.stored_exponent = meta.exponent - meta.stored_exponent;
                    shift_right(meta.stored_mantissa, meta.stored_exponent);
                }
                meta.mantissa = meta.mantissa + meta.stored_mantissa;
                if (meta.mantissa >= meta.limit || meta.mantissa <= -meta.limit) {
                    meta.mantissa = (meta.mantissa + ((meta.mantissa >> 1) & 1)) >> 1;
                    meta.exponent = meta.exponent + 1;
                }
                exponents.write(meta.element, meta.exponent);
                mantissas.write(meta.element, (mantissa_bits_t) (int<64>) meta.mantissa);
            }
        }
    }

    /* Two's complement; the sum overflows exactly when its sign differs from that of both operands. DuckDB's integer
     * sums are wider, so the master must not use one that overflowed. */
    action add_integer() {
        if (meta.lane_rows != 0) {
            mantissas.read(meta.stored_bits, meta.element);
            scratch.write(0, meta.word + meta.stored_bits);
            scratch.read(meta.magnitude, 0);
            if ((meta.word ^ meta.magnitude) & (meta.stored_bits ^ meta.magnitude) >= SIGN_BIT) {
                overflows.write(meta.stream, 1);
            }
            meta.word = meta.magnitude;
        }
        mantissas.write(meta.element, meta.word);
    }

    action keep_least() {
        mantissas.read(meta.stored_bits, meta.element);
        if (meta.lane_rows == 0 || meta.word < meta.stored_bits) {
            mantissas.write(meta.element, meta.word);
        }
    }

    action keep_greatest() {
        mantissas.read(meta.stored_bits, meta.element);
        if (meta.lane_rows == 0 || meta.word > meta.stored_bits) {
            mantissas.write(meta.element, meta.word);
        }
    }

    action fold_lane() {
        meta.op = (bit<8>) (meta.ops & 0xFF);
        meta.ops = meta.ops >> 8;
        if (meta.op != LANE_UNUSED && meta.nulls & 1 == 0) {
            lanes.read(meta.word, meta.word_index);
            lane_rows.read(meta.lane_rows, meta.element);
            if (meta.op == LANE_SUM_F64) {
                unpack_f64();
                add_number();
            } else if (meta.op == LANE_SUM_I64) {
                add_integer();
            } else if (meta.op == LANE_SUM_F32) {
                unpack_f32();
                add_number();
            } else if (meta.op == LANE_MIN_F64) {
                order_f64_with_sign(meta.word);
                keep_least();
            } else if (meta.op == LANE_MAX_F64) {
                order_f64_with_sign(meta.word);
                keep_greatest();
            } else if (meta.op == LANE_MIN_I64) {
                order_i64(meta.word);
                keep_least();
            } else {
                order_i64(meta.word);
                keep_greatest();
            }
            lane_rows.write(meta.element, meta.lane_rows + 1);
        }
        meta.nulls = meta.nulls >> 1;
        meta.word_index = meta.word_index + 1;
        meta.element = meta.element + 1;
    }

    MIX_KEY_ACTION

    /* Inspects one slot: is the group there, or can it be stored there? */
    action try_slot() {
        slot_epochs.read(meta.slot_epoch, meta.slot);
        if (meta.slot_epoch != meta.epoch) {
            slot_epochs.write(meta.slot, meta.epoch);
            slot_keys.write(3 * meta.slot, meta.key0);
            slot_keys.write(3 * meta.slot + 1, meta.key1);
            slot_keys.write(3 * meta.slot + 2, meta.key2);
            slot_rows.write(meta.slot, 0);
            for (bit<32> fresh = 0; fresh < LANES; fresh = fresh + 1) {
                lane_rows.write(meta.slot * LANES + fresh, 0);
            }
            meta.is_found = 1;
        } else {
            slot_keys.read(meta.stored_key0, 3 * meta.slot);
            slot_keys.read(meta.stored_key1, 3 * meta.slot + 1);
            slot_keys.read(meta.stored_key2, 3 * meta.slot + 2);
            if (meta.stored_key0 == meta.key0 && meta.stored_key1 == meta.key1
                && meta.stored_key2 == meta.key2) {
                meta.is_found = 1;
            }
        }
    }

    action fold_tuples() {
        for (bit<32> t = 0; t < (bit<32>) hdr.query.count; t = t + 1) {
            keys.read(meta.key0, 3 * t);
            keys.read(meta.key1, 3 * t + 1);
            keys.read(meta.key2, 3 * t + 2);
            mix_key();
            meta.is_found = 0;
            meta.slot = meta.state_base + ((bit<32>) meta.hash & meta.state_mask);
            try_slot();
            if (meta.is_found == 0) {
                meta.slot = meta.state_base + ((bit<32>) (meta.hash >> 32) & meta.state_mask);
                try_slot();
            }
            if (meta.is_found == 1) {
                meta.mask = meta.mask | (32w1 << (bit<8>) t);
                slot_rows.read(meta.rows, meta.slot);
                slot_rows.write(meta.slot, meta.rows + 1);
                nulls.read(meta.nulls, t);
                meta.ops = meta.lane_ops;
                meta.word_index = t * LANES;
                meta.element = meta.slot * LANES;
                for (bit<32> lane = 0; lane < LANES; lane = lane + 1) {
                    fold_lane();
                }
            }
        }
    }

    apply {
        fold_tuples();
    }
}
