// A tunnel whose entrance, transit and exit a controller writes, and counts.
#include "common.p4"
const bit<16> TYPE_TUNNEL = 0x1212;
header tunnel_t { bit<16> proto_id; bit<16> dst_id; }
struct metadata {}
struct headers { ethernet_t ethernet; tunnel_t myTunnel; ipv4_t ipv4; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_TUNNEL: parse_tunnel; TYPE_IPV4: parse_ipv4; default: accept; }
    }
    state parse_tunnel {
        packet.extract(hdr.myTunnel);
        transition select(hdr.myTunnel.proto_id) { TYPE_IPV4: parse_ipv4; default: accept; }
    }
    state parse_ipv4 { packet.extract(hdr.ipv4); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    counter(1024, CounterType.packets_and_bytes) ingressTunnelCounter;
    counter(1024, CounterType.packets_and_bytes) egressTunnelCounter;
    IPV4_FORWARDING
    action myTunnel_ingress(bit<16> dst_id) {
        hdr.myTunnel.setValid();
        hdr.myTunnel.dst_id = dst_id;
        hdr.myTunnel.proto_id = hdr.ethernet.etherType;
        hdr.ethernet.etherType = TYPE_TUNNEL;
        ingressTunnelCounter.count((bit<32>)hdr.myTunnel.dst_id);
    }
    action myTunnel_forward(port_t port) { std.egress_spec = port; }
    action myTunnel_egress(mac_t dstAddr, port_t port) {
        std.egress_spec = port;
        hdr.ethernet.dstAddr = dstAddr;
        hdr.ethernet.etherType = hdr.myTunnel.proto_id;
        hdr.myTunnel.setInvalid();
        egressTunnelCounter.count((bit<32>)hdr.myTunnel.dst_id);
    }
    table tunnel_ingress {
        key = { hdr.ipv4.dstAddr: lpm; }
        actions = { ipv4_forward; myTunnel_ingress; drop; NoAction; }
        size = 1024;
        default_action = NoAction();
    }
    table myTunnel_exact {
        key = { hdr.myTunnel.dst_id: exact; }
        actions = { myTunnel_forward; myTunnel_egress; drop; }
        size = 1024;
        default_action = drop();
    }
    apply {
        if (hdr.ipv4.isValid() && !hdr.myTunnel.isValid()) {
            if (!tunnel_ingress.apply().hit) ipv4_lpm.apply();
        }
        if (hdr.myTunnel.isValid()) myTunnel_exact.apply();
    }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.myTunnel); packet.emit(hdr.ipv4);)
SWITCH
