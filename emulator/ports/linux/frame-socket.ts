import { POLLIN } from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';

export interface FrameSocketOptions {
  /**
   * Whether to send by AF_XDP, if this kernel can and the socket is an interface's; otherwise it is a packet socket,
   * which is slower. Default true.
   */
  readonly useXdp?: boolean;
  /** Whether to receive from a ring, if this kernel can and the socket is an interface's. Default true. */
  readonly useRing?: boolean;
  /** The memory of the region, if it may grow: otherwise frames beyond its initial size are sent the slower way. */
  readonly memory?: { readonly buffer: ArrayBufferLike };
}

/**
 * One port of a switch whose frames lie in the caller's memory: for a packet loop on its own thread, over the memory of
 * a WebAssembly module. It copies as little as it can, allocates nothing per frame, and never waits (see
 * {@link waitForFrames}).
 */
export interface FrameSocket {
  readonly closed: boolean;
  /** Descriptor for poll(2): readable when frames are waiting. */
  readonly descriptor: number;
  /** Whether the last {@link receive} left frames, already taken from the kernel, for the next call. */
  readonly hasLeft: boolean;
  /** Takes what has arrived. Never waits. @returns how many frames are in memory now, until the next call */
  receive(): number;
  /** Where frame i of the last {@link receive} begins, counted from the start of the region's buffer. It may be changed. */
  offset(i: number): number;
  /** Bytes of frame i. */
  length(i: number): number;
  /** Bytes from the start of frame i on that may be changed: what is after them is another's. */
  room(i: number): number;
  /**
   * Queues a frame that lies anywhere in the region's buffer, and stays there unchanged until {@link flush}.
   * @param offset from the start of the buffer
   */
  send(offset: number, length: number): void;
  /** Sends what is queued. */
  flush(): void;
  /**
   * Continues in another memory: frames of the last {@link receive} stay in the old one, and what is queued is sent.
   * @throws RangeError if the region is too small, the socket is closed or frames are left behind ({@link hasLeft})
   */
  moveTo(region: Uint8Array, options?: FrameSocketOptions): void;
  close(): void;
}

/** `struct pollfd` */
const POLLFD_BYTES = 8;
/** V8 keeps smaller typed arrays where they may move. */
const LEAST_BYTES = 72;

/**
 * Blocks the thread until a frame has arrived at one of the sockets.
 * @param descriptor another one that ends the wait when it is readable: an eventfd, a pipe
 * @returns whether anything is readable
 */
export function waitForFrames(
  libc: Libc,
  sockets: readonly FrameSocket[],
  timeoutMs: number,
  descriptor?: number,
): boolean {
  const descriptors = sockets.filter(({ closed }) => !closed).map((socket) => socket.descriptor);
  if (descriptor !== undefined) descriptors.push(descriptor);
  const polled = new Uint8Array(Math.max(LEAST_BYTES, descriptors.length * POLLFD_BYTES));
  const view = new DataView(polled.buffer);
  descriptors.forEach((fd, i) => {
    view.setInt32(i * POLLFD_BYTES, fd, true);
    view.setInt16(i * POLLFD_BYTES + 4, POLLIN, true);
  });
  return libc.poll(polled, descriptors.length, timeoutMs) > 0;
}
