/* IPv4 header checksum (RFC 791), recomputed where a header may have changed. */
#define IPV4_CHECKSUM_INPUT \
    { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.diffserv, hdr.ipv4.total_len, \
      hdr.ipv4.identification, hdr.ipv4.flags, hdr.ipv4.frag_offset, hdr.ipv4.ttl, \
      hdr.ipv4.protocol, hdr.ipv4.src_addr, hdr.ipv4.dst_addr }

control FpisaIngressDeparser(packet_out packet,
                             inout ingress_headers_t hdr,
                             in ingress_meta_t meta,
                             in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    Checksum() ipv4_checksum;

    apply {
        if (hdr.ipv4.isValid()) {
            hdr.ipv4.hdr_checksum = ipv4_checksum.update(IPV4_CHECKSUM_INPUT);
        }
        packet.emit(hdr.bridge);
        packet.emit(hdr.exponents);
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.udp);
        packet.emit(hdr.fpisa);
        packet.emit(hdr.values);
        packet.emit(hdr.probe);
        packet.emit(hdr.probe0);
        packet.emit(hdr.probe1);
    }
}

control FpisaEgressDeparser(packet_out packet,
                            inout egress_headers_t hdr,
                            in egress_meta_t meta,
                            in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Checksum() ipv4_checksum;

    apply {
        if (hdr.ipv4.isValid()) {
            hdr.ipv4.hdr_checksum = ipv4_checksum.update(IPV4_CHECKSUM_INPUT);
        }
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.udp);
        packet.emit(hdr.fpisa);
        packet.emit(hdr.values);
    }
}
