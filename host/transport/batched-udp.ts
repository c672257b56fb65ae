/** The fast transport: a UDP socket whose datagrams travel in batches, through calls of the C library. */
import { uint32 } from '../../net/big-endian.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { LibcMissing, loadLibc, type Libc, type Watch } from '../../net/linux/libc.js';
import { SockaddrIn } from '../../net/linux/abi.js';
import { UdpReceiver } from '../../net/linux/udp-receiver.js';
import { UdpSender } from '../../net/linux/udp-sender.js';
import { openUdpSocket, socketAddress, UdpSocketRefused, type UdpSocketHandle } from '../../net/linux/udp-socket.js';
import { TransportError } from '../errors.js';
import { SOCKET_BUFFER_BYTES, type DgramOptions } from './dgram.js';
import type { LocalAddress, ServiceAddress, Transport } from './transport.js';

/** Messages per system call; each may hold up to 64 datagrams that the kernel joined. */
const MESSAGES = 16;
const MESSAGE_BYTES = 64 * 1024;
/** System calls before the event loop gets its turn. */
const BATCHES = 8;
/** Shorter messages are copied: V8 may keep small arrays where they can move. */
const LEAST_BYTES = 128;
const SMALL_MESSAGES = 64;

export class BatchedUdpTransport implements Transport {
  onMessage: ((message: Uint8Array) => void) | undefined;
  readonly localAddress: LocalAddress;
  private readonly receiver: UdpReceiver;
  private readonly sender: UdpSender;
  private readonly memory = new Uint8Array(MESSAGES * MESSAGE_BYTES);
  /** Views of the datagrams of one size, which nearly all have: of each message its first, second, … datagram. */
  private views: Uint8Array[] = [];
  private viewBytes = 0;
  private viewsPerMessage = 0;
  private readonly small = new Uint8Array(SMALL_MESSAGES * LEAST_BYTES);
  private readonly smallAt: number;
  private smallUsed = 0;
  /** The buffer that was sent from last, and where it is. */
  private lastBuffer: ArrayBufferLike | undefined;
  private lastAddress = 0;
  private watching: Watch | undefined;
  private service: ServiceAddress | undefined;
  /** Receiver of every message; 0: the socket is connected. */
  private toIp = 0;
  /** Within a callback of the socket, whose end flushes; microtasks do not run after callbacks from koffi. */
  private isReading = false;
  private isFlushing = false;
  private closed = false;
  private readonly errors = new Map<string, number>();

  private constructor(
    private readonly libc: Libc,
    private readonly handle: UdpSocketHandle,
    private readonly options: Readonly<DgramOptions>,
  ) {
    this.receiver = new UdpReceiver(libc, handle.fd, MESSAGES);
    this.sender = new UdpSender(libc, handle.fd, handle.segments);
    const at = Number(libc.addressOf(this.memory));
    for (let i = 0; i < MESSAGES; i++) this.receiver.place(i, at + i * MESSAGE_BYTES, MESSAGE_BYTES);
    this.smallAt = Number(libc.addressOf(this.small));
    this.localAddress = {
      ip: options.ip,
      udpPort: handle.port,
      ...(options.mac === undefined ? {} : { mac: options.mac }),
      ...(options.switchPort === undefined ? {} : { switchPort: options.switchPort }),
    };
  }

  /**
   * @param loaded functions of the C library; default: those of this machine
   * @returns the reason if this machine cannot do it
   * @throws TransportError if the address cannot be bound
   */
  static async open(
    options: Readonly<DgramOptions>,
    loaded?: Libc | LibcMissing,
  ): Promise<BatchedUdpTransport | LibcMissing> {
    const libc = loaded ?? (await loadLibc());
    if (libc instanceof LibcMissing) return libc;
    const { ip, udpPort = 0, socketBufferBytes = SOCKET_BUFFER_BYTES } = options;
    const bytes = ipv4ToBytes(ip);
    if (bytes === undefined) return new LibcMissing(`takes IPv4 addresses only, not ${ip}`);
    const handle = openUdpSocket(libc, { ip: bytes, port: udpPort, bufferBytes: socketBufferBytes, whole: true });
    if (handle instanceof UdpSocketRefused)
      throw new TransportError(`cannot bind UDP ${ip}:${udpPort}: ${handle.symbol}`);
    const transport = new BatchedUdpTransport(libc, handle, options);
    // Sandboxes let pass what node:dgram needs, and not always these.
    const { receiver } = transport;
    const strays = receiver.receive();
    if (receiver.lastError !== undefined) {
      await transport.close();
      return new LibcMissing(`is not permitted here (recvmmsg: ${receiver.lastError})`);
    }
    for (let i = 0; i < strays; i++) receiver.prepare(i);
    transport.watch();
    return transport;
  }

  get description(): string {
    const { segments, joins } = this.handle;
    const isRefused = segments && !this.sender.segmentation;
    const used = [...(segments && !isRefused ? ['UDP_SEGMENT'] : []), ...(joins ? ['UDP_GRO'] : [])];
    const lacking = [...(segments ? [] : ['UDP_SEGMENT']), ...(joins ? [] : ['UDP_GRO'])];
    return [
      `batches${used.length === 0 ? '' : ` with ${used.join(' and ')}`}`,
      ...(lacking.length === 0 ? [] : [`without ${lacking.join(' and ')}, which this kernel lacks`]),
      ...(isRefused ? ['without UDP_SEGMENT, which the way to the switch refuses'] : []),
    ].join(', ');
  }

  get bufferBytes(): number {
    return this.handle.bufferBytes;
  }

  connect(service: ServiceAddress): Promise<void> {
    if (this.service?.ip === service.ip && this.service.udpPort === service.udpPort) return Promise.resolve();
    this.service = service;
    const ip = ipv4ToBytes(service.ip);
    if (ip === undefined) throw new TransportError(`'${service.ip}' is not an IPv4 address`);
    this.toIp = 0;
    if (this.options.connected === false) {
      this.toIp = uint32(ip, 0);
      return Promise.resolve();
    }
    const { libc, handle, localAddress } = this;
    if (libc.connect(handle.fd, socketAddress(ip, service.udpPort), SockaddrIn.bytes) !== 0) {
      const why = libc.errorName(libc.errno());
      const path = `from ${localAddress.ip} to ${service.ip}:${service.udpPort}`;
      return Promise.reject(new TransportError(`cannot send ${path}: ${why}`));
    }
    return Promise.resolve();
  }

  send(memory: Uint8Array, at: number, length: number): void {
    const { service } = this;
    if (this.closed || service === undefined) return;
    this.sender.put(this.toIp, this.toIp === 0 ? 0 : service.udpPort, this.placeOf(memory, at, length), length);
    if (this.isReading || this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => this.flush());
  }

  note(): string | undefined {
    // A refused datagram is reported to whichever call comes next.
    const counts = new Map(this.errors);
    for (const [code, count] of this.sender.errors) counts.set(code, (counts.get(code) ?? 0) + count);
    const list = [...counts].map(([code, count]) => `${count} times ${code}`);
    return list.length === 0 ? undefined : `the socket reported ${list.join(', ')}`;
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.flush();
    this.closed = true;
    this.onMessage = undefined;
    this.watching?.close();
    this.libc.close(this.handle.fd);
    return Promise.resolve();
  }

  private flush(): void {
    this.isFlushing = false;
    if (this.closed) return;
    this.sender.flush();
    this.smallUsed = 0;
  }

  /** Address of a message, which stays where it is until the batch is sent. */
  private placeOf(memory: Uint8Array, offset: number, length: number): number {
    if (length < LEAST_BYTES) {
      if (this.smallUsed === SMALL_MESSAGES) this.flush();
      const at = this.smallUsed++ * LEAST_BYTES;
      this.small.set(memory.subarray(offset, offset + length), at);
      return this.smallAt + at;
    }
    if (memory.buffer !== this.lastBuffer) {
      this.lastBuffer = memory.buffer;
      this.lastAddress = Number(this.libc.addressOf(new Uint8Array(memory.buffer)));
    }
    return this.lastAddress + memory.byteOffset + offset;
  }

  private watch(): void {
    this.watching = this.libc.watch(this.handle.fd, { readable: true, writable: false }, (failed) => {
      this.read();
      // A refused datagram counts as an error of the descriptor, which ends the watch.
      if (!failed || this.closed) return;
      this.watching?.close();
      this.watch();
    });
  }

  private read(): void {
    if (this.closed) return;
    const { receiver } = this;
    this.isReading = true;
    for (let batch = 0; batch < BATCHES; batch++) {
      const count = receiver.receive();
      if (receiver.lastError !== undefined) this.count(receiver.lastError);
      for (let i = 0; i < count; i++) {
        this.deliver(i);
        receiver.prepare(i);
      }
      this.flush();
      if (count < MESSAGES || this.closed) break;
    }
    this.isReading = false;
    this.flush();
  }

  private deliver(i: number): void {
    const { receiver } = this;
    const length = receiver.length(i);
    const size = receiver.datagramBytes(i);
    if (receiver.isCutOff(i)) {
      this.count('MSG_TRUNC');
      return;
    }
    let done = 0;
    do {
      const bytes = Math.min(size, length - done);
      this.onMessage?.(this.view(i, done, bytes));
      done += bytes;
    } while (done < length);
  }

  private view(i: number, offset: number, bytes: number): Uint8Array {
    const start = i * MESSAGE_BYTES + offset;
    if (bytes < LEAST_BYTES || offset % bytes !== 0) return this.memory.subarray(start, start + bytes);
    if (bytes !== this.viewBytes) {
      if (offset > 0) return this.memory.subarray(start, start + bytes);
      this.viewBytes = bytes;
      this.viewsPerMessage = Math.floor(MESSAGE_BYTES / bytes);
      this.views = [];
    }
    return (this.views[i * this.viewsPerMessage + offset / bytes] ??= this.memory.subarray(start, start + bytes));
  }

  private count(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}
