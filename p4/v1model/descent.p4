/*
 * Hierarchy, downwards: the parent's answer for a round (its result, or that it refused this switch's
 * contribution) goes to all members here. It is accepted only from the parent's port, address and epoch.
 */
#ifndef VALUES_IN_STEPS
#define OR_LONGER
#elif VALUES_PER_PACKET == 2048
#define OR_LONGER \
    && hdr.udp.length_ != UDP_LENGTH_OF_256 && hdr.udp.length_ != UDP_LENGTH_OF_1024 \
    && hdr.udp.length_ != UDP_LENGTH_OF_2048
#else
#define OR_LONGER && hdr.udp.length_ != UDP_LENGTH_OF_256 && hdr.udp.length_ != UDP_LENGTH_OF_1024
#endif

control Descent(inout headers_t hdr,
                inout meta_t meta,
                inout standard_metadata_t standard_metadata,
                counter drops,
                counter events) {
    @name(".fpisa.descend")
    action descend(bit<16> group, bit<32> epoch) {
        meta.group = group;
        meta.epoch = epoch;
        meta.events = (bit<32>) hdr.fpisa.job * EVENTS_PER_JOB;
    }

    @name(".fpisa.from_parent")
    table from_parent {
        key = {
            standard_metadata.ingress_port: exact @name("ingress_port");
            hdr.ipv4.src_addr: exact @name("src_addr");
            hdr.fpisa.job: exact @name("job");
        }
        actions = {
            descend;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = PARENTS;
    }

    action drop(in bit<32> reason) {
        mark_to_drop(standard_metadata);
        drops.count(reason);
    }

    action drop_wrong_epoch() {
        drop(DROP_WRONG_EPOCH);
        events.count(meta.events + EVENT_WRONG_EPOCH);
    }

    action pass_down() {
        standard_metadata.mcast_grp = meta.group;
        hdr.udp.checksum = 0;
        events.count(meta.events + EVENT_DESCENT);
    }

    apply {
        if (!from_parent.apply().hit) {
            drop(DROP_BAD_OPCODE);
        } else if ((hdr.udp.length_ != UDP_LENGTH_OF_VALUES OR_LONGER) || meta.ipv4_payload != hdr.udp.length_) {
            drop(DROP_BAD_LENGTH);
        } else if (hdr.fpisa.epoch != meta.epoch) {
            drop_wrong_epoch();
        } else {
            pass_down();
        }
    }
}
