/*
 * The processing of a stream's tuples, and the registers of all operators. Tuples are first copied into scratch
 * registers: P4 has no header field with a run-time index, but registers do, so every operator is one
 * loop. The scratch registers belong to the packet in ingress; simple_switch has one there at a time.
 */
control Operators(inout headers_t hdr, inout meta_t meta) {
    @name(".fpisa_query.scratch")
    register<bit<64>>(1) scratch;
    @name(".fpisa_query.keys")
    register<bit<64>>(3 * TUPLES) keys;
    @name(".fpisa_query.lanes")
    register<bit<64>>(LANES * TUPLES) lanes;
    @name(".fpisa_query.nulls")
    register<bit<8>>(TUPLES) nulls;
    @name(".fpisa_query.groups")
    register<bit<64>>(GROUPS_PER_PACKET * (4 + 2 * LANES)) groups;

    @name(".fpisa_query.slot_epochs")
    register<bit<32>>(GROUP_SLOTS) slot_epochs;
    @name(".fpisa_query.slot_keys")
    register<bit<64>>(3 * GROUP_SLOTS) slot_keys;
    @name(".fpisa_query.slot_rows")
    register<bit<64>>(GROUP_SLOTS) slot_rows;
    @name(".fpisa_query.lane_rows")
    register<bit<64>>(GROUP_SLOTS * LANES) lane_rows;
    @name(".fpisa_query.exponents")
    register<bit<16>>(GROUP_SLOTS * LANES) exponents;
    @name(".fpisa_query.mantissas")
    register<bit<64>>(GROUP_SLOTS * LANES) mantissas;
    @name(".fpisa_query.overflows")
    register<bit<8>>(MAX_STREAMS) overflows;

    @name(".fpisa_query.kept")
    register<bit<64>>(TOP_SLOTS) kept;
    @name(".fpisa_query.kept_rows")
    register<bit<32>>(MAX_STREAMS) kept_rows;
    @name(".fpisa_query.thresholds")
    register<bit<64>>(MAX_STREAMS) thresholds;
    @name(".fpisa_query.threshold_places")
    register<bit<32>>(MAX_STREAMS) threshold_places;

    @name(".fpisa_query.filter_words")
    register<bit<64>>(BLOOM_WORDS) filter_words;
    @name(".fpisa_query.filter_epochs")
    register<bit<32>>(BLOOM_WORDS) filter_epochs;

    Groups() group_by;
    Top() top;
    Bloom() bloom;
    Drain() drain;

#define TAKE_LANE(i, l) lanes.write(LANES * i + l, hdr.tuples[i].lane##l);
#define TAKE_TUPLE(i) \
        nulls.write(i, hdr.nulls.n##i); \
        keys.write(3 * i, hdr.tuples[i].key0); \
        keys.write(3 * i + 1, hdr.tuples[i].key1); \
        keys.write(3 * i + 2, hdr.tuples[i].key2); \
        EACH_LANE(TAKE_LANE, i)

    action take_tuples() {
        EACH_TUPLE(TAKE_TUPLE)
    }

    /* A stream begins: the contents of its state belong to another one. */
    action reset() {
        overflows.write(meta.stream, 0);
        kept_rows.write(meta.stream, 0);
    }

    apply {
        if (hdr.query.opcode == OPCODE_OPEN) {
            reset();
        } else if (hdr.groups[0].isValid()) {
            drain.apply(hdr, meta, groups, slot_epochs, slot_keys, slot_rows, lane_rows, exponents,
                        mantissas, overflows);
        } else if (hdr.query.count != 0) {
            take_tuples();
            if (meta.operator == OPERATOR_GROUP) {
                group_by.apply(hdr, meta, scratch, keys, lanes, nulls, slot_epochs, slot_keys, slot_rows, lane_rows,
                               exponents, mantissas, overflows);
            } else if (meta.operator == OPERATOR_TOP) {
                top.apply(hdr, meta, lanes, kept, kept_rows, thresholds, threshold_places);
            } else {
                bloom.apply(hdr, meta, scratch, keys, filter_words, filter_epochs);
            }
        }
    }
}
