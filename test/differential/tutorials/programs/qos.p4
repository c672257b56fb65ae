// Gives packets a class by their protocol.
#include "common.p4"
struct metadata {}
struct headers { ethernet_t ethernet; ipv4_t ipv4; }
IPV4_PARSER(accept)
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    IPV4_FORWARDING
    action expedited_forwarding() { hdr.ipv4.dscp = 46; }
    action voice_admit() { hdr.ipv4.dscp = 44; }
    apply {
        if (hdr.ipv4.isValid()) {
            if (hdr.ipv4.protocol == 17) expedited_forwarding();
            else if (hdr.ipv4.protocol == 6) voice_admit();
            ipv4_lpm.apply();
        }
    }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4);)
SWITCH
