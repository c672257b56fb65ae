/** A program as the packet thread runs it. */
import type { FrameSink } from '../machine/frames.js';
import { MemoryView, type FrameMemory } from '../machine/memory-view.js';
import { PacketMachine } from '../machine/packet-machine.js';
import type { FrameHost } from '../machine/traffic-manager.js';
import type { WasmMemory } from '../machine/wasm.js';
import { wideComparison, wideOperations } from '../machine/wide.js';
import { PacketAbortError } from '../errors.js';
import type { Caller } from './calls.js';
import { WORD, type ControlBlock, type Count } from './control-block.js';
import type { ProgramCode } from './program-host.js';
import { STAGED, stagedBytes, STAGING_BYTES } from './staging.js';

export interface PacketMemory extends Pick<FrameMemory, 'bytes' | 'allocate' | 'release'> {
  /** If it is a WebAssembly memory, which may grow. */
  readonly wasm?: WasmMemory | undefined;
}

export interface PacketProgram {
  /** Where packets must lie to be run, and where they are allocated. */
  readonly memory: PacketMemory;
  /** This many bytes after a packet are overwritten. */
  readonly slack: number;
  /** @throws PacketAbortError; packets that left before are not withdrawn */
  run(port: number, address: number, length: number, sink: FrameSink): void;
}

/** Memory that only the packet thread allocates from, and that is only released as a whole. */
export class InterpreterArena implements PacketMemory {
  readonly bytes: Uint8Array;
  /** Where the main thread puts the output of packets that it has interpreted. */
  readonly staging: number;
  private top = 64;

  constructor(buffer: SharedArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.staging = this.allocate(STAGING_BYTES);
  }

  allocate(size: number): number {
    const address = this.top;
    this.top += Math.ceil(size / 64) * 64;
    if (this.top > this.bytes.length) throw new RangeError(`the interpreter arena has only ${this.bytes.length} bytes`);
    return address;
  }

  release(): void {}
}

/** A program that the main thread interprets, packet by packet. */
export class InterpretedPacketProgram implements PacketProgram {
  readonly slack = 0;
  private readonly view: DataView;

  constructor(
    private readonly number: number,
    readonly memory: InterpreterArena,
    private readonly caller: Caller,
  ) {
    this.view = new DataView(memory.bytes.buffer);
  }

  run(port: number, address: number, length: number, sink: FrameSink): void {
    const { caller, number, memory } = this;
    // An answer costs two thread switches, so it contains all output, unless that is too large.
    let staged = caller.call(number, 'interpret', port, address, length, memory.staging, STAGING_BYTES);
    while (staged < 0) {
      this.take(-staged, sink);
      staged = caller.call(number, 'more', memory.staging, STAGING_BYTES);
    }
    this.take(staged, sink);
  }

  private take(count: number, sink: FrameSink): void {
    const { memory, view } = this;
    let at = memory.staging;
    for (let i = 0; i < count; i++) {
      const bytes = view.getInt32(at + STAGED.length, true);
      const to = sink.reserve(bytes);
      memory.bytes.copyWithin(to, at + STAGED.bytes, at + STAGED.bytes + bytes);
      sink.output(view.getInt32(at + STAGED.port, true), to, bytes);
      at += stagedBytes(bytes);
    }
  }
}

const DROPS = {
  ingress: 'droppedInIngress',
  egress: 'droppedInEgress',
  queue: 'droppedInQueue',
  passes: 'droppedForPasses',
} as const satisfies Record<string, Count>;

/** A compiled program, which calls the main thread for the parts of the state that are in JavaScript. */
export class CompiledPacketProgram implements PacketProgram {
  readonly memory: RemoteMemory;
  readonly slack: number;
  private readonly machine: PacketMachine;

  constructor(number: number, code: ProgramCode, caller: Caller, block: ControlBlock, clock: () => number) {
    const memory = (this.memory = new RemoteMemory(code.memory, number, caller, block));
    const imports = {
      ...caller.imports(number),
      memory: code.memory,
      abort: (message: number): never => {
        throw new PacketAbortError(code.messages[message]!);
      },
      wide: wideOperations(memory),
      compare: wideComparison(memory),
    };
    const host: FrameHost = {
      clock,
      ...copies(number, caller, block, memory),
      digest: (frame) => void caller.call(number, 'digest', frame),
      onDrop: (where) => block.count(DROPS[where]),
    };
    this.slack = code.plan.slack;
    this.machine = new PacketMachine(code.plan, code.module, memory, host, imports);
  }

  run(port: number, address: number, length: number, sink: FrameSink): void {
    this.machine.run(port, address, length, sink);
  }
}

/** Linear memory whose heap belongs to the main thread. */
class RemoteMemory extends MemoryView implements FrameMemory {
  private growth = 0;

  constructor(
    readonly wasm: WasmMemory,
    private readonly number: number,
    private readonly caller: Caller,
    private readonly block: ControlBlock,
  ) {
    super(wasm);
  }

  allocate(size: number): number {
    const address = this.caller.call(this.number, 'allocate', size);
    this.follow();
    return address;
  }

  release(address: number, size: number): void {
    this.caller.call(this.number, 'release', address, size);
  }

  /** Must be called before anything is read that the main thread has allocated. */
  follow(): void {
    const growth = Atomics.load(this.block.words, WORD.growth);
    if (growth === this.growth) return;
    this.growth = growth;
    this.refresh();
  }
}

/** Lists of copies, requested once and cached until the control plane changes one. */
function copies(
  number: number,
  caller: Caller,
  { words }: ControlBlock,
  memory: RemoteMemory,
): Pick<FrameHost, 'multicastGroup' | 'cloneSession'> {
  const groups = new Map<number, number>();
  const sessions = new Map<number, number>();
  let seen = -1;
  const ask = (known: Map<number, number>, name: 'multicastGroup' | 'cloneSession', id: number): number => {
    const version = Atomics.load(words, WORD.replication);
    if (version !== seen) {
      groups.clear();
      sessions.clear();
      seen = version;
    }
    let address = known.get(id);
    if (address === undefined) {
      address = caller.call(number, name, id);
      memory.follow();
      known.set(id, address);
    }
    return address;
  };
  return {
    multicastGroup: (id) => ask(groups, 'multicastGroup', id),
    cloneSession: (id) => ask(sessions, 'cloneSession', id),
  };
}
