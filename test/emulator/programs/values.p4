// Arithmetic of BMv2: what an operator gives, and what a field keeps of it.
#include <core.p4>
#include <v1model.p4>

header operands_t {
    bit<8> a;
    bit<8> b;
    int<8> s;
    int<8> t;
    bit<16> wide;
}

header results_t {
    bit<8> sum;
    bit<8> difference;
    bit<8> product;
    bit<8> saturating_sum;
    bit<8> saturating_difference;
    int<8> signed_sum;
    int<8> signed_saturating_sum;
    int<8> signed_saturating_difference;
    bit<8> left;
    bit<8> right;
    int<8> signed_right;
    bit<8> inverted;
    bit<8> negated;
    bit<8> logic;
    bit<16> joined;
    bit<4> slice;
    bit<1> less;
    bit<1> signed_less;
    bit<1> equal;
    bit<1> choice_unused;
    bit<8> choice;
    int<16> extended;
    bit<8> cut;
}

struct headers_t { operands_t in_; results_t out_; }
struct metadata_t {}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.in_); transition accept; }
}

control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = sm.ingress_port;
        h.out_.setValid();
        h.out_.sum = h.in_.a + h.in_.b;
        h.out_.difference = h.in_.a - h.in_.b;
        h.out_.product = h.in_.a * h.in_.b;
        h.out_.saturating_sum = h.in_.a |+| h.in_.b;
        h.out_.saturating_difference = h.in_.a |-| h.in_.b;
        h.out_.signed_sum = h.in_.s + h.in_.t;
        h.out_.signed_saturating_sum = h.in_.s |+| h.in_.t;
        h.out_.signed_saturating_difference = h.in_.s |-| h.in_.t;
        h.out_.left = h.in_.a << h.in_.b;
        h.out_.right = h.in_.a >> h.in_.b;
        h.out_.signed_right = h.in_.s >> h.in_.b;
        h.out_.inverted = ~h.in_.a;
        h.out_.negated = -h.in_.a;
        h.out_.logic = (h.in_.a & h.in_.b) ^ (h.in_.a | 8w0x0f);
        h.out_.joined = h.in_.a ++ h.in_.b;
        h.out_.slice = h.in_.wide[9:6];
        h.out_.less = h.in_.a < h.in_.b ? 1w1 : 0;
        h.out_.signed_less = h.in_.s < h.in_.t ? 1w1 : 0;
        h.out_.equal = h.in_.a == h.in_.b ? 1w1 : 0;
        h.out_.choice = h.in_.a > 8w127 ? h.in_.b : h.in_.a;
        h.out_.extended = (int<16>) h.in_.s;
        h.out_.cut = (bit<8>) h.in_.wide;
    }
}

control deparse(packet_out p, in headers_t h) { apply { p.emit(h.out_); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
