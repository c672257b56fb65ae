/*
 * Who may contribute, to which job and in which slots. The key is everything that identifies the sender, as in the v1model
 * program; of the numeric profile only the format can be chosen (docs/tofino.md).
 */
control Membership(inout ingress_headers_t hdr,
                   inout ingress_meta_t meta,
                   in ingress_intrinsic_metadata_t ig_intr_md) {
    @name(".fpisa.join")
    action join(worker_bitmap_t bitmap,
                worker_bitmap_t all,
                bit<16> group,
                slot_t slot_base,
                slot_t slots,
                bit<32> epoch,
                bit<8> format) {
        meta.is_member = 1;
        meta.member = bitmap;
        meta.members = all;
        meta.group = group;
        meta.slot_base = slot_base;
        meta.slots = slots;
        meta.epoch = epoch;
        meta.format = format;
    }
    @name(".fpisa.not_member")
    action not_member() {
    }

    @name(".fpisa.member")
    table member {
        key = {
            ig_intr_md.ingress_port: exact @name("ingress_port");
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
        member.apply();
    }
}
