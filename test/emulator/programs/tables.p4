// One table of each match kind, applied by a selector byte; the action leaves its argument in the packet.
#include <core.p4>
#include <v1model.p4>

header key_t { bit<8> which; bit<16> a; bit<32> b; bit<8> result; bit<8> path; }
struct headers_t { key_t key; }
struct metadata_t {}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.key); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    direct_counter(CounterType.packets_and_bytes) hits;
    action give(bit<8> value) { h.key.result = value; }
    action count_and_give(bit<8> value) { hits.count(); h.key.result = value; }
    action lose() { mark_to_drop(sm); }
    table exact_ { key = { h.key.a: exact; h.key.b: exact; } actions = { count_and_give; lose; } default_action = lose(); counters = hits; size = 4; }
    table prefix { key = { h.key.b: lpm; } actions = { give; NoAction; } default_action = give(0xee); }
    table masked { key = { h.key.a: ternary; h.key.b: exact; } actions = { give; NoAction; } }
    table ranged { key = { h.key.a: range; h.key.b: ternary; } actions = { give; NoAction; } }
    table maybe { key = { h.key.a: optional; } actions = { give; NoAction; } }
    table fixed {
        key = { h.key.a: ternary; }
        actions = { give; NoAction; }
        const default_action = give(0xdd);
        const entries = {
            0x0100 &&& 0xff00: give(1);
            0x0123: give(2);
            _: give(3);
        }
    }
    apply {
        sm.egress_spec = 1;
        if (h.key.which == 1) { if (exact_.apply().hit) { h.key.path = 1; } else { h.key.path = 2; } }
        else if (h.key.which == 2) { prefix.apply(); }
        else if (h.key.which == 3) { switch (masked.apply().action_run) { give: { h.key.path = 3; } NoAction: { h.key.path = 4; } } }
        else if (h.key.which == 4) { ranged.apply(); }
        else if (h.key.which == 5) { maybe.apply(); }
        else if (h.key.which == 6) { fixed.apply(); }
    }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.key); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
