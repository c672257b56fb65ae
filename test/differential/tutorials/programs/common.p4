// Headers and empty controls that the programs of this folder share. Each is of the kind of one of the p4lang
// tutorials (https://github.com/p4lang/tutorials), written for these tests.
#include <core.p4>
#include <v1model.p4>

typedef bit<9>  port_t;
typedef bit<48> mac_t;

const bit<16> TYPE_IPV4 = 0x0800;

header ethernet_t {
    mac_t   dstAddr;
    mac_t   srcAddr;
    bit<16> etherType;
}

header ipv4_t {
    bit<4>  version;
    bit<4>  ihl;
    bit<6>  dscp;
    bit<2>  ecn;
    bit<16> totalLen;
    bit<16> identification;
    bit<3>  flags;
    bit<13> fragOffset;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> hdrChecksum;
    bit<32> srcAddr;
    bit<32> dstAddr;
}

header tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seqNo;
    bit<32> ackNo;
    bit<4>  dataOffset;
    bit<4>  res;
    bit<8>  flags;
    bit<16> window;
    bit<16> checksum;
    bit<16> urgentPtr;
}

#define IPV4_CHECKSUM                                                                                        \
    control MyComputeChecksum(inout headers hdr, inout metadata meta) {                                      \
        apply {                                                                                              \
            update_checksum(hdr.ipv4.isValid(),                                                              \
                { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.totalLen,            \
                  hdr.ipv4.identification, hdr.ipv4.flags, hdr.ipv4.fragOffset, hdr.ipv4.ttl,                \
                  hdr.ipv4.protocol, hdr.ipv4.srcAddr, hdr.ipv4.dstAddr },                                   \
                hdr.ipv4.hdrChecksum, HashAlgorithm.csum16);                                                 \
        }                                                                                                    \
    }

#define NO_CHECKSUM control MyComputeChecksum(inout headers hdr, inout metadata meta) { apply {} }

#define NO_EGRESS \
    control MyEgress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) { apply {} }

#define NO_VERIFICATION control MyVerifyChecksum(inout headers hdr, inout metadata meta) { apply {} }

#define IPV4_PARSER(AFTER)                                                                                   \
    parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) { \
        state start {                                                                                        \
            packet.extract(hdr.ethernet);                                                                    \
            transition select(hdr.ethernet.etherType) { TYPE_IPV4: parse_ipv4; default: accept; }            \
        }                                                                                                    \
        state parse_ipv4 { packet.extract(hdr.ipv4); transition AFTER; }                                     \
    }

#define IPV4_FORWARDING                                                                                      \
    action drop() { mark_to_drop(std); }                                                                     \
    action ipv4_forward(mac_t dstAddr, port_t port) {                                                        \
        std.egress_spec = port;                                                                              \
        hdr.ethernet.srcAddr = hdr.ethernet.dstAddr;                                                         \
        hdr.ethernet.dstAddr = dstAddr;                                                                      \
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;                                                                     \
    }                                                                                                        \
    table ipv4_lpm {                                                                                         \
        key = { hdr.ipv4.dstAddr: lpm; }                                                                     \
        actions = { ipv4_forward; drop; NoAction; }                                                          \
        size = 1024;                                                                                         \
        default_action = drop();                                                                             \
    }

#define DEPARSER(WHAT) control MyDeparser(packet_out packet, in headers hdr) { apply { WHAT } }

#define SWITCH \
    V1Switch(MyParser(), MyVerifyChecksum(), MyIngress(), MyEgress(), MyComputeChecksum(), MyDeparser()) main;
