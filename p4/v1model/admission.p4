/*
 * Every check on what a worker sends, in the order of the drop reasons. A packet that fails one has touched no
 * register; one that passes has its set located.
 */
control Admission(inout headers_t hdr,
                  inout meta_t meta,
                  inout standard_metadata_t standard_metadata,
                  counter drops,
                  counter events) {
    Membership() membership;
    bool is_member;
#ifdef VALUES_IN_STEPS
    /* UDP length of the shortest packet that holds as many values as the header announces. */
    bit<16> shortest;
#endif

    action drop(in bit<32> reason) {
        mark_to_drop(standard_metadata);
        drops.count(reason);
    }

    action drop_wrong_epoch() {
        drop(DROP_WRONG_EPOCH);
        events.count(meta.events + EVENT_WRONG_EPOCH);
    }

    action locate_set() {
        meta.admitted = 1;
        meta.set = ((bit<32>) (meta.slot_base + hdr.fpisa.slot) << 1)
            + (bit<32>) hdr.fpisa.set;
    }

    /* A probe reports both sets of its slot, so it starts at set 0. */
    action locate_slot() {
        meta.admitted = 1;
        meta.set = (bit<32>) (meta.slot_base + hdr.fpisa.slot) << 1;
    }

    /* From the control plane: the slot is absolute, and every slot may be looked at. */
    action admit_controller() {
        meta.slot_base = 0;
        meta.slots = POOL_SLOTS;
        meta.epoch = hdr.fpisa.epoch;
    }

#ifdef VALUES_IN_STEPS
    action measure(bit<16> length) {
        shortest = length;
    }
#endif

    apply {
#ifdef VALUES_IN_STEPS
        /* All contributions to a round announce the same count, so all of them have the same length. */
        if (hdr.fpisa.count <= FIRST_VALUES) {
            measure(UDP_LENGTH_OF_VALUES);
        } else if (hdr.fpisa.count <= 256) {
            measure(UDP_LENGTH_OF_256);
#if VALUES_PER_PACKET == 2048
        } else if (hdr.fpisa.count > 1024) {
            measure(UDP_LENGTH_OF_2048);
#endif
        } else {
            measure(UDP_LENGTH_OF_1024);
        }
        if (hdr.probe.isValid()) {
            measure(hdr.udp.length_);
        }
#endif
        if (hdr.fpisa.opcode != OPCODE_CONTRIBUTE && hdr.fpisa.opcode != OPCODE_PROBE) {
            drop(DROP_BAD_OPCODE);
        } else if ((!hdr.values.isValid() && !hdr.probe.isValid())
#ifdef VALUES_IN_STEPS
                   || hdr.udp.length_ != shortest
#endif
                   || meta.ipv4_payload != hdr.udp.length_) {
            drop(DROP_BAD_LENGTH);
        } else {
            is_member = true;
            if (standard_metadata.ingress_port == CPU_PORT && hdr.probe.isValid()) {
                admit_controller();
            } else {
                membership.apply(hdr, meta, standard_metadata, is_member);
            }
            if (!is_member) {
                drop(DROP_NOT_MEMBER);
            } else if (hdr.fpisa.epoch != meta.epoch) {
                drop_wrong_epoch();
            } else if (hdr.fpisa.slot >= meta.slots || hdr.fpisa.set > 1) {
                drop(DROP_BAD_SLOT);
            } else if (hdr.fpisa.count > VALUES_PER_PACKET) {
                drop(DROP_BAD_COUNT);
            } else if (hdr.probe.isValid()) {
                locate_slot();
            } else {
                locate_set();
            }
        }
    }
}
