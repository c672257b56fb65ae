/*
 * Ethernet / IPv4 / UDP / query. Tuples are extracted by their count; a packet that has fewer raises parser_error,
 * and one that has more is refused by its length in ingress.
 */
parser QueryParser(packet_in packet,
                   out headers_t hdr,
                   inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
#define PARSE_SERVICE parse_query
#include "../network_states.p4"

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
