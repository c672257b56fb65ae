/*
 * The aggregation service: every check on what a worker sends, in the order of the drop reasons, as one table, so that it takes one stage;
 * then slot, arithmetic and answer. A packet that fails a check has touched no register.
 */
control Admission(inout ingress_headers_t hdr,
                  inout ingress_meta_t meta,
                  in ingress_intrinsic_metadata_t ig_intr_md,
                  in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                  inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Hash<set_number_t>(HashAlgorithm_t.IDENTITY) number;
    Hash<set_number_t>(HashAlgorithm_t.IDENTITY) same_number;

    /* Step 1 of docs/protocol.md's cases; here because it needs no stage of its own. */
    Register<round_t, set_number_t>(SETS) rounds;
    RegisterAction<round_t, set_number_t, bit<32>>(rounds) enter = {
        void apply(inout round_t value, out bit<32> result) {
            result = this.predicate(value.epoch != hdr.fpisa.epoch, (int<32>) (value.chunk - hdr.fpisa.chunk) < 0);
            if (value.epoch != hdr.fpisa.epoch || (int<32>) (value.chunk - hdr.fpisa.chunk) < 0) {
                value.epoch = hdr.fpisa.epoch;
                value.chunk = hdr.fpisa.chunk;
            }
        }
    };
    RegisterAction<round_t, set_number_t, bit<32>>(rounds) read_epoch = {
        void apply(inout round_t value, out bit<32> result) {
            result = value.epoch;
        }
    };

    action locate() {
        meta.location = meta.slot_base + hdr.fpisa.slot;
        meta.room = meta.slots |-| hdr.fpisa.slot;
        meta.before_udp = hdr.ipv4.total_len - hdr.udp.length_;
        meta.excess = hdr.fpisa.count |-| VALUES_PER_PACKET;
        meta.others = meta.members & ~meta.member;
        meta.epoch = meta.epoch - hdr.fpisa.epoch;
        meta.first_event = hdr.fpisa.job << 4;
        meta.came_from = ig_intr_md.ingress_port;
    }
    /* A probe that comes round again brings both with it. */
    action locate_again() {
        meta.location = hdr.probe.absolute_slot;
        meta.came_from = hdr.probe.values_per_packet[8:0];
    }

    action drop(bit<8> reason) {
        meta.drop_reason = reason;
    }
    action drop_wrong_epoch() {
        meta.drop_reason = (bit<8>) DROP_WRONG_EPOCH;
        meta.counts = 1;
        meta.event = meta.first_event + (bit<16>) EVENT_WRONG_EPOCH;
    }
    action route() {
        meta.routed = 1;
    }
    /* The control plane names the port itself. */
    action send_packet_out() {
        ig_tm_md.ucast_egress_port = hdr.packet_out.egress_port;
    }
    /*
     * A probe of the control plane enters by the pipe of the CPU's port, and the slot may be of another: it is sent where the control
     * plane says, a recirculation port, and comes round as if it had been there before.
     */
    action send_probe() {
        ig_tm_md.ucast_egress_port = hdr.packet_out.egress_port;
        hdr.probe.values_per_packet[8:0] = ig_intr_md.ingress_port;
        hdr.probe.absolute_slot = hdr.fpisa.slot;
    }
    action contribute() {
        meta.service = SERVICE_CONTRIBUTE;
        meta.round = enter.execute(number.get({meta.location[14:0], hdr.fpisa.set[0:0]}));
        meta.set = same_number.get({meta.location[14:0], hdr.fpisa.set[0:0]});
    }
    action probe() {
        meta.service = SERVICE_PROBE;
        hdr.probe1.epoch = read_epoch.execute(number.get({meta.location[14:0], hdr.fpisa.set[0:0]}));
        meta.set = same_number.get({meta.location[14:0], hdr.fpisa.set[0:0]});
    }

    @placement_priority(PRIORITY_OF_SLOTS)
    table admission {
        key = {
            ig_prsr_md.parser_err: ternary @name("parser_error");
            meta.kind: ternary @name("kind");
            meta.bad_checksum: ternary @name("bad_checksum");
            meta.local: ternary @name("local");
            meta.from_cpu: ternary @name("from_cpu");
            meta.is_member: ternary @name("is_member");
            meta.epoch: ternary @name("epochs_apart");
            meta.room: ternary @name("room");
            meta.before_udp: ternary @name("before_udp");
            hdr.fpisa.set: ternary @name("set");
            meta.excess: ternary @name("excess");
        }
        actions = {
            drop;
            drop_wrong_epoch;
            route;
            send_packet_out;
            send_probe;
            contribute;
            probe;
        }
        const entries = {
            (0, KIND_MALFORMED, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_MALFORMED);
            (0, KIND_PROBE_AGAIN, _, _, _, _, _, _, _, _, _): probe();
            (0, KIND_PROBE, true, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_CHECKSUM);
            (0, KIND_PROBE, _, _, 1, _, _, _, _, _, _): send_probe();
            (0, KIND_ORDINARY, _, _, 1, _, _, _, _, _, _): send_packet_out();
            (0, KIND_CONTRIBUTION, _, _, 1, _, _, _, _, _, _): send_packet_out();
            (0, KIND_BAD_VERSION, _, _, 1, _, _, _, _, _, _): send_packet_out();
            (0, KIND_BAD_OPCODE, _, _, 1, _, _, _, _, _, _): send_packet_out();
            (0, KIND_BAD_LENGTH, _, _, 1, _, _, _, _, _, _): send_packet_out();
            (0, KIND_NOT_IPV4, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_NOT_IPV4);
            (0, _, true, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_CHECKSUM);
            (0, _, _, 0, _, _, _, _, _, _, _): route();
            (0, KIND_ORDINARY, _, _, _, _, _, _, _, _, _): route();
            (0, KIND_BAD_VERSION, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_VERSION);
            (0, KIND_BAD_OPCODE, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_OPCODE);
            (0, KIND_BAD_LENGTH, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_LENGTH);
            (0, _, _, _, _, 0, _, _, IPV4_BYTES, _, _): drop((bit<8>) DROP_NOT_MEMBER);
            (0, _, _, _, _, _, 0, 0, IPV4_BYTES, _, _): drop((bit<8>) DROP_BAD_SLOT);
            (0, KIND_CONTRIBUTION, _, _, _, _, 0, _, IPV4_BYTES, 0 &&& 0xFE, 0): contribute();
            (0, KIND_PROBE, _, _, _, _, 0, _, IPV4_BYTES, 0 &&& 0xFE, _): probe();
            (0, KIND_CONTRIBUTION, _, _, _, _, 0, _, IPV4_BYTES, 0 &&& 0xFE, _): drop((bit<8>) DROP_BAD_COUNT);
            (0, _, _, _, _, _, 0, _, IPV4_BYTES, _, _): drop((bit<8>) DROP_BAD_SLOT);
            (0, _, _, _, _, _, _, _, IPV4_BYTES, _, _): drop_wrong_epoch();
            (0, _, _, _, _, _, _, _, _, _, _): drop((bit<8>) DROP_BAD_LENGTH);
        }
        const default_action = drop((bit<8>) DROP_MALFORMED);
        size = 24;
    }

    apply {
        if (meta.kind == KIND_PROBE_AGAIN) {
            locate_again();
        } else {
            locate();
        }
        admission.apply();
    }
}
