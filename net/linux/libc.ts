/** The functions of the C library that sockets need beyond what node:dgram has, through koffi. */
import { endianness } from 'node:os';
import { MAP_FIXED } from './abi.js';

/** Reports that a descriptor may be read or written; stops when the descriptor has an error. */
export interface Watch {
  close(): void;
}

/** Pointers are addresses as bigint; a function that fails returns -1 and leaves {@link Libc.errno}. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, bytes: number): number;
  connect(fd: number, address: Uint8Array, bytes: number): number;
  getsockname(fd: number, address: Uint8Array, bytes: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, bytes: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, bytes: Uint8Array): number;
  /** @param argument of requests that take a pointer */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** 0 if there is no such interface. */
  ifNameToIndex(name: string): number;
  recvmmsg(fd: number, messages: bigint, count: number, flags: number): number;
  sendmmsg(fd: number, messages: bigint, count: number, flags: number): number;
  /** Sends without a message: only tells the kernel that the socket has work. */
  kick(fd: number, flags: number): number;
  /** Maps memory of a descriptor, as a view that must not be used after {@link unmap}; undefined if that fails. */
  map(fd: number, bytes: number, protection: number, flags: number, offset: bigint): ArrayBuffer | undefined;
  unmap(memory: ArrayBuffer): void;
  /** Memory of this process, also another thread's, which must outlive every use of the view. */
  view(address: bigint, bytes: number): ArrayBuffer;
  /** Maps memory of a descriptor (-1: none, all zero) over what is at an address, the start of a page. @returns whether it is */
  mapAt(address: bigint, fd: number, bytes: number, protection: number, flags: number): boolean;
  /** @param descriptors array of `struct pollfd` */
  poll(descriptors: Uint8Array, count: number, timeoutMs: number): number;
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  close(fd: number): number;
  /** A descriptor that is readable once something was written to it: eventfd(2). */
  eventfd(initial: number, flags: number): number;
  errno(): number;
  /** The symbol of an error number, `ENETDOWN`. */
  errorName(errno: number): string;
  /** Of memory that does not move: any typed array above V8's limit for inline ones (64 bytes). */
  addressOf(memory: Uint8Array): bigint;
  /** Calls back on the event loop, at every turn while the descriptor is ready. */
  watch(fd: number, events: { readable: boolean; writable: boolean }, ready: (failed: boolean) => void): Watch;
}

const ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64'];

/** Why the functions of the C library cannot be called here, for the sentence of whoever needs them. */
export class LibcMissing {
  constructor(readonly reason: string) {}
}

/** Loads koffi and finds the functions in this process, or says why that is impossible. */
export async function loadLibc(): Promise<Libc | LibcMissing> {
  if (process.platform !== 'linux') return new LibcMissing(`needs Linux, this is ${process.platform}`);
  if (endianness() !== 'LE' || !ARCHITECTURES.includes(process.arch))
    return new LibcMissing(`needs one of the architectures ${ARCHITECTURES.join(', ')}, this is ${process.arch}`);
  let koffi: typeof import('koffi').default;
  try {
    ({ default: koffi } = await import('koffi'));
  } catch (error) {
    const why = (error as Error).message;
    return new LibcMissing(
      `needs the package koffi, which does not load (${why}); install it with "npm install koffi"`,
    );
  }
  try {
    return functionsOf(koffi);
  } catch (error) {
    return new LibcMissing(`needs functions that this machine's C library lacks (${(error as Error).message})`);
  }
}

function functionsOf(koffi: typeof import('koffi').default): Libc {
  const library = koffi.load(null);
  const ioctl = library.func('int ioctl(int, unsigned long, ...)');
  const recvmmsg = library.func('int recvmmsg(int, void *, unsigned int, int, void *)');
  const mmap = library.func('void *mmap(void *, size_t, int, int, int, int64_t)');
  const munmap = library.func('int munmap(void *, size_t)');
  const send = library.func('int64_t send(int, void *, size_t, int)');
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  return {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, const void *, uint32_t)'),
    connect: library.func('int connect(int, const void *, uint32_t)'),
    getsockname: library.func('int getsockname(int, void *, void *)'),
    setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
    ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument) as number,
    ifNameToIndex: library.func('unsigned int if_nametoindex(const char *)'),
    recvmmsg: (fd, messages, count, flags) => recvmmsg(fd, messages, count, flags, null) as number,
    sendmmsg: library.func('int sendmmsg(int, void *, unsigned int, int)'),
    kick: (fd, flags) => Number(send(fd, null, 0, flags)),
    map: (fd, bytes, protection, flags, offset) => {
      const address = mmap(null, bytes, protection, flags, fd, offset) as bigint;
      return BigInt.asIntN(64, address) === -1n ? undefined : koffi.view(address, bytes);
    },
    mapAt: (address, fd, bytes, protection, flags) =>
      mmap(address, bytes, protection, flags | MAP_FIXED, fd, 0n) === address,
    unmap: (memory) => void munmap(koffi.address(new Uint8Array(memory)), memory.byteLength),
    view: (address, bytes) => koffi.view(address, bytes),
    poll: library.func('int poll(void *, unsigned long, int)'),
    setns: library.func('int setns(int, int)'),
    unshare: library.func('int unshare(int)'),
    close: library.func('int close(int)'),
    eventfd: library.func('int eventfd(unsigned int, int)'),
    errno: () => koffi.errno(),
    errorName: (errno) => names.get(errno) ?? `error ${errno}`,
    addressOf: (memory) => koffi.address(memory),
    // koffi calls back with a status before the events, which its type declarations lack.
    watch: (fd, events, ready) =>
      koffi.node.poll(fd, events, (...results: unknown[]) => ready(typeof results[0] === 'number' && results[0] < 0)),
  };
}
