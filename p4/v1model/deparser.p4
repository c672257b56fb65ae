control FpisaDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv4_options);
        packet.emit(hdr.udp);
        packet.emit(hdr.fpisa);
        packet.emit(hdr.values);
#ifdef VALUES_IN_STEPS
        packet.emit(hdr.values_to_256);
        packet.emit(hdr.values_to_1024);
#if VALUES_PER_PACKET == 2048
        packet.emit(hdr.values_to_2048);
#endif
#endif
        packet.emit(hdr.probe);
    }
}
