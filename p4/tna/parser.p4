/*
 * Ethernet / IPv4 / UDP / fpisa. Checks done here cost no stage: `meta.kind` records the result, and ingress
 * turns it into a counted reason.
 *
 * IPv4 options are not parsed: a Tofino has no container for them. Such packets count as MALFORMED.
 */
parser FpisaIngressParser(packet_in packet,
                          out ingress_headers_t hdr,
                          out ingress_meta_t meta,
                          out ingress_intrinsic_metadata_t ig_intr_md) {
    Checksum() ipv4_checksum;

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        meta.kind = KIND_ORDINARY;
        meta.from_cpu = 0;
        meta.to_cpu = 0;
        meta.little_endian = 0;
        meta.bad_checksum = false;
        meta.local = 0;
        meta.is_member = 0;
        meta.service = SERVICE_NONE;
        meta.step = STEP_NONE;
        meta.mantissa = MANTISSA_IDLE;
        meta.drop_reason = 0;
        meta.counts = 0;
        meta.completes = 0;
        meta.reflects = 0;
        meta.routed = 0;
        meta.format = 0;
        hdr.bridge.setValid();
        hdr.bridge.egress = EGRESS_PASSES;
        transition select(ig_intr_md.ingress_port) {
            (bit<9>) CPU_LOCAL_PORT &&& 0x7F: parse_packet_out;
            (bit<9>) RECIRCULATION_LOCAL_PORT &&& 0x7F: parse_probe_again;
            default: parse_ethernet;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        packet.extract(hdr.ethernet);
        meta.from_cpu = 1;
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            default: accept;
        }
    }

    /* Only this program's own probes recirculate, so there is nothing to check. */
    state parse_probe_again {
        packet.extract(hdr.ethernet);
        packet.extract(hdr.ipv4);
        packet.extract(hdr.udp);
        packet.extract(hdr.fpisa);
        packet.extract(hdr.probe);
        packet.extract(hdr.probe0);
        packet.extract(hdr.probe1);
        meta.kind = KIND_PROBE_AGAIN;
        transition accept;
    }

    state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            default: not_ipv4;
        }
    }

    state not_ipv4 {
        meta.kind = KIND_NOT_IPV4;
        transition accept;
    }

    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        ipv4_checksum.add(hdr.ipv4);
        meta.bad_checksum = ipv4_checksum.verify();
        transition select(hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.frag_offset, hdr.ipv4.flags[0:0], hdr.ipv4.protocol) {
            (4, 5, 0, 0, PROTOCOL_UDP): parse_udp;
            (4, 5, _, _, _): accept;
            default: malformed;
        }
    }

    state malformed {
        meta.kind = KIND_MALFORMED;
        transition accept;
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition select(hdr.udp.dst_port, hdr.udp.length_) {
            (SERVICE_UDP_PORT, UDP_LENGTH_OF_VALUES): parse_fpisa_before_values;
            (SERVICE_UDP_PORT, UDP_LENGTH_OF_PROBE): parse_fpisa_before_probe;
            (SERVICE_UDP_PORT, UDP_LENGTH_OF_HEADER .. 0xFFFF): parse_fpisa;
            (SERVICE_UDP_PORT, _): bad_length;
            default: accept;
        }
    }

    /* The length is wrong: other errors take precedence. */
    state parse_fpisa {
        packet.extract(hdr.fpisa);
        transition select(hdr.fpisa.magic, hdr.fpisa.version, hdr.fpisa.opcode) {
            (MAGIC, VERSION, OPCODE_CONTRIBUTE): bad_length;
            (MAGIC, VERSION, OPCODE_PROBE): bad_length;
            (MAGIC, VERSION, _): bad_opcode;
            default: bad_version;
        }
    }

    state parse_fpisa_before_values {
        packet.extract(hdr.fpisa);
        transition select(hdr.fpisa.magic, hdr.fpisa.version, hdr.fpisa.opcode) {
            (MAGIC, VERSION, OPCODE_CONTRIBUTE): contribution;
            (MAGIC, VERSION, OPCODE_PROBE): bad_length;
            (MAGIC, VERSION, _): bad_opcode;
            default: bad_version;
        }
    }

    state parse_fpisa_before_probe {
        packet.extract(hdr.fpisa);
        transition select(hdr.fpisa.magic, hdr.fpisa.version, hdr.fpisa.opcode) {
            (MAGIC, VERSION, OPCODE_PROBE): parse_probe;
            (MAGIC, VERSION, OPCODE_CONTRIBUTE): bad_length;
            (MAGIC, VERSION, _): bad_opcode;
            default: bad_version;
        }
    }

    state bad_version {
        meta.kind = KIND_BAD_VERSION;
        transition accept;
    }
    state bad_opcode {
        meta.kind = KIND_BAD_OPCODE;
        transition accept;
    }
    state bad_length {
        meta.kind = KIND_BAD_LENGTH;
        transition accept;
    }

    state contribution {
        meta.kind = KIND_CONTRIBUTION;
        transition select(hdr.fpisa.flags) {
            FLAG_NETWORK_ORDER &&& FLAG_NETWORK_ORDER: parse_values_in_network_order;
            default: parse_little_endian_values;
        }
    }
    /* The half of each value that holds sign and exponent goes into a container of 16 bits as well. */
#define UPPER_FIRST(i) hdr.exponents.e##i = hdr.values.v##i[31:16];
#define UPPER_LAST(i) hdr.exponents.e##i = hdr.values.v##i[15:0];
    state parse_values_in_network_order {
        packet.extract(hdr.values);
        EACH_VALUE(UPPER_FIRST)
        transition accept;
    }
    state parse_little_endian_values {
        packet.extract(hdr.values);
        EACH_VALUE(UPPER_LAST)
        meta.little_endian = 1;
        transition accept;
    }

    /* Both record the progress of a recirculating probe (probes.p4): a sender must not set them. */
    state parse_probe {
        transition select(hdr.fpisa.set, hdr.fpisa.reserved) {
            (0, 0): probe;
            default: bad_opcode;
        }
    }
    state probe {
        packet.extract(hdr.probe);
        packet.extract(hdr.probe0);
        packet.extract(hdr.probe1);
        meta.kind = KIND_PROBE;
        transition accept;
    }
}

parser FpisaEgressParser(packet_in packet,
                         out egress_headers_t hdr,
                         out egress_meta_t meta,
                         out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
        packet.extract(meta.bridge);
        transition select(meta.bridge.egress) {
            EGRESS_PASSES: accept;
            EGRESS_READS_FLOATS: parse_scales;
            default: parse_network;
        }
    }

    /*
     * Exponents arrive as 16 bits and are extracted as the upper halves of words, each with what follows it: an ALU cannot move
     * bits between containers of different sizes.
     */
#define TAKE_SCALE(i) meta.s##i = packet.lookahead<bit<32>>(); packet.advance(16);
    state parse_scales {
        EACH_VALUE(TAKE_SCALE)
        transition parse_network;
    }

    /* Ingress has checked everything. */
    state parse_network {
        packet.extract(hdr.ethernet);
        packet.extract(hdr.ipv4);
        packet.extract(hdr.udp);
        packet.extract(hdr.fpisa);
        packet.extract(hdr.values);
        transition accept;
    }
}
