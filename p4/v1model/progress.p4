/* What follows for the contribution, the round and the packet, once `Rounds` has said which round it belongs to. */
control Progress(inout headers_t hdr,
                 inout meta_t meta,
                 inout standard_metadata_t standard_metadata,
                 counter drops,
                 counter events) {
    action complete() {
        meta.answers = 1;
        hdr.fpisa.opcode = OPCODE_RESULT;
        standard_metadata.mcast_grp = meta.group;
        events.count(meta.events + EVENT_RESULT);
    }

    /* The values stay in the registers; this is no drop, so no reason is counted. */
    action absorb() {
        mark_to_drop(standard_metadata);
    }

    /* The result was sent, and this worker did not get it. */
    action repeat_result() {
        meta.answers = 1;
        meta.reflects = 1;
        hdr.fpisa.opcode = OPCODE_RESULT;
        hdr.fpisa.flags = hdr.fpisa.flags | FLAG_REPEATED;
        events.count(meta.events + EVENT_REPEAT);
    }

    action drop_duplicate() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_DUPLICATE);
        events.count(meta.events + EVENT_DUPLICATE);
    }

    apply {
        if (meta.contributes == 1) {
            if (meta.set_bitmap == meta.members) {
                complete();
            } else {
                absorb();
            }
        } else if (meta.repeats == 1) {
            if (meta.set_bitmap == meta.members) {
                repeat_result();
            } else {
                drop_duplicate();
            }
        }
    }
}
