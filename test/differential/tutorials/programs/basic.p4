// IPv4 forwarding.
#include "common.p4"
struct metadata {}
struct headers { ethernet_t ethernet; ipv4_t ipv4; }
IPV4_PARSER(accept)
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    IPV4_FORWARDING
    apply { if (hdr.ipv4.isValid()) ipv4_lpm.apply(); }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4);)
SWITCH
