/*
 * The element registers with a Tofino's arithmetic (-DRESTRICTED_ARITHMETIC): the steps of p4/shared/steps_*.p4, which
 * p4/tna runs as well, in the same order and with one access to each register. So those steps
 * can be executed, packet by packet, and compared with the reference (docs/tofino.md).
 *
 * Profiles fpisa-a and int32 only: mode, guard, rounding and left-shift limit of the membership are ignored. The exponent
 * register holds the exponent + RESTRICTED_BIAS, and RESTRICTED_SPECIAL + RESTRICTED_BIAS for a special.
 *
 * With -DPAPER_LAYOUT one table shifts a value by any distance, as the paper's program does (p4/shared/paper.p4); with
 * -DNARROW_SHIFT tables are smaller, and more (p4/shared/steps_shift_narrow.p4).
 *
 * Events that no stateful ALU reports are counted outside the steps: each overwritten value, and each addition that saturates.
 */
control Elements(inout headers_t hdr, inout meta_t meta, counter events) {
    @name(".fpisa.exponents")
    register<exponent_t>(POOL_SLOTS * SETS_PER_SLOT * VALUES_PER_PACKET) exponents;
    @name(".fpisa.mantissas")
    register<mantissa_bits_t>(POOL_SLOTS * SETS_PER_SLOT * VALUES_PER_PACKET) mantissas;

#ifdef PAPER_LAYOUT
#define SHIFTERS(i) \
    ShiftByDistance() shift_by_distance##i; \
    NormaliseByPrefix() normalise_by_prefix##i; \
    NormaliseByOne() normalise_by_one##i;
#elif defined(NARROW_SHIFT)
#define SHIFTERS(i) \
    SettleExponent() settle_exponent##i; \
    ShiftBySixteens() shift_by_sixteens##i; \
    ShiftByFours() shift_by_fours##i; \
    ShiftByThrees() shift_by_threes##i; \
    NormaliseByEights() normalise_by_eights##i; \
    NormaliseByTwos() normalise_by_twos##i; \
    NormaliseByOne() normalise_by_one##i;
#else
#define SHIFTERS(i) \
    ShiftByEights() shift_by_eights##i; \
    ShiftByOnes() shift_by_ones##i; \
    NormaliseByEights() normalise_by_eights##i; \
    NormaliseByOnes() normalise_by_ones##i;
#endif
#define ELEMENT(i) \
    exponent_t exponent##i; \
    bit<16> distance##i; \
    bit<32> scale##i; \
    Classify() classify##i; \
    Negate() negate##i; \
    Magnitude() magnitude##i; \
    SHIFTERS(i)
    EACH_VALUE(ELEMENT)

    action locate() {
        meta.index = meta.set * VALUES_PER_PACKET;
        meta.network_order = hdr.fpisa.flags & FLAG_NETWORK_ORDER;
    }

#define SWAP(i) swap_bytes(hdr.values.v##i);
    action swap_values() {
        EACH_VALUE(SWAP)
    }

#define TAKE_UPPER(i) exponent##i = hdr.values.v##i[31:16];
    action take_upper_halves() {
        EACH_VALUE(TAKE_UPPER)
    }

    /* One access each, read-modify-write: simple_switch locks the registers of an action for its whole run. */
    action open_exponent(in element_index_t index, in exponent_t exponent, out bit<16> distance) {
        int<16> stored;
        int<16> signed_distance;
        OPEN_EXPONENT(stored, signed_distance, (int<16>) exponent)
        exponents.write(index, (exponent_t) stored);
        distance = (bit<16>) signed_distance;
    }
    action join_exponent(in element_index_t index, in exponent_t exponent, out bit<16> distance) {
        exponent_t bits;
        exponents.read(bits, index);
        int<16> stored = (int<16>) bits;
        int<16> signed_distance;
        JOIN_EXPONENT(stored, signed_distance, (int<16>) exponent)
        exponents.write(index, (exponent_t) stored);
        distance = (bit<16>) signed_distance;
    }
    action open_mantissa(in element_index_t index, in mantissa_bits_t mantissa) {
        mantissa_t stored;
        OPEN_MANTISSA(stored, (mantissa_t) mantissa)
        mantissas.write(index, (mantissa_bits_t) stored);
    }
    action join_mantissa(in element_index_t index, inout mantissa_bits_t mantissa) {
        mantissa_bits_t bits;
        mantissas.read(bits, index);
        mantissa_t stored = (mantissa_t) bits;
        if (stored |+| (mantissa_t) mantissa != stored + (mantissa_t) mantissa) {
            events.count(meta.overflows);
        }
        JOIN_MANTISSA(stored, (mantissa_t) mantissa)
        mantissas.write(index, (mantissa_bits_t) stored);
        mantissa = (mantissa_bits_t) stored;
    }

#define OPEN(i) open_exponent(meta.index + 0x##i, exponent##i, distance##i);
    action open_exponents() {
        EACH_VALUE(OPEN)
    }
#define JOIN(i) join_exponent(meta.index + 0x##i, exponent##i, distance##i);
    action join_exponents() {
        EACH_VALUE(JOIN)
    }

    /* Integers have no exponents; the first of a round replaces what is stored. */
#define REPLACES(i) exponent##i = 0; distance##i = 0xFFFF;
    action integers_replace() {
        EACH_VALUE(REPLACES)
    }
#define JOINS(i) exponent##i = 0; distance##i = 0;
    action integers_join() {
        EACH_VALUE(JOINS)
    }

    action count_overwrite() {
        events.count(meta.overwrites);
    }

#define READ_MANTISSA(i) mantissas.read(hdr.values.v##i, meta.index + 0x##i);
    action read_mantissas() {
        EACH_VALUE(READ_MANTISSA)
    }

    /*
     * A Tofino gets the wider words without an extra step: egress parses the header that carries the exponents that way. Their lower
     * halves then belong to the next value.
     */
#define TAKE_SCALE(i) TO_SCALE(exponent##i) scale##i = exponent##i ++ 16w0xA5C3;
    action take_scales() {
        EACH_VALUE(TAKE_SCALE)
    }
#define ADD(i) ADD_FIELDS(hdr.values.v##i, scale##i)
    action add_fields() {
        EACH_VALUE(ADD)
    }

#define CLASSIFY(i) classify##i.apply(hdr.values.v##i, exponent##i);
#define NEGATE(i) \
        if (IS_NEGATIVE(exponent##i)) { \
            negate##i.apply(hdr.values.v##i, exponent##i); \
        }
#ifdef PAPER_LAYOUT
#define ALIGN(i) shift_by_distance##i.apply(hdr.values.v##i, exponent##i, distance##i);
#define NORMALISE(i) \
        normalise_by_prefix##i.apply(hdr.values.v##i, scale##i); \
        normalise_by_one##i.apply(hdr.values.v##i, scale##i);
#else
#ifdef NARROW_SHIFT
#define ALIGN(i) \
        settle_exponent##i.apply(hdr.values.v##i, exponent##i, distance##i); \
        shift_by_sixteens##i.apply(hdr.values.v##i, distance##i); \
        shift_by_fours##i.apply(hdr.values.v##i, distance##i); \
        shift_by_threes##i.apply(hdr.values.v##i, distance##i);
#define NORMALISE(i) \
        normalise_by_eights##i.apply(hdr.values.v##i, scale##i); \
        normalise_by_twos##i.apply(hdr.values.v##i, scale##i); \
        normalise_by_one##i.apply(hdr.values.v##i, scale##i);
#else
#define ALIGN(i) \
        shift_by_eights##i.apply(hdr.values.v##i, exponent##i, distance##i); \
        shift_by_ones##i.apply(hdr.values.v##i, distance##i);
#define NORMALISE(i) \
        normalise_by_eights##i.apply(hdr.values.v##i, scale##i); \
        normalise_by_ones##i.apply(hdr.values.v##i, scale##i);
#endif
#endif
#define COUNT_OVERWRITE(i) \
        if (distance##i[15:15] == 1 && exponent##i != RESTRICTED_SPECIAL + RESTRICTED_BIAS) { \
            count_overwrite(); \
        }
#define ACCUMULATE(i) \
        if (distance##i[15:15] == 1) { \
            open_mantissa(meta.index + 0x##i, hdr.values.v##i); \
        } else { \
            join_mantissa(meta.index + 0x##i, hdr.values.v##i); \
        }
#define MAGNITUDE(i) magnitude##i.apply(hdr.values.v##i, scale##i);

    /* Adds the packet's values when it contributes, and replaces them by the sums when it answers. */
    apply {
        locate();
        if (meta.contributes == 1 || meta.answers == 1) {
            if (meta.network_order == 0) {
                swap_values();
            }
            if (meta.format == FORMAT_FP32) {
                take_upper_halves();
                EACH_VALUE(CLASSIFY)
                EACH_VALUE(NEGATE)
                /* A repeated contribution too: its exponents change nothing, and a Tofino detects the repetition too late. */
                if (meta.first == 1) {
                    open_exponents();
                } else {
                    join_exponents();
                }
                EACH_VALUE(ALIGN)
                if (meta.first == 0) {
                    EACH_VALUE(COUNT_OVERWRITE)
                }
            } else if (meta.first == 1) {
                integers_replace();
            } else {
                integers_join();
            }
            if (meta.contributes == 1) {
                EACH_VALUE(ACCUMULATE)
            } else {
                read_mantissas();
            }
            if (meta.answers == 1) {
                if (meta.format == FORMAT_FP32) {
                    take_scales();
                    EACH_VALUE(MAGNITUDE)
                    EACH_VALUE(NORMALISE)
                    add_fields();
                }
                if (meta.network_order == 0) {
                    swap_values();
                }
            }
        }
    }
}
