/*
 * Makes each packet count once: a worker sends packet `sequence` in its own flow slot `sequence` mod S, at
 * most S at a time. The slot stores the newest sequence number and the verdict on its tuples, so a packet that
 * is repeated gets the same verdict as the first time, and reaches no operator again.
 *
 * simple_switch runs ingress on one thread, so reading here and writing a step later is atomic for a packet.
 */
control Flows(inout headers_t hdr, inout meta_t meta, register<bit<32>> masks) {
    @name(".fpisa_query.flow_epochs")
    register<bit<32>>(FLOW_SLOTS) epochs;
    @name(".fpisa_query.flow_sequences")
    register<bit<32>>(FLOW_SLOTS) sequences;

    action load() {
        meta.flow = meta.flow_base + (bit<32>) hdr.query.slot;
        epochs.read(meta.flow_epoch, meta.flow);
        sequences.read(meta.flow_sequence, meta.flow);
        masks.read(meta.mask, meta.flow);
        /* 2^count - 1, without a shift by 32. */
        meta.whole_mask = ((32w1 << (bit<8>) (hdr.query.count - 1)) << 1) - 1;
    }

    action begin() {
        meta.is_new = 1;
        meta.runs = 1;
        meta.mask = 0;
        epochs.write(meta.flow, hdr.query.epoch);
        sequences.write(meta.flow, hdr.query.sequence);
    }

    apply {
        load();
        if (meta.flow_epoch != hdr.query.epoch || (int<32>) (hdr.query.sequence - meta.flow_sequence) > 0) {
            begin();
        } else if (hdr.query.sequence != meta.flow_sequence) {
            meta.is_stale = 1;
        }
    }
}
