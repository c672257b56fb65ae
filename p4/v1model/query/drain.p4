/*
 * Answers a DRAIN with groups: the stream's slots from `sequence` to `next`, at most SCAN_SLOTS, are scanned, and as
 * many groups as fit are written into the packet, with sums normalised (docs/arithmetic.md, "Read-out"). The slots
 * do not change, so a DRAIN that is repeated gets the same answer.
 */
control Drain(inout headers_t hdr,
              inout meta_t meta,
              register<bit<64>> groups,
              register<bit<32>> slot_epochs,
              register<bit<64>> slot_keys,
              register<bit<64>> slot_rows,
              register<bit<64>> lane_rows,
              register<bit<16>> exponents,
              register<bit<64>> mantissas,
              register<bit<8>> overflows) {
    bit<8> overflow;

    action use_f64() {
        meta.fraction_bits = F64_FRACTION_BITS;
        meta.normal_shift = F64_NORMAL_SHIFT;
        meta.scale_base = F64_SCALE_BASE;
        meta.infinity = F64_INFINITY;
        meta.quiet_nan = F64_QUIET_NAN;
    }

    action use_f32() {
        meta.fraction_bits = F32_FRACTION_BITS;
        meta.normal_shift = F32_NORMAL_SHIFT;
        meta.scale_base = F32_SCALE_BASE;
        meta.infinity = F32_INFINITY;
        meta.quiet_nan = F32_QUIET_NAN;
    }

    /* A special: an infinity if no other special was seen, else NaN. */
    action read_special() {
        if (meta.stored_bits == SEEN_PLUS_INF) {
            meta.word = meta.infinity;
        } else if (meta.stored_bits == SEEN_MINUS_INF) {
            meta.word = meta.infinity | meta.sign;
        } else {
            meta.word = meta.quiet_nan;
        }
    }

    /* Moves the leading one to LEADING_BIT by binary search; `scale` is adjusted accordingly. */
    action normalise() {
        if (meta.magnitude < 0x80000000) {
            meta.magnitude = meta.magnitude << 32;
            meta.scale = meta.scale - 32;
        }
        if (meta.magnitude < 0x800000000000) {
            meta.magnitude = meta.magnitude << 16;
            meta.scale = meta.scale - 16;
        }
        if (meta.magnitude < 0x80000000000000) {
            meta.magnitude = meta.magnitude << 8;
            meta.scale = meta.scale - 8;
        }
        if (meta.magnitude < 0x800000000000000) {
            meta.magnitude = meta.magnitude << 4;
            meta.scale = meta.scale - 4;
        }
        if (meta.magnitude < 0x2000000000000000) {
            meta.magnitude = meta.magnitude << 2;
            meta.scale = meta.scale - 2;
        }
        if (meta.magnitude < 0x4000000000000000) {
            meta.magnitude = meta.magnitude << 1;
            meta.scale = meta.scale - 1;
        }
    }

    /* One rounding to nearest, ties to even; the implied one and a carry raise the exponent by addition. */
    action assemble() {
        if (meta.scale > SCALE_BIAS) {
            meta.shift = meta.normal_shift;
            meta.word = (bit<64>) (meta.scale - (SCALE_BIAS + 1)) << meta.fraction_bits;
        } else {
            meta.shift = (bit<8>) (SCALE_BIAS + 1 - meta.scale) + meta.normal_shift;
            meta.word = 0;
        }
        if (meta.shift <= 63) {
            meta.magnitude = meta.magnitude + ((64w1 << (meta.shift - 1)) - 1)
                + ((meta.magnitude >> meta.shift) & 1);
            meta.word = meta.word + (meta.magnitude >> meta.shift);
        }
        if (meta.word > meta.infinity) {
            meta.word = meta.infinity;
        }
    }

    action read_number() {
        exponents.read(meta.stored_exponent, meta.element);
        if (meta.stored_bits == 0) {
            meta.word = 0;
        } else if (meta.stored_exponent == SPECIAL_EXPONENT) {
            read_special();
        } else {
            meta.scale = meta.scale_base + meta.stored_exponent;
            if (meta.stored_bits >= SIGN_BIT) {
                meta.magnitude = (bit<64>) (-((int<64>) meta.stored_bits));
            } else {
                meta.magnitude = meta.stored_bits;
            }
            normalise();
            assemble();
            if (meta.stored_bits >= SIGN_BIT) {
                meta.word = meta.word | meta.sign;
            }
        }
    }

    action read_lane() {
        meta.op = (bit<8>) (meta.ops & 0xFF);
        meta.ops = meta.ops >> 8;
        lane_rows.read(meta.lane_rows, meta.element);
        mantissas.read(meta.stored_bits, meta.element);
        meta.word = meta.stored_bits;
        if (meta.lane_rows == 0) {
            meta.word = 0;
        } else if (meta.op == LANE_SUM_F64) {
            use_f64();
            meta.sign = SIGN_BIT;
            read_number();
        } else if (meta.op == LANE_SUM_F32) {
            use_f32();
            meta.sign = F32_SIGN_BIT;
            read_number();
        } else if (meta.op == LANE_MIN_F64 || meta.op == LANE_MAX_F64) {
            value_of_order_f64(meta.word);
        } else if (meta.op == LANE_MIN_I64 || meta.op == LANE_MAX_I64) {
            order_i64(meta.word);
        }
    }

    /* The key that HAVING compares: of a lane's value, or the number of rows. fp32 is compared by the master. */
    action compare_lane(in bit<64> word) {
        meta.least = word;
        if (meta.op == LANE_SUM_F64 || meta.op == LANE_MIN_F64 || meta.op == LANE_MAX_F64) {
            order_f64(meta.least);
        } else {
            order_i64(meta.least);
        }
        if (meta.lane_rows == 0) {
            meta.is_kept = 0;
        }
        if (meta.having == HAVING_AT_LEAST && meta.least < meta.having_key) {
            meta.is_kept = 0;
        }
        if (meta.having == HAVING_AT_MOST && meta.least > meta.having_key) {
            meta.is_kept = 0;
        }
    }

    action compare_rows() {
        if (meta.having == HAVING_AT_LEAST && meta.rows < meta.having_key) {
            meta.is_kept = 0;
        }
        if (meta.having == HAVING_AT_MOST && meta.rows > meta.having_key) {
            meta.is_kept = 0;
        }
    }

    action give_group() {
        meta.word_index = meta.given * (4 + 2 * LANES);
        slot_keys.read(meta.word, 3 * meta.slot);
        groups.write(meta.word_index, meta.word);
        slot_keys.read(meta.word, 3 * meta.slot + 1);
        groups.write(meta.word_index + 1, meta.word);
        slot_keys.read(meta.word, 3 * meta.slot + 2);
        groups.write(meta.word_index + 2, meta.word);
        groups.write(meta.word_index + 3, meta.rows);
        meta.word_index = meta.word_index + 4;
        meta.element = meta.slot * LANES;
        meta.ops = meta.lane_ops;
        meta.is_kept = 1;
        if (meta.having_lane == HAVING_ON_ROWS) {
            compare_rows();
        }
        for (bit<32> lane = 0; lane < LANES; lane = lane + 1) {
            read_lane();
            if (meta.having != HAVING_NONE && (bit<32>) meta.having_lane == lane) {
                compare_lane(meta.word);
            }
            groups.write(meta.word_index, meta.word);
            groups.write(meta.word_index + LANES, meta.lane_rows);
            meta.word_index = meta.word_index + 1;
            meta.element = meta.element + 1;
        }
        if (meta.is_kept == 1) {
            meta.given = meta.given + 1;
        }
    }

    /* `rows` of the answer counts the rows of all groups inspected, kept or not: the master checks that none is missing. */
    action scan() {
        hdr.query.rows = 0;
        meta.given = 0;
        meta.at = hdr.query.sequence;
        meta.end = meta.at + SCAN_SLOTS;
        if (meta.end > hdr.query.next) {
            meta.end = hdr.query.next;
        }
        if (meta.end > meta.state_mask + 1) {
            meta.end = meta.state_mask + 1;
        }
        for (bit<32> n = 0; meta.at < meta.end && meta.given < GROUPS_PER_PACKET; n = n + 1) {
            meta.slot = meta.state_base + meta.at;
            slot_epochs.read(meta.slot_epoch, meta.slot);
            if (meta.slot_epoch == meta.epoch) {
                slot_rows.read(meta.rows, meta.slot);
                hdr.query.rows = hdr.query.rows + meta.rows;
                give_group();
            }
            meta.at = meta.at + 1;
        }
        hdr.query.next = meta.at;
        hdr.query.count = (bit<16>) meta.given;
        meta.kept_groups = (bit<16>) meta.given;
        overflows.read(overflow, meta.stream);
        if (overflow != 0) {
            hdr.query.flags = hdr.query.flags | FLAG_OVERFLOW;
        }
        hdr.query.opcode = OPCODE_GROUPS;
    }

#define GIVE_LANE(i, l) groups.read(hdr.groups[i].lane##l, i * (4 + 2 * LANES) + 4 + l);
#define GIVE_COUNT(i, l) groups.read(hdr.groups[i].count##l, i * (4 + 2 * LANES) + 4 + LANES + l);
#define GIVE_GROUP(i) \
        groups.read(hdr.groups[i].key0, i * (4 + 2 * LANES)); \
        groups.read(hdr.groups[i].key1, i * (4 + 2 * LANES) + 1); \
        groups.read(hdr.groups[i].key2, i * (4 + 2 * LANES) + 2); \
        groups.read(hdr.groups[i].rows, i * (4 + 2 * LANES) + 3); \
        EACH_LANE(GIVE_LANE, i) \
        EACH_LANE(GIVE_COUNT, i)

    /* Those beyond `count` are left over from an earlier answer; Removal removes them. */
    action give_groups() {
        EACH_GROUP(GIVE_GROUP)
    }

    apply {
        scan();
        give_groups();
    }
}
