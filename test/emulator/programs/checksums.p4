// An IPv4-like header checksum, verified and updated, and one that covers the payload.
#include <core.p4>
#include <v1model.p4>

header outer_t { bit<16> a; bit<16> checksum; bit<32> b; }
header inner_t { bit<16> c; bit<16> checksum; bit<8> add; bit<8> failed; }
struct headers_t { outer_t outer; inner_t inner; }
struct metadata_t {}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.outer); p.extract(h.inner); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) {
    apply { verify_checksum(h.outer.isValid(), { h.outer.a, h.outer.b }, h.outer.checksum, HashAlgorithm.csum16); }
}
control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        h.inner.failed = (bit<8>) sm.checksum_error;
        h.outer.a = h.outer.a + (bit<16>) h.inner.add;
    }
}
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }
control update(inout headers_t h, inout metadata_t m) {
    apply {
        update_checksum(h.inner.add != 0, { h.outer.a, h.outer.b }, h.outer.checksum, HashAlgorithm.csum16);
        update_checksum_with_payload(true, { h.inner.c, h.inner.add, h.inner.failed }, h.inner.checksum, HashAlgorithm.csum16);
    }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.outer); p.emit(h.inner); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
