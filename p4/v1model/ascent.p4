/*
 * Hierarchy, upwards: where a job has a parent switch, the sum over this switch's members goes there as the
 * contribution of one worker. The parent's own slots make that reliable: when a member repeats its contribution
 * to a round that is complete here, this switch sends its own contribution again, and the parent answers
 * with the result if it has it. So no results of the parent are stored here.
 */
control Ascent(inout headers_t hdr,
               inout meta_t meta,
               inout standard_metadata_t standard_metadata,
               counter events) {
    @name(".fpisa.ascend")
    action ascend(port_t port, mac_addr_t dst_mac, ipv4_addr_t dst_addr, worker_t worker) {
        hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.src_addr = hdr.ipv4.dst_addr;
        hdr.ipv4.dst_addr = dst_addr;
        hdr.ipv4.ttl = IPV4_DEFAULT_TTL;
        hdr.udp.src_port = SERVICE_UDP_PORT;
        hdr.udp.dst_port = SERVICE_UDP_PORT;
        hdr.fpisa.opcode = OPCODE_CONTRIBUTE;
        hdr.fpisa.worker = worker;
        hdr.fpisa.flags = hdr.fpisa.flags & ~FLAG_REPEATED;
        standard_metadata.mcast_grp = 0;
        standard_metadata.egress_spec = port;
        meta.reflects = 0;
        events.count(meta.events + EVENT_ASCENT);
    }

    @name(".fpisa.parent")
    table parent {
        key = {
            hdr.fpisa.job: exact @name("job");
        }
        actions = {
            ascend;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = PARENTS;
    }

    apply {
        parent.apply();
    }
}
