/* What follows for the contribution, the round and the packet. */
control Progress(inout ingress_headers_t hdr,
                 inout ingress_meta_t meta,
                 inout ingress_intrinsic_metadata_for_tm_t ig_tm_md,
                 inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    action compare_bitmaps() {
        meta.seen = meta.before & meta.member;
        meta.absent = meta.others & ~meta.before;
    }

    action complete(bit<8> mantissa) {
        meta.mantissa = mantissa;
        meta.completes = 1;
        hdr.fpisa.opcode = OPCODE_RESULT;
        ig_tm_md.mcast_grp_a = meta.group;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_CONTRIBUTION;
    }
    /* The values stay in the registers; this is no drop, so no reason is counted. */
    action absorb(bit<8> mantissa) {
        meta.mantissa = mantissa;
        ig_dprsr_md.drop_ctl = 1;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_CONTRIBUTION;
    }
    /* The result was sent, and this worker did not get it. */
    action repeat_result() {
        meta.mantissa = MANTISSA_READ;
        meta.reflects = 1;
        hdr.fpisa.opcode = OPCODE_RESULT;
        hdr.fpisa.flags[2:2] = 1;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_REPEAT;
    }
    action drop_duplicate() {
        meta.drop_reason = (bit<8>) DROP_DUPLICATE;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_DUPLICATE;
    }

    @placement_priority(PRIORITY_OF_PROGRESS)
    table progress {
        key = {
            meta.step: ternary @name("step");
            meta.seen: ternary @name("seen");
            meta.absent: ternary @name("absent");
        }
        actions = {
            complete;
            absorb;
            repeat_result;
            drop_duplicate;
            @defaultonly NoAction;
        }
        const entries = {
            (STEP_OPEN, _, 0): complete(MANTISSA_OPEN);
            (STEP_OPEN, _, _): absorb(MANTISSA_OPEN);
            (STEP_JOIN, 0, 0): complete(MANTISSA_JOIN);
            (STEP_JOIN, 0, _): absorb(MANTISSA_JOIN);
            (STEP_JOIN, _, 0): repeat_result();
            (STEP_JOIN, _, _): drop_duplicate();
        }
        const default_action = NoAction();
        size = 6;
    }

    apply {
        compare_bitmaps();
        progress.apply();
    }
}
