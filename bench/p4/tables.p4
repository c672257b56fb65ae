// Tables large enough to measure the P4Runtime server: `npm run bench:p4runtime`.
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

struct headers_t {
    ethernet_t ethernet;
}

struct metadata_t {}

parser TablesParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) {
    state start {
        packet.extract(hdr.ethernet);
        transition accept;
    }
}

control VerifyNothing(inout headers_t hdr, inout metadata_t meta) { apply {} }

control TablesIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) {
    action forward(bit<9> port) { standard.egress_spec = port; }
    action drop() { mark_to_drop(standard); }

    table hosts {
        key = { hdr.ethernet.dst_addr: exact; }
        actions = { forward; drop; }
        size = 1100000;
        default_action = drop();
    }

    action_selector(HashAlgorithm.crc16, 50000, 16) paths;
    table balanced {
        key = {
            hdr.ethernet.ether_type: exact;
            hdr.ethernet.src_addr: selector;
        }
        actions = { forward; }
        size = 1024;
        implementation = paths;
    }

    apply {
        if (!balanced.apply().hit) hosts.apply();
    }
}

control EmptyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) { apply {} }
control ComputeNothing(inout headers_t hdr, inout metadata_t meta) { apply {} }

control TablesDeparser(packet_out packet, in headers_t hdr) {
    apply { packet.emit(hdr.ethernet); }
}

V1Switch(TablesParser(), VerifyNothing(), TablesIngress(), EmptyEgress(), ComputeNothing(), TablesDeparser()) main;
