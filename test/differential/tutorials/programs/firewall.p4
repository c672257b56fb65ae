// Lets TCP in only for connections that were opened from inside, which a Bloom filter remembers.
#include "common.p4"
const bit<8> TYPE_TCP = 6;
struct metadata {}
struct headers { ethernet_t ethernet; ipv4_t ipv4; tcp_t tcp; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_IPV4: parse_ipv4; default: accept; }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.protocol) { TYPE_TCP: parse_tcp; default: accept; }
    }
    state parse_tcp { packet.extract(hdr.tcp); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    register<bit<1>>(4096) bloom_filter_1;
    register<bit<1>>(4096) bloom_filter_2;
    bit<32> pos_one;
    bit<32> pos_two;
    bit<1> val_one;
    bit<1> val_two;
    bit<1> direction = 0;
    IPV4_FORWARDING
    action compute_hashes(bit<32> ip1, bit<32> ip2, bit<16> port1, bit<16> port2) {
        hash(pos_one, HashAlgorithm.crc16, 32w0, { ip1, ip2, port1, port2, hdr.ipv4.protocol }, 32w4096);
        hash(pos_two, HashAlgorithm.crc32, 32w0, { ip1, ip2, port1, port2, hdr.ipv4.protocol }, 32w4096);
    }
    action set_direction(bit<1> dir) { direction = dir; }
    table check_ports {
        key = { std.ingress_port: exact; std.egress_spec: exact; }
        actions = { set_direction; NoAction; }
        size = 1024;
        default_action = NoAction();
    }
    apply {
        if (hdr.ipv4.isValid()) {
            ipv4_lpm.apply();
            if (hdr.tcp.isValid()) {
                if (check_ports.apply().hit) {
                    if (direction == 0) compute_hashes(hdr.ipv4.srcAddr, hdr.ipv4.dstAddr, hdr.tcp.srcPort, hdr.tcp.dstPort);
                    else compute_hashes(hdr.ipv4.dstAddr, hdr.ipv4.srcAddr, hdr.tcp.dstPort, hdr.tcp.srcPort);
                    if (direction == 0) {
                        if (hdr.tcp.flags & 8w2 != 0) {
                            bloom_filter_1.write(pos_one, 1);
                            bloom_filter_2.write(pos_two, 1);
                        }
                    } else {
                        bloom_filter_1.read(val_one, pos_one);
                        bloom_filter_2.read(val_two, pos_two);
                        if (val_one != 1 || val_two != 1) drop();
                    }
                }
            }
        }
    }
}
NO_EGRESS
IPV4_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.ipv4); packet.emit(hdr.tcp);)
SWITCH
