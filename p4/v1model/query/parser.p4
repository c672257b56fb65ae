/*
 * Ethernet / IPv4 / UDP / query. Tuples are extracted by their count; a packet that has fewer raises parser_error,
 * and one that has more is refused by its length in ingress.
 */
parser QueryParser(packet_in packet,
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
            (SERVICE_UDP_PORT, UDP_LENGTH_OF_HEADER..0xFFFF): parse_query;
            default: accept;
        }
    }

    state parse_query {
        packet.extract(hdr.query);
        meta.left = hdr.query.count;
        transition select(hdr.query.magic, hdr.query.version, hdr.query.opcode, hdr.query.count, hdr.udp.length_) {
            (MAGIC, VERSION, OPCODE_ROWS, 0, UDP_LENGTH_OF_NO_ROWS): parse_nulls;
            (MAGIC, VERSION, OPCODE_ROWS, 1 .. TUPLES, _): parse_nulls;
            (MAGIC, VERSION, OPCODE_DRAIN, GROUPS_PER_PACKET, UDP_LENGTH_OF_GROUPS): parse_groups;
            default: accept;
        }
    }

    state parse_nulls {
        packet.extract(hdr.nulls);
        transition select(meta.left) {
            0: accept;
            default: parse_tuples;
        }
    }

    state parse_tuples {
        packet.extract(hdr.tuples.next);
        meta.left = meta.left - 1;
        transition select(meta.left) {
            0: accept;
            default: parse_tuples;
        }
    }

    state parse_groups {
        packet.extract(hdr.groups.next);
        meta.left = meta.left - 1;
        transition select(meta.left) {
            0: accept;
            default: parse_groups;
        }
    }
}
