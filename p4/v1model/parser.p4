/*
 * Ethernet / IPv4 / UDP / fpisa. Values are extracted only when the UDP length says that a whole packet of
 * this build is there; anything else stays payload, so that ordinary traffic passes unharmed and ingress
 * can name what is wrong. A header that is cut short raises parser_error, which ingress counts.
 */
parser FpisaParser(packet_in packet,
                   out headers_t hdr,
                   inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
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

    /* A fragment has no UDP header to look at, or not all of its payload. */
    state parse_ipv4_payload {
        transition select(hdr.ipv4.protocol, hdr.ipv4.frag_offset, hdr.ipv4.flags[0:0]) {
            (PROTOCOL_UDP, 0, 0): parse_udp;
            default: accept;
        }
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition select(hdr.udp.dst_port, hdr.udp.length_) {
            (SERVICE_UDP_PORT, UDP_LENGTH_OF_HEADER..0xFFFF): parse_fpisa;
            default: accept;
        }
    }

    state parse_fpisa {
        packet.extract(hdr.fpisa);
        transition select(hdr.fpisa.magic, hdr.fpisa.version, hdr.fpisa.opcode, hdr.udp.length_) {
            (MAGIC, VERSION, OPCODE_CONTRIBUTE, UDP_LENGTH_OF_VALUES): parse_values;
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_PROBE): parse_probe;
            default: accept;
        }
    }

    state parse_values {
        packet.extract(hdr.values);
        transition accept;
    }

    state parse_probe {
        packet.extract(hdr.probe);
        transition accept;
    }
}
