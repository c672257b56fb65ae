/*
 * Who may send to which stream, and what that stream does. The key is everything that identifies the sender, so
 * that a packet from a stranger's address or port never reaches a register.
 */
control Membership(inout headers_t hdr,
                   inout meta_t meta,
                   in standard_metadata_t standard_metadata,
                   out bool is_member) {
    @name(".fpisa_query.join")
    action join(bit<32> flow_base,
                bit<16> flow_slots,
                bit<32> epoch,
                bit<8> operator,
                bit<64> lane_ops,
                bit<8> order,
                bit<32> state_base,
                bit<32> state_mask,
                bit<8> having,
                bit<8> having_lane,
                bit<64> having_key) {
        meta.flow_base = flow_base;
        meta.flow_slots = flow_slots;
        meta.epoch = epoch;
        meta.operator = operator;
        meta.lane_ops = lane_ops;
        meta.order = order;
        meta.state_base = state_base;
        meta.state_mask = state_mask;
        meta.having = having;
        meta.having_lane = having_lane;
        meta.having_key = having_key;
        meta.stream = (bit<32>) hdr.query.stream;
        meta.events = (bit<32>) hdr.query.stream * EVENTS_PER_STREAM;
    }
    @name(".fpisa_query.not_member")
    action not_member() {
    }

    @name(".fpisa_query.member")
    table member {
        key = {
            standard_metadata.ingress_port: exact @name("ingress_port");
            hdr.ipv4.src_addr: exact @name("src_addr");
            hdr.udp.src_port: exact @name("src_port");
            hdr.query.stream: exact @name("stream");
            hdr.query.worker: exact @name("worker");
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
