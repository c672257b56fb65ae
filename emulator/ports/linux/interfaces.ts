/** What the kernel reports about network interfaces, by name. */
import { readFileSync } from 'node:fs';
import {
  AF_INET,
  IFF_UP,
  IFNAMSIZ,
  IFREQ_BYTES,
  SIOCGIFFLAGS,
  SIOCGIFMTU,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../../../net/linux/abi.js';
import { InterfaceError } from './interface-error.js';
import type { Libc } from '../../../net/linux/libc.js';

/** Whether the text can be the name of a network interface: as the kernel decides (dev_valid_name). */
export function isInterfaceName(text: string): boolean {
  return /^[^\s/:]{1,15}$/.test(text) && text !== '.' && text !== '..';
}

/** Names of the interfaces in the network namespace of the calling thread. */
function interfaceNames(): string[] {
  const table = readFileSync('/proc/thread-self/net/dev', 'utf8');
  return [...table.matchAll(/^ *([^\s:]+):/gm)].map(([, name]) => name!);
}

/**
 * @returns the index of the interface, which is up
 * @throws InterfaceError EMULATOR_PORT_NO_INTERFACE, EMULATOR_PORT_DOWN
 */
export function usableInterface(libc: Libc, name: string): number {
  const index = isInterfaceName(name) ? libc.ifNameToIndex(name) : 0;
  if (index === 0)
    throw new InterfaceError(
      'EMULATOR_PORT_NO_INTERFACE',
      `there is no network interface "${name}"; valid: ${interfaceNames().join(', ')}`,
    );
  if (!isUp(libc, name))
    throw new InterfaceError(
      'EMULATOR_PORT_DOWN',
      `network interface "${name}" is down; bring it up with "ip link set ${name} up"`,
    );
  return index;
}

function isUp(libc: Libc, name: string): boolean {
  const request = ask(libc, name, SIOCGIFFLAGS);
  return request !== undefined && (request[IFNAMSIZ]! & IFF_UP) !== 0;
}

/** Maximum payload of a frame after the Ethernet header, in bytes; 0 if there is no such interface. */
export function mtuOf(libc: Libc, name: string): number {
  const request = ask(libc, name, SIOCGIFMTU);
  return request === undefined ? 0 : new DataView(request.buffer).getInt32(IFNAMSIZ, true);
}

/** @returns the `struct ifreq` with the answer */
function ask(libc: Libc, name: string, what: number): Uint8Array | undefined {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name));
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    return libc.ioctl(socket, what, request) === 0 ? request : undefined;
  } finally {
    libc.close(socket);
  }
}
