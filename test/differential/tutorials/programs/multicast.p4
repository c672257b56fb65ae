// Forwards known addresses to one port and floods the others, except to where they came from.
#include "common.p4"
struct metadata {}
struct headers { ethernet_t ethernet; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start { packet.extract(hdr.ethernet); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action drop() { mark_to_drop(std); }
    action multicast() { std.mcast_grp = 1; }
    action mac_forward(port_t port) { std.egress_spec = port; }
    table mac_lookup {
        key = { hdr.ethernet.dstAddr: exact; }
        actions = { multicast; mac_forward; drop; }
        size = 1024;
        default_action = multicast();
    }
    apply { mac_lookup.apply(); }
}
control MyEgress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action drop() { mark_to_drop(std); }
    apply { if (std.egress_port == std.ingress_port) drop(); }
}
NO_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet);)
SWITCH
