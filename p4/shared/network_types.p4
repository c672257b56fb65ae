#ifndef FPISA_NETWORK_TYPES
#define FPISA_NETWORK_TYPES

typedef bit<9> port_t;
typedef bit<48> mac_addr_t;
typedef bit<32> ipv4_addr_t;

#endif
