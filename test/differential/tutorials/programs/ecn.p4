// Marks packets that waited in a long queue.
#include "common.p4"
const bit<19> THRESHOLD = 10;
struct metadata {}
struct headers { ethernet_t ethernet; ipv4_t ipv4; }
IPV4_PARSER(accept)
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    IPV4_FORWARDING
    apply { if (hdr.ipv4.isValid()) ipv4_lpm.apply(); }
}
control MyEgress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action mark_ecn() { hdr.ipv4.ecn = 3; }
    apply {
        if ((hdr.ipv4.ecn == 1 || hdr.ipv4.ecn == 2) && std.enq_qdepth >= THRESHOLD) mark_ecn();
    }
}
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4);)
SWITCH
