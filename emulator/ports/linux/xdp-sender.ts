import {
  AF_XDP,
  MAP_POPULATE,
  MAP_SHARED,
  MSG_DONTWAIT,
  PROT_READ_WRITE,
  SockaddrXdp,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_XDP,
  XDP_COPY,
  XDP_DESC_BYTES,
  XDP_MAX_TX_SKB_BUDGET,
  XDP_MMAP_OFFSETS,
  XDP_PGOFF_TX_RING,
  XDP_TX_RING,
  XDP_UMEM_COMPLETION_RING,
  XDP_UMEM_FILL_RING,
  XDP_UMEM_PGOFF_COMPLETION_RING,
  XDP_UMEM_REG,
  XdpMmapOffsets,
  XdpUmemReg,
} from '../../../net/linux/abi.js';
import { mtuOf } from './interfaces.js';
import type { Libc } from '../../../net/linux/libc.js';

/** The kernel's largest: a page. */
const CHUNK_BYTES = 4096;
/** Also the entries of each ring, so that none can overflow. A power of two. */
const CHUNKS = 256;
const ETHERNET_BYTES = 14;
/** The kernel releases a socket's queue in the background, a little after it was closed. */
const BUSY_TRIES = 20;
const BUSY_MS = 10;
/** Longer frames are copied by the library's function. */
const MAX_WORD_COPY_BYTES = 128;
/** Retries while the kernel takes nothing; after them its queue counts as full. */
const STUCK_TRIES = 16;

/**
 * Sends frames by an AF_XDP socket (Documentation/networking/af_xdp.rst) that only sends: it needs no XDP program,
 * and one system call takes a whole batch from a ring. That costs a third less than sendmmsg on a packet socket
 * (docs/performance.md). Frames are copied into the socket's own memory.
 */
export class XdpSender {
  /** Memory that the socket needs, from a multiple of {@link CHUNK_BYTES} on. */
  static readonly MEMORY_BYTES = CHUNKS * CHUNK_BYTES;
  static readonly ALIGNMENT = CHUNK_BYTES;

  /** Frames that the kernel took, and those it did not: interface down or gone, queue full. */
  sent = 0;
  failed = 0;
  /** Offsets of the chunks that are free: the last one is used first, as it is likely to be in the cache. */
  private readonly free = Uint32Array.from({ length: CHUNKS }, (_, i) => i * CHUNK_BYTES);
  private freeCount = CHUNKS;
  /** Next entry of the ring to write; the kernel has been told of those before `told`. */
  private producer = 0;
  private told = 0;
  private bytes: Uint8Array;
  private words: Int32Array;

  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    private readonly memory: { readonly buffer: ArrayBufferLike },
    private readonly memoryAt: number,
    private readonly transmit: Ring,
    private readonly completion: Ring,
    private readonly maxBytes: number,
  ) {
    this.bytes = new Uint8Array(memory.buffer);
    this.words = wordsOf(memory.buffer);
  }

  /**
   * @param memory whose buffer stays where it is; if it is a WebAssembly memory it may grow
   * @param memoryAt offset of the sender's own part of it
   * @returns undefined where the kernel or missing permissions refuse it
   */
  static open(
    libc: Libc,
    interfaceName: string,
    memory: { readonly buffer: ArrayBufferLike },
    memoryAt: number,
  ): XdpSender | undefined {
    const fd = libc.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    const sender = new Opening(libc, fd).open(
      interfaceName,
      libc.addressOf(new Uint8Array(memory.buffer)) + BigInt(memoryAt),
    );
    if (sender === undefined) {
      libc.close(fd);
      return undefined;
    }
    const maxBytes = Math.min(CHUNK_BYTES, mtuOf(libc, interfaceName) + ETHERNET_BYTES);
    return new XdpSender(libc, fd, memory, memoryAt, sender.transmit, sender.completion, maxBytes);
  }

  /** Whether {@link put} can take such a frame: not larger than the MTU was, and within the memory. */
  carries(offset: number, length: number): boolean {
    if (length > this.maxBytes) return false;
    if (offset + length > this.bytes.length) {
      this.bytes = new Uint8Array(this.memory.buffer);
      this.words = wordsOf(this.memory.buffer);
    }
    return offset + length <= this.bytes.length;
  }

  /** Queues a copy of a frame that {@link carries} has accepted. */
  put(offset: number, length: number): void {
    if (this.freeCount === 0) this.flush();
    if (this.freeCount === 0) {
      this.failed++;
      return;
    }
    const chunk = this.free[--this.freeCount]!;
    const at = this.memoryAt + chunk;
    this.copy(at, offset, length);
    const entry = (this.producer & (CHUNKS - 1)) * (XDP_DESC_BYTES / 4);
    const { entries } = this.transmit;
    entries[entry] = chunk;
    entries[entry + 1] = 0;
    entries[entry + 2] = length;
    entries[entry + 3] = 0;
    this.producer = (this.producer + 1) | 0;
  }

  /** Sends what is queued. */
  flush(): void {
    const { libc, transmit } = this;
    if (this.told === this.producer) return;
    Atomics.store(transmit.producer, 0, this.producer);
    let stuck = 0;
    while (this.told !== this.producer) {
      const result = libc.kick(this.fd, MSG_DONTWAIT);
      const done = Atomics.load(transmit.consumer, 0);
      this.sent += (done - this.told) | 0;
      if (result < 0) {
        const error = libc.errorName(libc.errno());
        // The frame that was taken last has been dropped.
        if (error === 'EBUSY' && done !== this.told) {
          this.sent--;
          this.failed++;
        } else if (error !== 'EAGAIN' && error !== 'EBUSY' && error !== 'ENOBUFS') stuck = STUCK_TRIES;
      }
      stuck = done === this.told ? stuck + 1 : 0;
      this.told = done;
      this.takeCompletions();
      if (stuck >= STUCK_TRIES) this.retract();
    }
  }

  /** What is queued is not sent. */
  close(): void {
    this.libc.close(this.fd);
    this.libc.unmap(this.transmit.memory);
    this.libc.unmap(this.completion.memory);
  }

  /** Short frames are copied by words: calling the library's function takes longer than that. */
  private copy(to: number, from: number, length: number): void {
    const { words } = this;
    const end = (from + length + 3) >>> 2;
    if (length > MAX_WORD_COPY_BYTES || (from & 3) !== 0 || end > words.length) {
      this.bytes.copyWithin(to, from, from + length);
      return;
    }
    for (let i = from >>> 2, j = to >>> 2; i < end; i++, j++) words[j] = words[i]!;
  }

  /** The kernel works on the ring only within {@link Libc.kick}, so entries that it has not taken are still ours. */
  private retract(): void {
    while (this.producer !== this.told) {
      this.producer = (this.producer - 1) | 0;
      this.free[this.freeCount++] = this.transmit.entries[(this.producer & (CHUNKS - 1)) * (XDP_DESC_BYTES / 4)]!;
      this.failed++;
    }
    Atomics.store(this.transmit.producer, 0, this.producer);
  }

  private takeCompletions(): void {
    const { producer, consumer, entries } = this.completion;
    let at = Atomics.load(consumer, 0);
    for (const end = Atomics.load(producer, 0); at !== end; at = (at + 1) | 0) {
      this.free[this.freeCount++] = entries[(at & (CHUNKS - 1)) * 2]!;
    }
    Atomics.store(consumer, 0, at);
  }
}

/** Indices run over 32 bits; an entry's place is its index modulo the ring's length. */
interface Ring {
  readonly memory: ArrayBuffer;
  readonly producer: Int32Array;
  readonly consumer: Int32Array;
  /** 32-bit words. */
  readonly entries: Uint32Array;
}

class Opening {
  constructor(
    private readonly libc: Libc,
    private readonly fd: number,
  ) {}

  open(interfaceName: string, address: bigint): { transmit: Ring; completion: Ring } | undefined {
    const { libc, fd } = this;
    const registration = new Uint8Array(XdpUmemReg.bytes);
    const view = new DataView(registration.buffer);
    view.setBigUint64(XdpUmemReg.address, address, true);
    view.setBigUint64(XdpUmemReg.length, BigInt(XdpSender.MEMORY_BYTES), true);
    view.setUint32(XdpUmemReg.chunkSize, CHUNK_BYTES, true);
    // Nothing is received, but the kernel requires a fill ring all the same.
    const isSet =
      this.set(XDP_UMEM_REG, registration) &&
      [XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_TX_RING].every((ring) => this.set(ring, int32(CHUNKS)));
    if (!isSet) return undefined;
    const offsets = new Uint8Array(XdpMmapOffsets.bytes);
    const length = new Uint8Array(72);
    length[0] = offsets.length;
    if (libc.getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, offsets, length) !== 0) return undefined;
    const transmit = this.ring(offsets, XdpMmapOffsets.tx, XDP_DESC_BYTES, XDP_PGOFF_TX_RING);
    if (transmit === undefined) return undefined;
    const completion = this.ring(offsets, XdpMmapOffsets.completion, 8, XDP_UMEM_PGOFF_COMPLETION_RING);
    if (completion !== undefined && this.bind(interfaceName)) {
      // Older kernels take 32 per call.
      this.set(XDP_MAX_TX_SKB_BUDGET, int32(CHUNKS));
      return { transmit, completion };
    }
    libc.unmap(transmit.memory);
    if (completion !== undefined) libc.unmap(completion.memory);
    return undefined;
  }

  private set(option: number, value: Uint8Array): boolean {
    return this.libc.setsockopt(this.fd, SOL_XDP, option, value, value.length) === 0;
  }

  private ring(offsets: Uint8Array, which: number, entryBytes: number, page: bigint): Ring | undefined {
    const view = new DataView(offsets.buffer);
    const at = (what: number): number => Number(view.getBigUint64(which + what, true));
    const memory = this.libc.map(
      this.fd,
      at(XdpMmapOffsets.entries) + CHUNKS * entryBytes,
      PROT_READ_WRITE,
      MAP_SHARED | MAP_POPULATE,
      page,
    );
    if (memory === undefined) return undefined;
    return {
      memory,
      producer: new Int32Array(memory, at(XdpMmapOffsets.producer), 1),
      consumer: new Int32Array(memory, at(XdpMmapOffsets.consumer), 1),
      entries: new Uint32Array(memory, at(XdpMmapOffsets.entries), (CHUNKS * entryBytes) / 4),
    };
  }

  private bind(interfaceName: string): boolean {
    const address = new Uint8Array(SockaddrXdp.bytes);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_XDP, true);
    view.setUint16(SockaddrXdp.flags, XDP_COPY, true);
    view.setUint32(SockaddrXdp.ifindex, this.libc.ifNameToIndex(interfaceName), true);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let n = 0; n < BUSY_TRIES; n++) {
      if (this.libc.bind(this.fd, address, address.length) === 0) return true;
      if (this.libc.errorName(this.libc.errno()) !== 'EBUSY') return false;
      Atomics.wait(pause, 0, 0, BUSY_MS);
    }
    return false;
  }
}

function wordsOf(buffer: ArrayBufferLike): Int32Array {
  return new Int32Array(buffer, 0, buffer.byteLength >>> 2);
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
