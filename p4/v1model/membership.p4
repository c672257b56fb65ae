/*
 * Who may contribute, to which job, in which slots and with which arithmetic. The key is everything that
 * identifies the sender, so that a packet from a stranger's address or port never reaches a slot.
 */
control Membership(inout headers_t hdr,
                   inout meta_t meta,
                   in standard_metadata_t standard_metadata,
                   out bool is_member) {
    @name(".fpisa.join")
    action join(worker_bitmap_t bitmap,
                worker_bitmap_t all,
                bit<16> group,
                slot_t slot_base,
                slot_t slots,
                bit<32> epoch,
                bit<8> mode,
                bit<8> format,
                bit<8> guard,
                bit<8> rounding,
                bit<8> left_shift_limit,
                bit<8> alignment) {
        meta.member = bitmap;
        meta.members = all;
        meta.group = group;
        meta.slot_base = slot_base;
        meta.slots = slots;
        meta.epoch = epoch;
        meta.mode = mode;
        meta.format = format;
        meta.guard = guard;
        meta.rounding = rounding;
        meta.left_shift_limit = (exponent_t) left_shift_limit;
        if (alignment == ALIGNMENT_NEAREST_EVEN) {
            meta.round_above = 0x80000000;
            meta.longest_shift = 31;
        } else {
            meta.round_above = 0xFFFFFFFF;
            meta.longest_shift = 0xFFFF;
        }
        meta.scale_base = SCALE_BIAS + 8 - (bit<32>) guard;
        meta.events = (bit<32>) hdr.fpisa.job * EVENTS_PER_JOB;
        meta.overwrites = (bit<32>) hdr.fpisa.job * EVENTS_PER_JOB + EVENT_OVERWRITE;
        meta.overflows = (bit<32>) hdr.fpisa.job * EVENTS_PER_JOB + EVENT_OVERFLOW;
    }
    @name(".fpisa.not_member")
    action not_member() {
    }

    @name(".fpisa.member")
    table member {
        key = {
            standard_metadata.ingress_port: exact @name("ingress_port");
            hdr.ipv4.src_addr: exact @name("src_addr");
            hdr.udp.src_port: exact @name("src_port");
            hdr.fpisa.job: exact @name("job");
            hdr.fpisa.worker: exact @name("worker");
        }
        actions = {
            join;
            @defaultonly not_member;
        }
        const default_action = not_member();
        size = MEMBERS;
    }

    apply {
        is_member = member.apply().hit;
    }
}
