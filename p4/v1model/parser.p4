/*
 * Ethernet / IPv4 / UDP / fpisa. Values are extracted only when the UDP length says that a whole packet of
 * this build is present; anything else stays payload, so that ordinary traffic passes unchanged and ingress
 * can name the error. A truncated header raises parser_error, which ingress counts.
 */
parser FpisaParser(packet_in packet,
                   out headers_t hdr,
                   inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
#define PARSE_SERVICE parse_fpisa
#include "network_states.p4"

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
