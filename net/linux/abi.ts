/** Numbers and layouts of Linux's socket interface on 64-bit little-endian machines (include/uapi/linux). */

export const AF_INET = 2;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
/** Every protocol: what arrives, whatever its EtherType. */
export const ETH_P_ALL = 0x0003;

export const SOL_SOCKET = 1;
/** Reading it clears it. */
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
/** Beyond net.core.wmem_max; needs CAP_NET_ADMIN. */
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

export const SOL_IP = 0;
/** Don't-fragment on every packet, and no limit but that of the link at hand: for those that try what a path carries. */
export const IP_MTU_DISCOVER = 10;
export const IP_PMTUDISC_PROBE = 3;

export const SOL_UDP = 17;
/** Linux 4.18: a message is cut into datagrams of this size, the last of which may be smaller. */
export const UDP_SEGMENT = 103;
/** Linux 5.0: datagrams of one sender and one size may arrive as one message. */
export const UDP_GRO = 104;

export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
/** Frames that are too long for a slot of the ring are also queued, whole. */
export const PACKET_COPY_THRESH = 7;
export const PACKET_AUXDATA = 8;
export const PACKET_VERSION = 10;
/** Unused bytes before each frame in a ring. */
export const PACKET_RESERVE = 12;
export const PACKET_VNET_HDR = 15;
export const PACKET_QDISC_BYPASS = 20;
/** Linux 4.20. */
export const PACKET_IGNORE_OUTGOING = 23;
export const PACKET_MR_PROMISC = 1;
export const TPACKET_V2 = 1;
/** `struct tpacket_req` */
export const TpacketReq = { bytes: 16, blockSize: 0, blocks: 4, slotSize: 8, slots: 12 } as const;
/** `struct tpacket2_hdr`, at the start of each slot of a ring. */
export const Tpacket2Hdr = {
  bytes: 32,
  status: 0,
  length: 4,
  captured: 8,
  frame: 12,
  vlanTci: 24,
  vlanTpid: 26,
} as const;
export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1;
export const TP_STATUS_COPY = 1 << 1;

export const AF_XDP = 44;
export const SOL_XDP = 283;
export const XDP_MMAP_OFFSETS = 1;
export const XDP_TX_RING = 3;
export const XDP_UMEM_REG = 4;
export const XDP_UMEM_FILL_RING = 5;
export const XDP_UMEM_COMPLETION_RING = 6;
/** Linux 6.17. */
export const XDP_MAX_TX_SKB_BUDGET = 9;
export const XDP_COPY = 1 << 1;
export const XDP_PGOFF_TX_RING = 0x8000_0000n;
export const XDP_UMEM_PGOFF_COMPLETION_RING = 0x1_8000_0000n;
/** `struct sockaddr_xdp` */
export const SockaddrXdp = { bytes: 16, flags: 2, ifindex: 4 } as const;
/** `struct xdp_umem_reg` */
export const XdpUmemReg = { bytes: 32, address: 0, length: 8, chunkSize: 16 } as const;
/** `struct xdp_mmap_offsets`: of each ring, where its producer, consumer, entries and flags are. */
export const XdpMmapOffsets = { bytes: 128, tx: 32, completion: 96, producer: 0, consumer: 8, entries: 16 } as const;
/** `struct xdp_desc` */
export const XDP_DESC_BYTES = 16;

export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
/** Replaces what is mapped there. */
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;

export const SIOCGIFMTU = 0x8921;
export const SIOCGIFFLAGS = 0x8913;
export const IFF_UP = 1;

export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;

export const POLLIN = 1;

/** `struct sockaddr_ll` */
export const SOCKADDR_LL_BYTES = 20;
/** `struct sockaddr_in`: the family in the order of the host, port and address in the network's. */
export const SockaddrIn = { bytes: 16, family: 0, port: 2, address: 4 } as const;
/** A control message (`struct cmsghdr`) with one number of up to 8 bytes. */
export const NumberMessage = { bytes: 24, length: 0, level: 8, type: 12, data: 16 } as const;
/** `struct ifreq`; the name, zero-terminated, is its first 16 bytes. */
export const IFREQ_BYTES = 40;
export const IFNAMSIZ = 16;

/** `struct mmsghdr` */
export const Mmsghdr = {
  bytes: 64,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
} as const;
/** `struct iovec` */
export const Iovec = { bytes: 16, base: 0, length: 8 } as const;
/** A control message that holds a `struct tpacket_auxdata`: the only one that packet sockets here get. */
export const Auxdata = { bytes: 40, status: 16, vlanTci: 32, vlanTpid: 34 } as const;
export const TP_STATUS_VLAN_VALID = 1 << 4;
export const TP_STATUS_VLAN_TPID_VALID = 1 << 6;

/** `struct virtio_net_hdr`, before each frame on a socket with PACKET_VNET_HDR. */
export const VnetHeader = { bytes: 10, flags: 0, gsoType: 1, gsoSize: 4, checksumStart: 6, checksumOffset: 8 } as const;
