/*
 * Top-N: the N greatest keys seen so far are kept, and a tuple below the least of them cannot belong to the answer.
 * It is dropped; ties are not. So at most about N (1 + ln(rows / N)) tuples of a shuffled stream are forwarded,
 * and never one too few, in whatever order they arrive.
 */
control Top(inout headers_t hdr,
            inout meta_t meta,
            register<bit<64>> lanes,
            register<bit<64>> kept,
            register<bit<32>> kept_rows,
            register<bit<64>> thresholds,
            register<bit<32>> threshold_places) {
    action find_least() {
        kept.read(meta.least, meta.state_base);
        meta.least_at = meta.state_base;
        for (bit<32> n = 1; n < meta.state_mask; n = n + 1) {
            kept.read(meta.stored_bits, meta.state_base + n);
            if (meta.stored_bits < meta.least) {
                meta.least = meta.stored_bits;
                meta.least_at = meta.state_base + n;
            }
        }
    }

    action compare_tuples() {
        kept_rows.read(meta.filled, meta.stream);
        thresholds.read(meta.least, meta.stream);
        threshold_places.read(meta.least_at, meta.stream);
        for (bit<32> t = 0; t < (bit<32>) hdr.query.count; t = t + 1) {
            lanes.read(meta.word, t * LANES);
            if (meta.order == ORDER_F64) {
                order_f64(meta.word);
            } else if (meta.order == ORDER_I64) {
                order_i64(meta.word);
            }
            if (meta.filled < meta.state_mask) {
                kept.write(meta.state_base + meta.filled, meta.word);
                meta.filled = meta.filled + 1;
                if (meta.filled == meta.state_mask) {
                    find_least();
                }
            } else if (meta.word < meta.least) {
                meta.mask = meta.mask | (32w1 << (bit<8>) t);
            } else if (meta.word > meta.least) {
                kept.write(meta.least_at, meta.word);
                find_least();
            }
        }
        kept_rows.write(meta.stream, meta.filled);
        thresholds.write(meta.stream, meta.least);
        threshold_places.write(meta.stream, meta.least_at);
    }

    apply {
        compare_tuples();
    }
}
