/** Opening UDP sockets for batches of datagrams (udp(7)). */
import {
  AF_INET,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_PROBE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SockaddrIn,
  SOL_IP,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from './abi.js';
import type { Libc } from './libc.js';

export interface UdpSocketOptions {
  /** Four bytes. */
  readonly ip: Uint8Array;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** Requested for each direction; without CAP_NET_ADMIN the kernel grants what net.core.rmem_max and wmem_max allow. */
  readonly bufferBytes: number;
  /** False: one datagram a message, as on kernels without offloads. Default true. */
  readonly offloads?: boolean;
  /** True: no datagram is fragmented; what is longer than the link or the path carries is lost. Default false. */
  readonly whole?: boolean;
}

export interface UdpSocketHandle {
  readonly fd: number;
  readonly port: number;
  /** Granted for the direction that has less; Linux says twice what one may request. */
  readonly bufferBytes: number;
  /** Whether the kernel cuts a message into datagrams. */
  readonly segments: boolean;
  /** Whether the kernel joins datagrams that arrive. */
  readonly joins: boolean;
}

/** A socket that the kernel refused. */
export class UdpSocketRefused {
  /** @param symbol of the error: EADDRINUSE */
  constructor(readonly symbol: string) {}
}

export function openUdpSocket(
  libc: Libc,
  { ip, port, bufferBytes, offloads = true, whole = false }: UdpSocketOptions,
): UdpSocketHandle | UdpSocketRefused {
  const refused = (): UdpSocketRefused => new UdpSocketRefused(libc.errorName(libc.errno()));
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused();
  const address = socketAddress(ip, port);
  if (libc.bind(fd, address, SockaddrIn.bytes) !== 0 || libc.getsockname(fd, address, int32(SockaddrIn.bytes)) !== 0) {
    const why = refused();
    libc.close(fd);
    return why;
  }
  const set = (level: number, option: number, value: number): boolean =>
    libc.setsockopt(fd, level, option, int32(value), 4) === 0;
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes)) set(SOL_SOCKET, SO_RCVBUF, bufferBytes);
  if (!set(SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)) set(SOL_SOCKET, SO_SNDBUF, bufferBytes);
  const granted = (option: number): number => {
    const value = int32(0);
    return libc.getsockopt(fd, SOL_SOCKET, option, value, int32(4)) === 0
      ? new DataView(value.buffer).getInt32(0, true)
      : bufferBytes;
  };
  if (whole) set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  return {
    fd,
    bufferBytes: Math.min(granted(SO_RCVBUF), granted(SO_SNDBUF)),
    port: new DataView(address.buffer).getUint16(SockaddrIn.port),
    // 0 leaves messages whole; the kernel refuses an option that it does not know.
    segments: offloads && set(SOL_UDP, UDP_SEGMENT, 0),
    joins: offloads && set(SOL_UDP, UDP_GRO, 1),
  };
}

/** `struct sockaddr_in` @param ip four bytes */
export function socketAddress(ip: Uint8Array, port: number): Uint8Array {
  const address = new Uint8Array(SockaddrIn.bytes);
  const view = new DataView(address.buffer);
  view.setUint16(SockaddrIn.family, AF_INET, true);
  view.setUint16(SockaddrIn.port, port);
  address.set(ip, SockaddrIn.address);
  return address;
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
