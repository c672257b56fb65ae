/*
 * The protocol's state: which round each set of each slot holds, and who has contributed to it.
 *
 * A round is named by (epoch, chunk). `chunk` is a running index over the whole epoch, so it orders the
 * rounds of a set, and no delayed packet of an old round can be taken for one of a newer round. The first
 * contribution of a newer round overwrites: nothing is ever cleared by the control plane.
 *
 * simple_switch runs ingress on one thread, so reading here and writing a step later is atomic for a
 * packet. Egress has several threads: this must not move there.
 */
control Rounds(inout headers_t hdr,
               inout meta_t meta,
               inout standard_metadata_t standard_metadata,
               counter drops,
               counter events) {
    @name(".fpisa.slot_epochs")
    register<bit<32>>(POOL_SLOTS * SETS_PER_SLOT) epochs;
    @name(".fpisa.slot_chunks")
    register<bit<32>>(POOL_SLOTS * SETS_PER_SLOT) chunks;
    @name(".fpisa.slot_operations")
    register<bit<32>>(POOL_SLOTS * SETS_PER_SLOT) operations;
    @name(".fpisa.slot_signatures")
    register<bit<32>>(POOL_SLOTS * SETS_PER_SLOT) signatures;
    @name(".fpisa.slot_bitmaps")
    register<worker_bitmap_t>(POOL_SLOTS * SETS_PER_SLOT) bitmaps;
    @name(".fpisa.slot_contributions")
    register<bit<32>>(POOL_SLOTS * SETS_PER_SLOT) contributions;

    action load() {
        epochs.read(meta.set_epoch, meta.set);
        chunks.read(meta.set_chunk, meta.set);
        operations.read(meta.set_operation, meta.set);
        signatures.read(meta.set_signature, meta.set);
        bitmaps.read(meta.set_bitmap, meta.set);
        contributions.read(meta.set_contributions, meta.set);
    }

    action open_round() {
        meta.contributes = 1;
        meta.first = 1;
        meta.set_bitmap = meta.member;
        epochs.write(meta.set, hdr.fpisa.epoch);
        chunks.write(meta.set, hdr.fpisa.chunk);
        operations.write(meta.set, hdr.fpisa.operation);
        signatures.write(meta.set, hdr.fpisa.signature);
        bitmaps.write(meta.set, meta.member);
        contributions.write(meta.set, 1);
        events.count(meta.events + EVENT_CONTRIBUTION);
    }

    action join_round() {
        meta.contributes = 1;
        meta.set_bitmap = meta.set_bitmap | meta.member;
        bitmaps.write(meta.set, meta.set_bitmap);
        contributions.write(meta.set, meta.set_contributions + 1);
        events.count(meta.events + EVENT_CONTRIBUTION);
    }

    /* The round has this worker's values already; what becomes of the packet depends on the other workers. */
    action recognise_repetition() {
        meta.repeats = 1;
    }

    /* Workers disagree on what they reduce. Nothing is added; the sender learns of it at once. */
    action refuse() {
        meta.reflects = 1;
        hdr.fpisa.opcode = OPCODE_REFUSED;
        events.count(meta.events + EVENT_REFUSED);
    }

    action drop_stale() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_STALE);
        events.count(meta.events + EVENT_STALE);
    }

    action report() {
        hdr.probe.absolute_slot = (bit<16>) (meta.set >> 1);
        hdr.probe.values_per_packet = VALUES_PER_PACKET;
        epochs.read(hdr.probe.epoch0, meta.set);
        chunks.read(hdr.probe.chunk0, meta.set);
        operations.read(hdr.probe.operation0, meta.set);
        signatures.read(hdr.probe.signature0, meta.set);
        bitmaps.read(hdr.probe.bitmap0, meta.set);
        contributions.read(hdr.probe.contributions0, meta.set);
        epochs.read(hdr.probe.epoch1, meta.set + 1);
        chunks.read(hdr.probe.chunk1, meta.set + 1);
        operations.read(hdr.probe.operation1, meta.set + 1);
        signatures.read(hdr.probe.signature1, meta.set + 1);
        bitmaps.read(hdr.probe.bitmap1, meta.set + 1);
        contributions.read(hdr.probe.contributions1, meta.set + 1);
        hdr.fpisa.opcode = OPCODE_PROBE_REPLY;
        meta.reflects = 1;
    }

    apply {
        if (hdr.probe.isValid()) {
            report();
        } else {
            load();
            if (meta.set_epoch != hdr.fpisa.epoch
                || (int<32>) (hdr.fpisa.chunk - meta.set_chunk) > 0) {
                open_round();
            } else if (hdr.fpisa.chunk != meta.set_chunk) {
                drop_stale();
            } else if (meta.set_operation != hdr.fpisa.operation
                       || meta.set_signature != hdr.fpisa.signature) {
                refuse();
            } else if (meta.set_bitmap & meta.member == 0) {
                join_round();
            } else {
                recognise_repetition();
            }
        }
    }
}
