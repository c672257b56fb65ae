// Asks the controller about flows that it does not know; what the controller sends goes to the port that it names.
#include "common.p4"
const port_t CPU_PORT = 510;
@controller_header("packet_in") header packet_in_header_t { port_t ingress_port; bit<7> pad; bit<8> reason; }
@controller_header("packet_out") header packet_out_header_t { port_t egress_port; bit<7> pad; }
struct metadata {}
struct headers { packet_in_header_t packet_in; packet_out_header_t packet_out; ethernet_t ethernet; ipv4_t ipv4; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start { transition select(std.ingress_port) { CPU_PORT: parse_packet_out; default: parse_ethernet; } }
    state parse_packet_out { packet.extract(hdr.packet_out); transition parse_ethernet; }
    state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_IPV4: parse_ipv4; default: accept; }
    }
    state parse_ipv4 { packet.extract(hdr.ipv4); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    direct_counter(CounterType.packets_and_bytes) flow_counter;
    action flow_unknown() {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = std.ingress_port;
        hdr.packet_in.pad = 0;
        hdr.packet_in.reason = 1;
        std.egress_spec = CPU_PORT;
    }
    action cached_action(port_t port, bit<1> decrement_ttl, bit<6> new_dscp) {
        std.egress_spec = port;
        if (decrement_ttl == 1) hdr.ipv4.ttl = hdr.ipv4.ttl |-| 1;
        hdr.ipv4.dscp = new_dscp;
    }
    action drop_packet() { mark_to_drop(std); }
    table flow_cache {
        key = { hdr.ipv4.protocol: exact; hdr.ipv4.srcAddr: exact; hdr.ipv4.dstAddr: exact; }
        actions = { cached_action; drop_packet; @defaultonly flow_unknown; }
        size = 65536;
        default_action = flow_unknown();
        counters = flow_counter;
        support_timeout = true;
    }
    apply {
        if (hdr.packet_out.isValid()) {
            std.egress_spec = hdr.packet_out.egress_port;
            hdr.packet_out.setInvalid();
        } else if (hdr.ipv4.isValid()) flow_cache.apply();
        else drop_packet();
    }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.packet_in); packet.emit(hdr.ethernet); packet.emit(hdr.ipv4);)
SWITCH
