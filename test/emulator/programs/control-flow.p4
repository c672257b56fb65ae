// Branches and loops inside actions, return, exit, and stacks indexed at run time.
#include <core.p4>
#include <v1model.p4>

header request_t { bit<8> op; bit<8> n; bit<32> sum; bit<8> seen; }
header item_t { bit<8> value; }
struct headers_t { request_t request; item_t[4] items; }
struct metadata_t {}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.request); p.extract(h.items.next); p.extract(h.items.next); p.extract(h.items.next); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    action sum_odd() {
        for (bit<8> i = 0; i < h.request.n; i = i + 1) {
            if (i & 1 == 0) { continue; }
            if (i == 9) { break; }
            h.request.sum = h.request.sum + (bit<32>) i;
        }
    }
    action leave_early() {
        h.request.seen = 1;
        if (h.request.n == 1) { return; }
        h.request.seen = 2;
        if (h.request.n == 2) { exit; }
        h.request.seen = 3;
    }
    apply {
        sm.egress_spec = 1;
        if (h.request.op == 1) { sum_odd(); }
        else if (h.request.op == 2) { leave_early(); h.request.sum = 0x77; }
        else if (h.request.op == 3) { h.request.sum = (bit<32>) h.items[h.request.n].value; h.items[h.request.n].value = 0xff; }
    }
}
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply { h.request.seen = h.request.seen + 0x10; }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.request); p.emit(h.items); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
