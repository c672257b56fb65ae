// Probes that follow a list of ports and collect what each port has sent since the last probe.
#include "common.p4"
const bit<16> TYPE_PROBE = 0x0812;
header probe_t { bit<8> hop_cnt; }
header probe_data_t { bit<1> bos; bit<7> swid; bit<8> port; bit<32> byte_cnt; }
header probe_fwd_t { bit<8> egress_spec; }
struct metadata { bit<8> egress_spec; bit<8> remaining; }
struct headers { ethernet_t ethernet; ipv4_t ipv4; probe_t probe; probe_data_t[10] probe_data; probe_fwd_t[10] probe_fwd; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_IPV4: parse_ipv4; TYPE_PROBE: parse_probe; default: accept; }
    }
    state parse_ipv4 { packet.extract(hdr.ipv4); transition accept; }
    state parse_probe {
        packet.extract(hdr.probe);
        meta.remaining = hdr.probe.hop_cnt + 1;
        transition select(hdr.probe.hop_cnt) { 0: parse_probe_fwd; default: parse_probe_data; }
    }
    state parse_probe_data {
        packet.extract(hdr.probe_data.next);
        transition select(hdr.probe_data.last.bos) { 1: parse_probe_fwd; default: parse_probe_data; }
    }
    state parse_probe_fwd {
        packet.extract(hdr.probe_fwd.next);
        meta.remaining = meta.remaining - 1;
        meta.egress_spec = hdr.probe_fwd.last.egress_spec;
        transition select(meta.remaining) { 0: accept; default: parse_probe_fwd; }
    }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    IPV4_FORWARDING
    apply {
        if (hdr.ipv4.isValid()) ipv4_lpm.apply();
        else if (hdr.probe.isValid()) {
            std.egress_spec = (port_t)meta.egress_spec;
            hdr.probe.hop_cnt = hdr.probe.hop_cnt + 1;
        }
    }
}
control MyEgress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    register<bit<32>>(8) byte_cnt_reg;
    action set_swid(bit<7> swid) { hdr.probe_data[0].swid = swid; }
    table swid { actions = { set_swid; NoAction; } default_action = NoAction(); }
    apply {
        bit<32> byte_cnt;
        byte_cnt_reg.read(byte_cnt, (bit<32>)std.egress_port);
        byte_cnt = byte_cnt + std.packet_length;
        byte_cnt_reg.write((bit<32>)std.egress_port, hdr.probe.isValid() ? 0 : byte_cnt);
        if (hdr.probe.isValid()) {
            hdr.probe_data.push_front(1);
            hdr.probe_data[0].setValid();
            hdr.probe_data[0].bos = hdr.probe.hop_cnt == 1 ? 1w1 : 1w0;
            swid.apply();
            hdr.probe_data[0].port = (bit<8>)std.egress_port;
            hdr.probe_data[0].byte_cnt = byte_cnt;
        }
    }
}
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4); packet.emit(hdr.probe); packet.emit(hdr.probe_data); packet.emit(hdr.probe_fwd);)
SWITCH
