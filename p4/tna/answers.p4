/* Turns a packet into the service's answer; for the body of a control. The IPv4 checksum stays valid: the fields it covers are only swapped. */
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
    hdr.udp.checksum = 0;
    ig_tm_md.ucast_egress_port = meta.came_from;
}
