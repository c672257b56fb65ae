/* Sums are normalised here, and a multicast result is addressed to each receiver; everything else leaves as ingress produced it. */
control FpisaEgress(inout egress_headers_t hdr,
                    inout egress_meta_t meta,
                    in egress_intrinsic_metadata_t eg_intr_md,
                    in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
                    inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
                    inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    @name(".fpisa.egress_drops")
    Counter<bit<32>, bit<8>>(DROP_REASONS, CounterType_t.PACKETS) drops;

#define READ_OUT(i) ReadOut() read_out_##i;
    EACH_VALUE(READ_OUT)
#undef READ_OUT

    /* Replicas are numbered from 1, because 0 is what a unicast packet has. */
    @name(".fpisa.address")
    action address(mac_addr_t dst_mac, ipv4_addr_t dst_addr, bit<16> dst_port) {
        hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.src_addr = hdr.ipv4.dst_addr;
        hdr.ipv4.dst_addr = dst_addr;
        hdr.udp.src_port = hdr.udp.dst_port;
        hdr.udp.dst_port = dst_port;
        hdr.udp.checksum = 0;
        hdr.fpisa.worker = eg_intr_md.egress_rid - 1;
    }

    @name(".fpisa.no_receiver")
    action no_receiver() {
        eg_dprsr_md.drop_ctl = 1;
        drops.count((bit<8>) DROP_NO_RECEIVER);
    }

    @name(".fpisa.receiver")
    table receiver {
        key = {
            hdr.fpisa.job: exact @name("job");
            eg_intr_md.egress_rid: exact @name("replica");
            eg_intr_md.egress_port: exact @name("egress_port");
        }
        actions = {
            address;
            @defaultonly no_receiver;
        }
        const default_action = no_receiver();
        size = MEMBERS;
    }

#define ADD(i) ADD_FIELDS(hdr.values.v##i, meta.s##i)
    action add_fields() {
        EACH_VALUE(ADD)
    }
    action swap() {
        EACH_VALUE(SWAP_VALUE)
    }

    apply {
#define READ_OUT(i) read_out_##i.apply(hdr.values.v##i, meta.s##i, meta.bridge.egress);
        EACH_VALUE(READ_OUT)
#undef READ_OUT
        if (meta.bridge.egress == EGRESS_READS_FLOATS) {
            add_fields();
        }
        if (hdr.fpisa.isValid() && hdr.fpisa.flags[0:0] == 0) {
            swap();
        }
        if (eg_intr_md.egress_rid != 0) {
            receiver.apply();
        }
    }
}
