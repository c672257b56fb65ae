/** How a packet socket (packet(7)) is opened: the options that all ports of the switch share. */
import {
  AF_PACKET,
  ETH_P_ALL,
  PACKET_ADD_MEMBERSHIP,
  PACKET_AUXDATA,
  PACKET_IGNORE_OUTGOING,
  PACKET_MR_PROMISC,
  PACKET_QDISC_BYPASS,
  PACKET_STATISTICS,
  PACKET_VNET_HDR,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCKADDR_LL_BYTES,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from '../../../net/linux/abi.js';
import { InterfaceError } from './interface-error.js';
import { usableInterface } from './interfaces.js';
import type { Libc } from '../../../net/linux/libc.js';

const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;

/**
 * A socket that receives whatever arrives at an interface, for any address, but nothing that leaves it. A virtio header
 * precedes each frame, in both directions; a VLAN tag is in a control message.
 * @param interfaceName in the network namespace of the calling thread
 * @param configure is called before anything arrives
 * @returns the descriptor
 * @throws InterfaceError with one of the reasons EMULATOR_PORT_NO_INTERFACE, EMULATOR_PORT_DOWN,
 *   EMULATOR_PORT_PERMISSION, EMULATOR_PORT_UNSUPPORTED, EMULATOR_PORT_FAILED
 */
export function openReceiver(libc: Libc, interfaceName: string, configure: (fd: number) => void = () => {}): number {
  return openSocket(libc, interfaceName, ETH_P_ALL, (fd, index) => {
    configureReceiver(libc, fd, index, interfaceName);
    configure(fd);
  });
}

/**
 * A socket that sends bare frames and receives none. They go to the interface without a queue in between: a switch port
 * drops what its link cannot take.
 * @returns the descriptor
 * @throws InterfaceError as {@link openReceiver} does
 */
export function openSender(libc: Libc, interfaceName: string): number {
  return openSocket(libc, interfaceName, 0, (fd) => {
    // If this fails, frames pass the interface's queueing discipline, which is slower but not an error.
    setOption(libc, fd, SOL_PACKET, PACKET_QDISC_BYPASS, int32(1));
    growSendBuffer(libc, fd);
  });
}

/** Frames that the kernel dropped since the last call because they were not read in time. */
export function takeDrops(libc: Libc, fd: number): number {
  // struct tpacket_stats: all packets, then the dropped ones; reading it sets both to 0.
  const stats = new Uint8Array(72);
  const length = new Uint8Array(72);
  length[0] = 8;
  if (libc.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, stats, length) !== 0) return 0;
  return new DataView(stats.buffer).getUint32(4, true);
}

function openSocket(
  libc: Libc,
  interfaceName: string,
  protocol: number,
  configure: (fd: number, index: number) => void,
): number {
  const index = usableInterface(libc, interfaceName);
  // Protocol 0 receives nothing: any other would receive the frames of every interface between here and bind().
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw openError(libc, interfaceName, 'socket');
  try {
    // Options before bind(), so that no frame arrives without them.
    configure(fd, index);
    const address = new Uint8Array(SOCKADDR_LL_BYTES);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, protocol);
    view.setInt32(4, index, true);
    if (libc.bind(fd, address, address.length) !== 0) throw openError(libc, interfaceName, 'bind');
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function configureReceiver(libc: Libc, fd: number, index: number, name: string): void {
  const require = (done: boolean, what: string): void => {
    if (!done) throw openError(libc, name, what);
  };
  if (!setOption(libc, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, int32(1))) {
    throw new InterfaceError(
      'EMULATOR_PORT_UNSUPPORTED',
      `network interfaces as ports need Linux 4.20 or later (PACKET_IGNORE_OUTGOING: ${libc.errorName(libc.errno())})`,
    );
  }
  require(setOption(libc, fd, SOL_PACKET, PACKET_VNET_HDR, int32(1)), 'PACKET_VNET_HDR');
  require(setOption(libc, fd, SOL_PACKET, PACKET_AUXDATA, int32(1)), 'PACKET_AUXDATA');
  // struct packet_mreq: index, type, and length and address, which promiscuous mode does not use.
  require(setOption(
    libc,
    fd,
    SOL_PACKET,
    PACKET_ADD_MEMBERSHIP,
    new Uint8Array([...int32(index), PACKET_MR_PROMISC, ...new Uint8Array(11)]),
  ), 'promiscuous mode');
  // Without CAP_NET_ADMIN the kernel grants at most net.core.rmem_max and wmem_max, which is not an error.
  const bytes = int32(SOCKET_BUFFER_BYTES);
  if (!setOption(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, bytes);
  growSendBuffer(libc, fd);
}

function growSendBuffer(libc: Libc, fd: number): void {
  const bytes = int32(SOCKET_BUFFER_BYTES);
  if (!setOption(libc, fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) setOption(libc, fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

export function setOption(libc: Libc, fd: number, level: number, option: number, value: Uint8Array): boolean {
  return libc.setsockopt(fd, level, option, value, value.length) === 0;
}

function openError(libc: Libc, name: string, what: string): InterfaceError {
  const code = libc.errorName(libc.errno());
  if (code === 'EPERM' || code === 'EACCES') {
    return new InterfaceError(
      'EMULATOR_PORT_PERMISSION',
      `opening network interface "${name}" needs the capability CAP_NET_RAW: run as root, or give it to node with "setcap cap_net_raw+ep ${process.execPath}"`,
    );
  }
  if (code === 'EAFNOSUPPORT')
    return new InterfaceError('EMULATOR_PORT_UNSUPPORTED', 'this kernel has no packet sockets (CONFIG_PACKET)');
  return new InterfaceError('EMULATOR_PORT_FAILED', `network interface "${name}" cannot be opened (${what}: ${code})`);
}

export function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
