// Spreads flows over next hops by a hash of their five fields.
#include "common.p4"
struct metadata { bit<14> ecmp_select; }
struct headers { ethernet_t ethernet; ipv4_t ipv4; tcp_t tcp; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_IPV4: parse_ipv4; default: accept; }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.protocol) { 6: parse_tcp; default: accept; }
    }
    state parse_tcp { packet.extract(hdr.tcp); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action drop() { mark_to_drop(std); }
    action set_ecmp_select(bit<16> ecmp_base, bit<32> ecmp_count) {
        hash(meta.ecmp_select, HashAlgorithm.crc16, ecmp_base,
            { hdr.ipv4.srcAddr, hdr.ipv4.dstAddr, hdr.ipv4.protocol, hdr.tcp.srcPort, hdr.tcp.dstPort }, ecmp_count);
    }
    action set_nhop(mac_t nhop_dmac, bit<32> nhop_ipv4, port_t port) {
        hdr.ethernet.dstAddr = nhop_dmac;
        hdr.ipv4.dstAddr = nhop_ipv4;
        std.egress_spec = port;
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
    }
    table ecmp_group {
        key = { hdr.ipv4.dstAddr: lpm; }
        actions = { drop; set_ecmp_select; }
        size = 1024;
        default_action = drop();
    }
    table ecmp_nhop {
        key = { meta.ecmp_select: exact; }
        actions = { drop; set_nhop; }
        size = 4;
    }
    apply {
        if (hdr.ipv4.isValid() && hdr.tcp.isValid() && hdr.ipv4.ttl > 0) {
            if (ecmp_group.apply().hit) ecmp_nhop.apply();
        } else drop();
    }
}
control MyEgress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action rewrite_mac(mac_t smac) { hdr.ethernet.srcAddr = smac; }
    action drop() { mark_to_drop(std); }
    table send_frame {
        key = { std.egress_port: exact; }
        actions = { rewrite_mac; drop; NoAction; }
        size = 256;
        default_action = NoAction();
    }
    apply { send_frame.apply(); }
}
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4); packet.emit(hdr.tcp);)
SWITCH
