/* A packet that is not for the aggregation service is ordinary IPv4 traffic, forwarded by longest prefix. */
control Routing(inout headers_t hdr,
                inout standard_metadata_t standard_metadata,
                counter drops) {
    @name(".fpisa.forward")
    action forward(port_t port, mac_addr_t src_mac, mac_addr_t dst_mac) {
        hdr.ethernet.src_addr = src_mac;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
        standard_metadata.egress_spec = port;
    }

    @name(".fpisa.no_route")
    action no_route() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_NO_ROUTE);
    }

    action ttl_expired() {
        mark_to_drop(standard_metadata);
        drops.count(DROP_TTL_EXPIRED);
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
