/* A packet that is not for the aggregation service is ordinary IPv4 traffic, forwarded by longest prefix. */
control Routing(inout ingress_headers_t hdr,
                inout ingress_meta_t meta,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    @name(".fpisa.forward")
    action forward(port_t port, mac_addr_t src_mac, mac_addr_t dst_mac) {
        hdr.ethernet.src_addr = src_mac;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
        ig_tm_md.ucast_egress_port = port;
    }

    @name(".fpisa.no_route")
    action no_route() {
        meta.drop_reason = (bit<8>) DROP_NO_ROUTE;
    }

    action ttl_expired() {
        meta.drop_reason = (bit<8>) DROP_TTL_EXPIRED;
    }

    @name(".fpisa.ipv4")
    table ipv4 {
        key = {
            hdr.ipv4.dst_addr: lpm @name("dst_addr");
        }
        actions = {
            forward;
            @defaultonly no_route;
        }
        const default_action = no_route();
        size = ROUTES;
    }

    apply {
        if (hdr.ipv4.ttl <= IPV4_MIN_TTL) {
            ttl_expired();
        } else {
            ipv4.apply();
        }
    }
}
