// The sender lists the ports of a packet's path; each switch takes the first from the list.
#include "common.p4"
const bit<16> TYPE_SRCROUTING = 0x1234;
header srcRoute_t { bit<1> bos; bit<15> port; }
struct metadata {}
struct headers { ethernet_t ethernet; srcRoute_t[9] srcRoutes; ipv4_t ipv4; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_SRCROUTING: parse_srcRouting; default: accept; }
    }
    state parse_srcRouting {
        packet.extract(hdr.srcRoutes.next);
        transition select(hdr.srcRoutes.last.bos) { 1: parse_ipv4; default: parse_srcRouting; }
    }
    state parse_ipv4 { packet.extract(hdr.ipv4); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action drop() { mark_to_drop(std); }
    action srcRoute_nhop() {
        std.egress_spec = (port_t)hdr.srcRoutes[0].port;
        hdr.srcRoutes.pop_front(1);
    }
    action srcRoute_finish() { hdr.ethernet.etherType = TYPE_IPV4; }
    action update_ttl() { hdr.ipv4.ttl = hdr.ipv4.ttl - 1; }
    apply {
        if (hdr.srcRoutes[0].isValid()) {
            if (hdr.srcRoutes[0].bos == 1) srcRoute_finish();
            srcRoute_nhop();
            if (hdr.ipv4.isValid()) update_ttl();
        } else drop();
    }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.srcRoutes); packet.emit(hdr.ipv4);)
SWITCH
