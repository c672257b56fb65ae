// Multicast, clones from ingress and egress, resubmission and recirculation, with preserved metadata.
#include <core.p4>
#include <v1model.p4>

header tag_t { bit<8> op; bit<8> hops; bit<32> instance_type; bit<16> replica; bit<8> kept; bit<8> lost; bit<16> port; }
struct headers_t { tag_t tag; }
struct metadata_t {
    @field_list(1) bit<8> kept;
    bit<8> lost;
}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.tag); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (sm.instance_type == 0) {
            m.kept = 0x11;
            m.lost = 0x22;
            h.tag.hops = h.tag.hops + 1;
            if (h.tag.op == 1) { sm.mcast_grp = 5; }
            else if (h.tag.op == 2) { clone_preserving_field_list(CloneType.I2E, 3, 1); }
            else if (h.tag.op == 4) { resubmit_preserving_field_list(1); }
            else if (h.tag.op == 6) { mark_to_drop(sm); }
            else if (h.tag.op == 7) { sm.mcast_grp = 5; mark_to_drop(sm); }
            else if (h.tag.op == 8) { sm.priority = 1; }
        }
        h.tag.port = (bit<16>) sm.ingress_port;
    }
}

control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply {
        if (h.tag.op == 3 && sm.instance_type == 0) { clone_preserving_field_list(CloneType.E2E, 3, 1); }
        if (h.tag.op == 5 && h.tag.hops < 3) { recirculate_preserving_field_list(1); h.tag.hops = h.tag.hops + 1; }
        if (h.tag.op == 9) { mark_to_drop(sm); }
        if (h.tag.op == 10) { recirculate_preserving_field_list(1); }
        h.tag.instance_type = sm.instance_type;
        h.tag.replica = sm.egress_rid;
        h.tag.kept = m.kept;
        h.tag.lost = m.lost;
    }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.tag); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
