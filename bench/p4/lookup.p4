// One table, to measure lookup time by number of entries: `npm run bench:sweep`. MATCH_KIND is
// exact, lpm or ternary.
#include <core.p4>
#include <v1model.p4>

header key_t {
    bit<32> key;
}

struct headers_t {
    key_t key;
}

struct metadata_t {}

parser LookupParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) {
    state start {
        packet.extract(hdr.key);
        transition accept;
    }
}

control LookupVerify(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control LookupIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) {
    action forward(bit<9> port) {
        standard.egress_spec = port;
    }

    table lookup {
        key = { hdr.key.key: MATCH_KIND; }
        actions = { forward; NoAction; }
        default_action = NoAction();
        size = 1 << 20;
    }

    apply {
        lookup.apply();
    }
}

control LookupEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard) {
    apply {}
}

control LookupCompute(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control LookupDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.key);
    }
}

V1Switch(LookupParser(), LookupVerify(), LookupIngress(), LookupEgress(), LookupCompute(), LookupDeparser()) main;
