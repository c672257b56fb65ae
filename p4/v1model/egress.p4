/* A multicast result is addressed to each receiver here; everything else leaves as ingress produced it. */
control FpisaEgress(inout headers_t hdr,
                    inout meta_t meta,
                    inout standard_metadata_t standard_metadata) {
    @name(".fpisa.egress_drops")
    counter(DROP_REASONS, CounterType.packets) drops;

    /* Replicas are numbered from 1, because 0 is what a unicast packet has. */
    @name(".fpisa.address")
    action address(mac_addr_t dst_mac, ipv4_addr_t dst_addr, bit<16> dst_port) {
        hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.src_addr = hdr.ipv4.dst_addr;
        hdr.ipv4.dst_addr = dst_addr;
        hdr.udp.src_port = hdr.udp.dst_port;
        hdr.udp.dst_port = dst_port;
        hdr.fpisa.worker = standard_metadata.egress_rid - 1;
    }

    @name(".fpisa.no_receiver")
    action no_receiver() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_NO_RECEIVER);
    }

    @name(".fpisa.receiver")
    table receiver {
        key = {
            hdr.fpisa.job: exact @name("job");
            standard_metadata.egress_rid: exact @name("replica");
            standard_metadata.egress_port: exact @name("egress_port");
        }
        actions = {
            address;
            @defaultonly no_receiver;
        }
        const default_action = no_receiver();
        size = MEMBERS;
    }

#ifdef FAULT_INJECTION
    Faults() faults;
#endif

    apply {
        if (standard_metadata.egress_rid != 0) {
            receiver.apply();
        }
#ifdef FAULT_INJECTION
        bool lost;
        faults.apply(standard_metadata.egress_port, standard_metadata, drops, lost);
#endif
    }
}
