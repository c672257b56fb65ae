// Tables implemented by an action profile and by an action selector.
#include <core.p4>
#include <v1model.p4>

header key_t { bit<8> which; bit<8> a; bit<16> flow; bit<8> result; }
struct headers_t { key_t key; }
struct metadata_t {}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.key); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    action_profile(4) shared;
    action_selector(HashAlgorithm.identity, 16, 16) spread;
    action give(bit<8> value) { h.key.result = value; }
    table by_member { key = { h.key.a: exact; } actions = { give; NoAction; } implementation = shared; }
    table by_group { key = { h.key.a: exact; h.key.flow: selector; } actions = { give; NoAction; } implementation = spread; }
    apply {
        sm.egress_spec = 1;
        if (h.key.which == 1) { by_member.apply(); } else { by_group.apply(); }
    }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.key); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
