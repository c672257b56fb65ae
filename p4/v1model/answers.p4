/* Turns a packet into the service's answer, sent from the address that the packet was sent to; for the body of a control. */
action reflect() {
    mac_addr_t mac = hdr.ethernet.src_addr;
    ipv4_addr_t address = hdr.ipv4.src_addr;
    bit<16> port = hdr.udp.src_port;
    hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
    hdr.ethernet.dst_addr = mac;
    hdr.ipv4.src_addr = hdr.ipv4.dst_addr;
    hdr.ipv4.dst_addr = address;
    hdr.udp.src_port = hdr.udp.dst_port;
    hdr.udp.dst_port = port;
    standard_metadata.egress_spec = standard_metadata.ingress_port;
}

/* The payload has changed; zero means that the sender computed no UDP checksum (RFC 768). */
action void_udp_checksum() {
    hdr.udp.checksum = 0;
}
