/** The packet loop over the kernel's sockets: no event loop, no allocation for a packet, and one wait for all ports. */
import { readSync } from 'node:fs';
import { GrowableBuffer } from '../machine/growable-buffer.js';
import type { FrameSink } from '../machine/frames.js';
import { EmulatorError } from '../errors.js';
import { InterfaceError } from '../ports/linux/interface-error.js';
import type { Libc } from '../../net/linux/libc.js';
import { waitForFrames, type FrameSocket, type FrameSocketOptions } from '../ports/linux/frame-socket.js';
import { MemorySocket } from '../ports/linux/memory-socket.js';
import { UdpMemorySocket } from '../ports/linux/udp-memory-socket.js';
import { PortError } from '../ports/port.js';
import type { PortSpec } from '../ports/port-spec.js';
import { WORD, type ControlBlock } from './control-block.js';
import type { PacketLock } from './lock.js';
import type { PacketClock } from './packet-clock.js';
import type { PacketMemory, PacketProgram } from './packet-program.js';

/** Buffer for packets that leave, until they are sent. */
const OUTPUT_BYTES = 4 * 1024 * 1024;
/** Maximum number of packets for which the lock is held, so that the control plane waits for no more. */
const BATCH_PACKETS = 64;
/** Words are read at the start of packets. */
const ALIGNMENT = 16;
/** A process that exits waits for this thread up to this long. */
const WAIT_MS = 200;

/** The interpreter arena is used too briefly for anything but plain sockets to pay off. */
const PLAIN_SOCKETS: FrameSocketOptions = { useXdp: false };

export interface PacketLoopOptions {
  readonly cpuPort: number;
  /** A packet for the controller. */
  readonly onPacketIn: (bytes: Uint8Array) => void;
  /** A packet was aborted. @throws if the packet was not the cause */
  readonly onError: (error: unknown, port: number) => void;
  /** Handles messages of the main thread; calls {@link PacketLoop.change} and {@link PacketLoop.inject}. */
  readonly onMessages: () => void;
}

interface Stray {
  readonly port: number;
  readonly bytes: Uint8Array;
}

export class PacketLoop implements FrameSink {
  private readonly sockets: FrameSocket[] = [];
  /** Where each port is: HOST:UDPPORT, or the name of its interface. */
  readonly placesOfPorts = new Map<number, string>();
  private readonly numbers: number[] = [];
  private readonly byPort: (FrameSocket | undefined)[] = [];
  private program: PacketProgram | undefined;
  private here: Places;
  private readonly places = new WeakMap<PacketMemory, Places>();
  private outputs = 0;
  private outputTop = 0;
  private outputEnd = 0;
  private readonly leavingPorts: number[] = [];
  private readonly leavingAddresses: number[] = [];
  private readonly leavingLengths: number[] = [];
  private leaving = 0;
  /** Frames that arrived but did not run before the program changed. */
  private strays: Stray[] = [];
  private seenMessages = 0;
  /** Consecutive turns without anything to do. */
  private idleTurns = 0;
  private isOpen = true;
  private received = 0;
  private sent = 0;

  /**
   * @param arena memory of the sockets until the first program is compiled
   * @param wakeUpFd an eventfd that ends the wait
   * @throws PortError
   */
  constructor(
    private readonly libc: Libc,
    private readonly ports: readonly PortSpec[],
    arena: PacketMemory,
    private readonly wakeUpFd: number,
    private readonly block: ControlBlock,
    private readonly lock: PacketLock,
    private readonly clock: PacketClock,
    private readonly options: PacketLoopOptions,
  ) {
    this.here = this.place(arena);
    for (const [i, spec] of ports.entries()) {
      try {
        const socket = this.openSocket(spec, region(this.here, spec, i));
        this.sockets.push(socket);
        this.numbers.push(spec.number);
        this.byPort[spec.number] = socket;
      } catch (error) {
        for (const socket of this.sockets) socket.close();
        throw error instanceof InterfaceError ? new PortError(error.reason, spec.number, error.message) : error;
      }
    }
  }

  /** Runs this program from the next packet on, also for packets that have arrived but have not run. */
  change(program: PacketProgram): void {
    this.program = program;
    if (program.memory === this.here.memory) return;
    this.sockets.forEach((socket, i) => {
      while (socket.hasLeft) this.setAside(i, socket.receive());
    });
    this.here = this.place(program.memory);
    const { wasm } = program.memory;
    this.sockets.forEach((socket, i) =>
      socket.moveTo(region(this.here, this.ports[i]!, i), wasm === undefined ? PLAIN_SOCKETS : { memory: wasm }),
    );
  }

  /** Runs a packet as if it had arrived at this port. To be called from `onMessages` only. */
  inject(port: number, bytes: Uint8Array): void {
    const address = this.here.input.reserve(bytes.length + (this.program?.slack ?? 0));
    this.here.memory.bytes.set(bytes, address);
    this.lock.acquire();
    this.clock.tick();
    this.runOne(port, address, bytes.length);
    this.lock.release();
    this.flush();
  }

  close(): void {
    this.isOpen = false;
  }

  /** Runs until {@link close}. */
  run(): void {
    const { sockets, block, lock } = this;
    while (this.isOpen) {
      let busy = this.readMailbox();
      for (let i = 0; i < sockets.length; i++) {
        const count = sockets[i]!.receive();
        if (count === 0) continue;
        busy = true;
        if (Atomics.load(block.words, WORD.mailbox) === this.seenMessages) {
          lock.acquire();
          this.clock.tick();
          this.runFrames(i, count);
          lock.release();
          this.flush();
        } else {
          // Messages that were sent before these frames arrived must be handled before the frames run.
          this.setAside(i, count);
          this.readMailbox();
        }
      }
      if (busy) this.idleTurns = 0;
      else {
        this.idleTurns++;
        this.wait();
      }
    }
    this.sockets.forEach((socket) => socket.close());
    this.libc.close(this.wakeUpFd);
  }

  reserve(bytes: number): number {
    if (this.outputTop + bytes > this.outputEnd) {
      this.dispatch();
      this.flush();
    }
    return this.outputTop;
  }

  output(port: number, address: number, length: number): void {
    const at = this.leaving++;
    this.leavingPorts[at] = port;
    this.leavingAddresses[at] = address;
    this.leavingLengths[at] = length;
    this.outputTop = (address + length + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /** @throws PortError, InterfaceError */
  private openSocket(spec: PortSpec, at: Uint8Array): FrameSocket {
    if (spec.kind === 'udp') {
      const socket = UdpMemorySocket.openWith(this.libc, spec, at, PLAIN_SOCKETS);
      this.placesOfPorts.set(spec.number, socket.place);
      return socket;
    }
    this.placesOfPorts.set(spec.number, spec.interface);
    return MemorySocket.openWith(this.libc, spec.interface, at, PLAIN_SOCKETS);
  }

  private runFrames(index: number, count: number): void {
    const socket = this.sockets[index]!;
    const port = this.numbers[index]!;
    const slack = this.program?.slack ?? 0;
    for (let i = 0; i < count; i++) {
      if (i > 0 && i % BATCH_PACKETS === 0) {
        this.lock.release();
        this.lock.acquire();
      }
      const at = socket.offset(i);
      const length = socket.length(i);
      // Segments of one frame lie close together, and the bytes after a packet are overwritten.
      this.runOne(port, socket.room(i) < length + slack ? this.copied(at, length, slack) : at, length);
    }
  }

  private runOne(port: number, address: number, length: number): void {
    this.received++;
    this.leaving = 0;
    const { outputTop } = this;
    try {
      if (this.program === undefined) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded yet');
      this.program.run(port, address, length, this);
    } catch (error) {
      this.leaving = 0;
      this.outputTop = Math.min(outputTop, this.outputTop);
      this.giveUp(error, port);
      return;
    }
    this.dispatch();
  }

  private copied(address: number, length: number, slack: number): number {
    const to = this.here.input.reserve(length + slack);
    this.here.memory.bytes.copyWithin(to, address, address + length);
    return to;
  }

  private giveUp(error: unknown, port: number): void {
    if (error instanceof EmulatorError && error.code === 'EMULATOR_PACKET_ABORT') this.block.count('aborted');
    this.block.count('errors');
    this.options.onError(error, port);
  }

  private dispatch(): void {
    for (let i = 0; i < this.leaving; i++) {
      const port = this.leavingPorts[i]!;
      const socket = this.byPort[port];
      this.sent++;
      if (socket !== undefined) socket.send(this.leavingAddresses[i]!, this.leavingLengths[i]!);
      else if (port === this.options.cpuPort) {
        const address = this.leavingAddresses[i]!;
        this.options.onPacketIn(
          new Uint8Array(this.here.memory.bytes.subarray(address, address + this.leavingLengths[i]!)),
        );
      } else this.block.count('noPort');
    }
    this.leaving = 0;
  }

  private flush(): void {
    for (let i = 0; i < this.sockets.length; i++) this.sockets[i]!.flush();
    this.outputTop = this.outputs;
    this.block.add('received', this.received);
    this.block.add('sent', this.sent);
    this.received = this.sent = 0;
  }

  private readMailbox(): boolean {
    const messages = Atomics.load(this.block.words, WORD.mailbox);
    if (messages === this.seenMessages) return false;
    this.seenMessages = messages;
    this.options.onMessages();
    const { strays } = this;
    this.strays = [];
    for (const { port, bytes } of strays) this.inject(port, bytes);
    return true;
  }

  /** Copies frames of the last receive, as their memory is about to be left. */
  private setAside(index: number, count: number): void {
    const socket = this.sockets[index]!;
    for (let i = 0; i < count; i++) {
      const at = socket.offset(i);
      this.strays.push({
        port: this.numbers[index]!,
        bytes: new Uint8Array(this.here.memory.bytes.subarray(at, at + socket.length(i))),
      });
    }
  }

  private wait(): void {
    const { words } = this.block;
    Atomics.store(words, WORD.idle, 1);
    // For a message that was sent before the word was set, nothing was written to the wake-up descriptor.
    if (Atomics.load(words, WORD.mailbox) === this.seenMessages)
      waitForFrames(this.libc, this.sockets, WAIT_MS, this.wakeUpFd);
    Atomics.store(words, WORD.idle, 0);
    // A read that finds nothing costs more than a packet. A late wake-up makes the next wait end immediately.
    if (Atomics.load(words, WORD.mailbox) === this.seenMessages && this.idleTurns < 2) return;
    try {
      readSync(this.wakeUpFd, new Uint8Array(8));
    } catch {
      // Nothing had been written.
    }
  }

  /** Allocated once in each memory: the interpreter arena is reused. */
  private place(memory: PacketMemory): Places {
    let places = this.places.get(memory);
    if (places === undefined) {
      const regions = this.ports.map((spec) => memory.allocate(regionBytes(spec)));
      places = { memory, regions, outputs: memory.allocate(OUTPUT_BYTES), input: new GrowableBuffer(memory) };
      this.places.set(memory, places);
    }
    this.outputs = this.outputTop = places.outputs;
    this.outputEnd = places.outputs + OUTPUT_BYTES;
    return places;
  }
}

/** Where things lie in one memory. */
interface Places {
  readonly memory: PacketMemory;
  /** Of the sockets. */
  readonly regions: readonly number[];
  readonly outputs: number;
  /** For packets that do not come from a socket. */
  readonly input: GrowableBuffer;
}

/** Memory that the socket of a port needs. */
export function regionBytes({ kind }: PortSpec): number {
  return kind === 'udp' ? UdpMemorySocket.REGION_BYTES : MemorySocket.REGION_BYTES;
}

function region({ memory, regions }: Places, spec: PortSpec, i: number): Uint8Array {
  return new Uint8Array(memory.bytes.buffer, regions[i], regionBytes(spec));
}
