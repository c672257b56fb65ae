control QueryIngress(inout headers_t hdr,
                     inout meta_t meta,
                     inout standard_metadata_t standard_metadata) {
    @name(".fpisa_query.drops")
    counter(DROP_REASONS, CounterType.packets) drops;
    @name(".fpisa_query.events")
    counter(MAX_STREAMS * EVENTS_PER_STREAM, CounterType.packets) events;

    Service() service;
    Routing() routing;

    action drop(in bit<32> reason) {
        mark_to_drop(standard_metadata);
        drops.count(reason);
    }

    /* The control plane specifies the port itself. */
    action send_packet_out() {
        standard_metadata.egress_spec = hdr.packet_out.egress_port;
    }

    @name(".fpisa_query.serve")
    action serve() {
    }

    @name(".fpisa_query.local")
    table local {
        key = {
            hdr.ipv4.dst_addr: exact @name("dst_addr");
        }
        actions = {
            serve;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = LOCAL_ADDRESSES;
    }

    apply {
        if (standard_metadata.parser_error != error.NoError) {
            drop(DROP_MALFORMED);
        } else if (hdr.packet_out.isValid()) {
            send_packet_out();
        } else if (!hdr.ipv4.isValid()) {
            drop(DROP_NOT_IPV4);
        } else if (standard_metadata.checksum_error == 1) {
            drop(DROP_BAD_CHECKSUM);
        } else if (local.apply().hit && hdr.udp.isValid() && hdr.udp.dst_port == SERVICE_UDP_PORT) {
            service.apply(hdr, meta, standard_metadata, drops, events);
        } else {
            routing.apply(hdr, standard_metadata, drops);
        }
        hdr.packet_out.setInvalid();
        if (standard_metadata.egress_spec == CPU_PORT) {
            hdr.packet_in.setValid();
            hdr.packet_in.ingress_port = standard_metadata.ingress_port;
            hdr.packet_in.pad = 0;
        }
    }
}
