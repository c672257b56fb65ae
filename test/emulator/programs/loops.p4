// Loops that count up over registers: in and out of bounds, with fields that are written in some passes only.
#include <core.p4>
#include <v1model.p4>

header request_t { bit<8> op; bit<8> start; bit<8> shift; bit<8> n; bit<8> flags; bit<32> a; bit<32> b; int<32> c; bit<32> d; }
struct headers_t { request_t request; }
struct metadata_t {
    bit<32> index; bit<32> word; bit<32> stored; int<32> term; int<32> sum; bit<8> shift; bit<1> first; bit<32> kept; bit<16> passes;
}

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.request); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    register<bit<32>>(64) cells;
    register<bit<32>>(8) words;
    counter(4, CounterType.packets) overflows;

    action prepare() {
        m.index = (bit<32>) h.request.start;
        m.shift = h.request.shift;
        m.first = h.request.flags[0:0];
        m.kept = h.request.a;
        m.stored = h.request.b;
        words.write(0, h.request.a);
        words.write(1, h.request.b);
        words.write(2, h.request.d);
        words.write(3, h.request.a ^ h.request.d);
    }
    /* The bytes of each word are swapped; sums saturate. */
    action accumulate() {
        for (bit<32> i = 0; i < 8; i = i + 1) {
            words.read(m.word, i);
            if (h.request.flags & 2 == 0) {
                m.word = (m.word << 24) | ((m.word & 0xFF00) << 8) | ((m.word >> 8) & 0xFF00) | (m.word >> 24);
            }
            m.term = (int<32>) ((m.word & 0xFFFFFF) << m.shift);
            if (m.word >= 0x80000000) { m.term = -m.term; }
            if (m.first == 1) {
                cells.write(m.index, (bit<32>) m.term);
            } else {
                cells.read(m.stored, m.index);
                m.sum = (int<32>) m.stored;
                if (m.sum |+| m.term != m.sum + m.term) { overflows.count((bit<32>) h.request.flags >> 6); }
                cells.write(m.index, (bit<32>) (m.sum |+| m.term));
            }
            m.index = m.index + 3;
        }
    }
    /* As many passes as the packet says, perhaps none; what is kept is written in some of them only. */
    action walk() {
        for (bit<8> i = 0; i < h.request.n; i = i + 7) {
            if (i & 1 == 1) { m.kept = m.kept + (bit<32>) i; }
            for (bit<8> j = i; j < 40; j = j + 16) {
                if (j == h.request.shift) { continue; }
                m.passes = m.passes + 1;
                m.sum = m.sum |-| (int<32>) ((bit<32>) j << 24);
            }
            if (m.passes > 60) { break; }
        }
    }
    apply {
        sm.egress_spec = 1;
        prepare();
        if (h.request.op[0:0] == 1) { accumulate(); }
        if (h.request.op[1:1] == 1) { walk(); }
        h.request.a = m.kept;
        h.request.b = m.stored ^ m.word;
        h.request.c = m.sum;
        h.request.d = m.index + (bit<32>) m.passes;
    }
}
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.request); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
