import { MSG_DONTWAIT, MSG_TRUNC, POLLIN } from '../../../net/linux/abi.js';
import type { Libc, Watch } from '../../../net/linux/libc.js';
import { MAX_FRAME_BYTES, MessageBatch } from './message-batch.js';
import { finish, insertTag, isFinished, readOffload, VLAN_TAG_BYTES } from './offload.js';
import { requireLibc } from './require-libc.js';
import { openReceiver, takeDrops } from './packet-socket.js';

/** Frames per system call. */
const BATCH_FRAMES = 64;
const ETHERNET_BYTES = 14;

export interface RawSocketStatistics {
  /** Frames given to the caller, after segmentation. */
  received: number;
  /** Frames that came in but could not be completed into what a wire would carry. */
  unfinished: number;
  sent: number;
  /** Frames that are larger than the interface's MTU allows, or smaller than an Ethernet header. */
  badSize: number;
  /** Frames that the kernel did not take: interface down or gone, queue full. */
  sendErrors: number;
  /** Times that the socket woke the event loop: does not grow while nothing arrives. */
  wakeups: number;
}

/**
 * One network interface of Linux, frame by frame: an AF_PACKET socket (packet(7)). It receives whatever arrives, for
 * any address, but nothing that leaves; frames have neither preamble nor check sequence. Frames that a sender on this
 * machine left for its card to finish are finished: checksums summed, segments split, VLAN tags put back.
 */
export class RawSocket {
  readonly statistics: RawSocketStatistics = {
    received: 0,
    unfinished: 0,
    sent: 0,
    badSize: 0,
    sendErrors: 0,
    wakeups: 0,
  };
  private readonly incoming: MessageBatch;
  private readonly outgoing: MessageBatch;
  private readonly taggedSegment = new Uint8Array(MAX_FRAME_BYTES + VLAN_TAG_BYTES);
  private readonly segment = this.taggedSegment.subarray(VLAN_TAG_BYTES);
  /** Frames of `outgoing` that are not sent yet: its first ones. */
  private pending = 0;
  private readonly pollDescriptor: Uint8Array;
  private watching: Watch | undefined;
  private onReady: (() => void) | undefined;
  private isClosed = false;

  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    readonly interfaceName: string,
  ) {
    this.incoming = new MessageBatch(libc, BATCH_FRAMES);
    this.outgoing = new MessageBatch(libc, BATCH_FRAMES);
    for (let i = 0; i < BATCH_FRAMES; i++) this.incoming.prepareToReceive(i);
    this.pollDescriptor = new Uint8Array(72);
    const view = new DataView(this.pollDescriptor.buffer);
    view.setInt32(0, fd, true);
    view.setInt16(4, POLLIN, true);
  }

  /**
   * @param interfaceName in the network namespace of the calling thread
   * @throws InterfaceError with one of the reasons EMULATOR_PORT_NO_INTERFACE, EMULATOR_PORT_DOWN,
   *   EMULATOR_PORT_PERMISSION, EMULATOR_PORT_UNSUPPORTED, EMULATOR_PORT_FAILED
   */
  static async open(interfaceName: string): Promise<RawSocket> {
    return RawSocket.openWith(await requireLibc(), interfaceName);
  }

  /** Opens synchronously, so that the caller decides in which network namespace. */
  static openWith(libc: Libc, interfaceName: string): RawSocket {
    return new RawSocket(libc, openReceiver(libc, interfaceName), interfaceName);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /**
   * Takes what has arrived, at most one batch of the kernel's (64 frames). Never waits.
   * @param onFrame is given memory whose first `length` bytes are the frame, valid until it returns
   * @returns whether there may be more
   */
  receive(onFrame: (memory: Uint8Array, length: number) => void): boolean {
    if (this.isClosed) return false;
    const count = this.libc.recvmmsg(this.fd, this.incoming.addresses[0]!, BATCH_FRAMES, MSG_DONTWAIT);
    // An interface that goes down reports one error; when it comes up again the socket continues.
    if (count < 0) return false;
    for (let i = 0; i < count && !this.isClosed; i++) this.take(i, onFrame);
    for (let i = 0; i < count; i++) this.incoming.prepareToReceive(i);
    return count === BATCH_FRAMES;
  }

  /**
   * Queues a frame, which is copied. Full batches are sent immediately, the rest with {@link flush}; frames that the
   * kernel has no room for are dropped and counted, as a switch does.
   */
  send(frame: Uint8Array): void {
    if (this.isClosed) {
      this.statistics.sendErrors++;
      return;
    }
    if (frame.length < ETHERNET_BYTES || frame.length > MAX_FRAME_BYTES) {
      this.statistics.badSize++;
      return;
    }
    this.outgoing.frames[this.pending]!.set(frame);
    this.outgoing.prepareToSend(this.pending++, frame.length);
    if (this.pending === BATCH_FRAMES) this.flush();
  }

  /** Sends what is queued. */
  flush(): void {
    const { statistics, outgoing } = this;
    let done = 0;
    while (done < this.pending && !this.isClosed) {
      const count = this.libc.sendmmsg(this.fd, outgoing.addresses[done]!, this.pending - done, MSG_DONTWAIT);
      if (count > 0) {
        statistics.sent += count;
        done += count;
        continue;
      }
      // sendmmsg fails only for its first message; the others get their own chance.
      if (this.libc.errorName(this.libc.errno()) === 'EMSGSIZE') statistics.badSize++;
      else statistics.sendErrors++;
      done++;
    }
    this.pending = 0;
  }

  /** Calls back on the event loop, at every turn while frames wait; never otherwise. Keeps the process alive. */
  watch(onReady: () => void): void {
    this.onReady = onReady;
    this.arm();
  }

  /** Blocks the thread until a frame has arrived: for measurements, not for an event loop. @returns whether one has */
  wait(timeoutMs: number): boolean {
    return this.libc.poll(this.pollDescriptor, 1, timeoutMs) > 0;
  }

  /** Frames that the kernel dropped since the last call because they were not read in time. */
  takeOverruns(): number {
    return this.isClosed ? 0 : takeDrops(this.libc, this.fd);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.watching?.close();
    this.watching = undefined;
    this.libc.close(this.fd);
  }

  private arm(): void {
    this.watching?.close();
    this.watching = this.libc.watch(this.fd, { readable: true, writable: false }, (failed) => {
      this.statistics.wakeups++;
      this.onReady?.();
      // libuv has stopped watching a descriptor with an error; receive() has cleared the error by now.
      if (failed && !this.isClosed) this.arm();
    });
  }

  private take(i: number, onFrame: (memory: Uint8Array, length: number) => void): void {
    const { incoming, statistics, segment } = this;
    const length = incoming.length(i);
    if (length < 0 || (incoming.flags(i) & MSG_TRUNC) !== 0) {
      statistics.unfinished++;
      return;
    }
    const frame = incoming.frames[i]!;
    const offload = incoming.offloadAt(i);
    const vlan = incoming.vlan(i);
    if (vlan === undefined && isFinished(incoming.view, offload)) {
      statistics.received++;
      onFrame(frame, length);
      return;
    }
    const isCarried = finish(frame, length, readOffload(incoming.view, offload), segment, (memory, bytes) => {
      statistics.received++;
      if (vlan === undefined) {
        onFrame(memory, bytes);
        return;
      }
      const tagged = memory === frame ? incoming.taggedFrames[i]! : this.taggedSegment;
      insertTag(tagged, vlan.tpid, vlan.tci);
      onFrame(tagged, bytes + VLAN_TAG_BYTES);
    });
    if (!isCarried) statistics.unfinished++;
  }
}
