/* The headers below ours, and those of the control plane. */
#ifndef FPISA_NETWORK_HEADERS
#define FPISA_NETWORK_HEADERS

#include "network_types.p4"

@controller_header("packet_out")
header packet_out_t {
    port_t egress_port;
    bit<7> pad;
}

@controller_header("packet_in")
header packet_in_t {
    port_t ingress_port;
    bit<7> pad;
}

header ethernet_t {
    mac_addr_t dst_addr;
    mac_addr_t src_addr;
    bit<16> ether_type;
}

header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<8> diffserv;
    bit<16> total_len;
    bit<16> identification;
    bit<3> flags;
    bit<13> frag_offset;
    bit<8> ttl;
    bit<8> protocol;
    bit<16> hdr_checksum;
    ipv4_addr_t src_addr;
    ipv4_addr_t dst_addr;
}

/* Up to 40 bytes of options (RFC 791); carried along and covered by the checksum, never interpreted. */
header ipv4_options_t {
    varbit<320> options;
}

header udp_t {
    bit<16> src_port;
    bit<16> dst_port;
    bit<16> length_;
    bit<16> checksum;
}

#endif
