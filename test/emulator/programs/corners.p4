// Corners of BMv2: truncation of copies, comparison of invalid headers, signed fields, packet lengths, stacks beyond their end.
#include <core.p4>
#include <v1model.p4>

header request_t { bit<8> op; bit<8> arg; bit<16> result; bit<32> ingress_length; bit<32> egress_length; bit<8> instance; bit<8> passes; }
header pair_t { bit<16> value; }
header cell_t { bit<8> value; }
header filler_t { bit<256> first; bit<256> second; }
struct headers_t { request_t request; pair_t left; pair_t right; cell_t[3] cells; filler_t filler; }
struct metadata_t { @field_list(1) bit<8> passes; int<8> small; int<16> sum; }

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start {
        p.extract(h.request);
        transition select(h.request.op) { 0x20 &&& 0xf0: pairs; 0x30 &&& 0xf0: cells; default: accept; }
    }
    state pairs {
        transition select(h.request.arg) { 0: accept; 1: left; 2: right; default: both; }
    }
    state left { p.extract(h.left); transition accept; }
    state right { p.extract(h.right); transition accept; }
    state both { p.extract(h.left); p.extract(h.right); transition accept; }
    state cells {
        p.extract(h.cells.next);
        transition select(h.cells.last.value) { 0x80 &&& 0x80: accept; default: cells; }
    }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    register<int<8>>(2) signed_cells;
    action cut() { truncate((bit<32>) h.request.arg); }
    action wide() {
        m.sum = (int<16>) m.small;
        h.request.result = (bit<16>) (m.sum >> 1);
    }
    apply {
        if (h.request.op != 1) { sm.egress_spec = 1; }
        h.request.ingress_length = sm.packet_length;
        h.request.instance = (bit<8>) sm.instance_type;
        // Truncated copies of every kind.
        if (h.request.op == 0x10) { cut(); }
        else if (h.request.op == 0x11) { cut(); sm.mcast_grp = 5; }
        else if (h.request.op == 0x12) { cut(); clone_preserving_field_list(CloneType.I2E, 3, 1); }
        else if (h.request.op == 0x13) { if (m.passes == 0) { m.passes = 1; cut(); resubmit_preserving_field_list(1); } else { h.request.passes = 9; } }
        else if (h.request.op == 0x14 || h.request.op == 0x15) { if (sm.instance_type == 0) { cut(); } }
        else if (h.request.op == 0x16) { sm.mcast_grp = 6; }
        // Headers, valid or not.
        else if (h.request.op == 0x20) { if (h.left == h.right) { h.request.result = 1; } else { h.request.result = 2; } }
        else if (h.request.op == 0x21) { if (h.left != h.right) { h.request.result = 1; } else { h.request.result = 2; } }
        else if (h.request.op == 0x22) { h.left = h.right; }
        else if (h.request.op == 0x23) { h.left.setInvalid(); h.left.setValid(); h.left.value = h.left.value + 1; }
        else if (h.request.op == 0x24) { h.left.setValid(); h.left.value = 5; h.left.setValid(); h.filler.setValid(); h.filler.first = 256w7; h.filler.second = 256w9; }
        // Stacks, pushed and popped beyond their size.
        else if (h.request.op == 0x30) { h.cells.push_front(1); }
        else if (h.request.op == 0x31) { h.cells.push_front(2); h.cells[0].setValid(); h.cells[0].value = 0xaa; }
        else if (h.request.op == 0x32) { h.cells.push_front(3); }
        else if (h.request.op == 0x33) { h.cells.pop_front(1); }
        else if (h.request.op == 0x34) { h.cells.pop_front(2); h.cells.push_front(1); }
        else if (h.request.op == 0x35) { h.cells.pop_front(3); }
        else if (h.request.op == 0x36) { h.cells[2] = h.cells[0]; h.cells[0].setInvalid(); }
        // What a signed field holds.
        else if (h.request.op == 0x40) { signed_cells.write(0, (int<8>) h.request.arg); signed_cells.read(m.small, 0); wide(); }
        else if (h.request.op == 0x41) { m.small = (int<8>) h.request.arg; wide(); }
        else if (h.request.op == 0x42) { signed_cells.write(1, (int<8>) h.request.arg); signed_cells.read(m.small, 1); if (m.small < 0) { h.request.result = 1; } else { h.request.result = 2; } }
        else if (h.request.op == 0x43) { m.small = (int<8>) h.request.arg; m.small = m.small |+| 100; h.request.result = (bit<16>) (int<16>) m.small; }
        else if (h.request.op == 0x44) { m.small = (int<8>) h.request.arg; m.small = -m.small; h.request.result = (bit<16>) (int<16>) m.small; }
        else if (h.request.op == 0x45) { m.small = (int<8>) h.request.arg; m.small = m.small << (h.request.arg & 15); h.request.result = (bit<16>) (int<16>) m.small; }
    }
}

control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    action cut() { truncate((bit<32>) h.request.arg); }
    apply {
        h.request.egress_length = sm.packet_length;
        if (h.request.op == 0x14 && sm.instance_type == 0) { clone_preserving_field_list(CloneType.E2E, 3, 1); }
        if (h.request.op == 0x15 && m.passes == 0) { m.passes = 1; recirculate_preserving_field_list(1); }
        if (h.request.op == 0x16) { h.request.result = sm.egress_rid; cut(); }
    }
}
control deparse(packet_out p, in headers_t h) {
    apply { p.emit(h.request); p.emit(h.left); p.emit(h.right); p.emit(h.cells); p.emit(h.filler); }
}
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
