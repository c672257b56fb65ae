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
#ifdef VALUES_IN_STEPS
            (MAGIC, VERSION, OPCODE_CONTRIBUTE, UDP_LENGTH_OF_256): parse_values;
            (MAGIC, VERSION, OPCODE_CONTRIBUTE, UDP_LENGTH_OF_1024): parse_values;
#if VALUES_PER_PACKET == 2048
            (MAGIC, VERSION, OPCODE_CONTRIBUTE, UDP_LENGTH_OF_2048): parse_values;
#endif
#endif
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_PROBE): parse_probe;
#ifdef VALUES_IN_STEPS
            /* As long as values would be: zeros stay payload. */
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_VALUES): parse_probe;
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_256): parse_probe;
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_1024): parse_probe;
#if VALUES_PER_PACKET == 2048
            (MAGIC, VERSION, OPCODE_PROBE, UDP_LENGTH_OF_2048): parse_probe;
#endif
#endif
            default: accept;
        }
    }

#ifdef VALUES_IN_STEPS
    state parse_values {
        packet.extract(hdr.values);
        transition select(hdr.udp.length_) {
            UDP_LENGTH_OF_VALUES: accept;
            default: parse_values_to_256;
        }
    }

    state parse_values_to_256 {
        packet.extract(hdr.values_to_256);
        transition select(hdr.udp.length_) {
            UDP_LENGTH_OF_256: accept;
            default: parse_values_to_1024;
        }
    }

#if VALUES_PER_PACKET == 2048
    state parse_values_to_1024 {
        packet.extract(hdr.values_to_1024);
        transition select(hdr.udp.length_) {
            UDP_LENGTH_OF_1024: accept;
            default: parse_values_to_2048;
        }
    }

    state parse_values_to_2048 {
        packet.extract(hdr.values_to_2048);
        transition accept;
    }
#else
    state parse_values_to_1024 {
        packet.extract(hdr.values_to_1024);
        transition accept;
    }
#endif
#else
    state parse_values {
        packet.extract(hdr.values);
        transition accept;
    }
#endif

    state parse_probe {
        packet.extract(hdr.probe);
        transition accept;
    }
}
