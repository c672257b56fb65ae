/*
 * Parser states down to UDP, for the body of a parser: a macro PARSE_SERVICE names the state that reads the service's own
 * header, and is undefined at the end of this file.
 */
state start {
    transition select(standard_metadata.ingress_port) {
        CPU_PORT: parse_packet_out;
        default: parse_ethernet;
    }
}

state parse_packet_out {
    packet.extract(hdr.packet_out);
    transition parse_ethernet;
}

state parse_ethernet {
    packet.extract(hdr.ethernet);
    transition select(hdr.ethernet.ether_type) {
        ETHERTYPE_IPV4: parse_ipv4;
        default: accept;
    }
}

state parse_ipv4 {
    packet.extract(hdr.ipv4);
    verify(hdr.ipv4.version == 4 && hdr.ipv4.ihl >= 5, error.ParserInvalidArgument);
    meta.ipv4_payload = hdr.ipv4.total_len - ((bit<16>) hdr.ipv4.ihl << 2);
    transition select(hdr.ipv4.ihl) {
        5: parse_ipv4_payload;
        default: parse_ipv4_options;
    }
}

state parse_ipv4_options {
    packet.extract(hdr.ipv4_options, ((bit<32>) hdr.ipv4.ihl - 5) << 5);
    transition parse_ipv4_payload;
}

/* A fragment has no UDP header, or only a part of the payload. */
state parse_ipv4_payload {
    transition select(hdr.ipv4.protocol, hdr.ipv4.frag_offset, hdr.ipv4.flags[0:0]) {
        (PROTOCOL_UDP, 0, 0): parse_udp;
        default: accept;
    }
}

state parse_udp {
    packet.extract(hdr.udp);
    transition select(hdr.udp.dst_port, hdr.udp.length_) {
        (SERVICE_UDP_PORT, UDP_LENGTH_OF_HEADER..0xFFFF): PARSE_SERVICE;
        default: accept;
    }
}
#undef PARSE_SERVICE
