// Registers, counters, meters, hashes, random numbers, digests, log messages, assertions, truncation.
#include <core.p4>
#include <v1model.p4>

header request_t { bit<8> op; bit<32> index; bit<32> value; }
header reply_t { bit<32> first; bit<32> second; bit<64> third; }
struct headers_t { request_t request; reply_t reply; }
struct metadata_t { bit<2> color; bit<2> direct_color; }
struct learned_t { bit<8> op; bit<32> value; bit<9> port; }

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { p.extract(h.request); transition accept; }
}
control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    register<bit<32>>(4) cells;
    register<bit<100>>(2) wide_cells;
    register<int<16>>(2) signed_cells;
    counter(4, CounterType.packets_and_bytes) counted;
    meter(4, MeterType.packets) rated;
    direct_meter<bit<2>>(MeterType.bytes) rated_directly;
    action read_color() { rated_directly.read(m.direct_color); }
    table metered { key = { h.request.index: exact; } actions = { read_color; NoAction; } meters = rated_directly; }
    apply {
        sm.egress_spec = 1;
        h.reply.setValid();
        if (h.request.op == 1) {
            cells.read(h.reply.first, h.request.index);
            cells.write(h.request.index, h.request.value);
            cells.read(h.reply.second, h.request.index);
        } else if (h.request.op == 2) {
            bit<100> before;
            wide_cells.read(before, h.request.index);
            before = (before << 32) + (bit<100>) h.request.value;
            wide_cells.write(h.request.index, before);
            h.reply.third = before[99:36];
        } else if (h.request.op == 3) {
            counted.count(h.request.index);
        } else if (h.request.op == 4) {
            rated.execute_meter(h.request.index, m.color);
            h.reply.first = (bit<32>) m.color;
        } else if (h.request.op == 5) {
            metered.apply();
            h.reply.first = (bit<32>) m.direct_color;
        } else if (h.request.op == 6) {
            hash(h.reply.first, HashAlgorithm.crc32, 32w0, { h.request.value }, 33w0x100000000);
            hash(h.reply.second, HashAlgorithm.crc16, 32w7, { h.request.value }, 32w1000);
            hash(h.reply.third, HashAlgorithm.csum16, 64w0, { h.request.value, h.request.index }, 64w0x10000);
        } else if (h.request.op == 7) {
            random(h.reply.first, 10, 19);
        } else if (h.request.op == 8) {
            digest<learned_t>(1, { h.request.op, h.request.value, sm.ingress_port });
        } else if (h.request.op == 9) {
            log_msg("value {} of {}", { h.request.value, h.request.index });
            assert(h.request.value != 0xdead);
        } else if (h.request.op == 10) {
            truncate(8);
        } else if (h.request.op == 11) {
            signed_cells.write(h.request.index, (int<16>) (bit<16>) h.request.value);
            int<16> back;
            signed_cells.read(back, h.request.index);
            if (back < 0) { h.reply.first = 1; }
            h.reply.second = (bit<32>) (bit<16>) back;
        } else if (h.request.op == 12) {
            h.reply.first = (bit<32>) sm.packet_length;
            h.reply.third = (bit<64>) sm.ingress_global_timestamp;
        }
    }
}
control deparse(packet_out p, in headers_t h) { apply { p.emit(h.reply); } }
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
