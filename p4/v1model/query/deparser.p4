control QueryDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv4_options);
        packet.emit(hdr.udp);
        packet.emit(hdr.query);
        packet.emit(hdr.nulls);
        packet.emit(hdr.tuples);
        packet.emit(hdr.groups);
    }
}
