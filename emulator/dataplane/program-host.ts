import type { Control, Digest, Output } from '../control.js';
import { FrameBridge } from '../machine/bridge.js';
import { digestOf } from '../machine/digest.js';
import { framePlan, type FramePlan } from '../machine/frame-plan.js';
import { hostFunctions } from '../machine/host.js';
import { Layout } from '../machine/layout.js';
import { ProgramMemory } from '../machine/memory.js';
import type { Artifact } from '../machine/artifact.js';
import { ReplicationMemory } from '../machine/replication.js';
import { TableMemory } from '../machine/table-memory.js';
import type { WasmMemory, WasmModule } from '../machine/wasm.js';
import type { EngineHost } from '../engine.js';
import { Interpreter } from '../interpreter/interpreter.js';
import { loadProgram } from '../json/load.js';
import { Random } from '../../net/random.js';
import { ProgramState } from '../state/program-state.js';
import { StateControl } from '../state/state-control.js';
import { FUNCTIONS, type Callee, type FunctionName } from './calls.js';
import { WORD, type ControlBlock } from './control-block.js';
import type { MainLock } from './lock.js';
import { lockedControl } from './locked-control.js';
import { STAGED, stagedBytes } from './staging.js';

/** What the packet thread receives to run a program. */
export interface ProgramCode {
  readonly plan: FramePlan;
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  /** Texts that the compiled code refers to by number. */
  readonly messages: readonly string[];
}

export interface ProgramHostOptions extends Pick<
  EngineHost,
  'dropPort' | 'maxPasses' | 'queuesPerPort' | 'clock' | 'onLog' | 'onDrop'
> {
  readonly seed: number;
  /** Where packets of interpreted programs come from and go to. */
  readonly arena: () => Uint8Array;
}

/**
 * One program on the main thread: its state, the control plane's side of it, and all that the packet thread does not
 * do itself. At first its packets are interpreted here; {@link compile} lets the packet thread run them.
 */
export class ProgramHost {
  readonly control: Control;
  readonly state: ProgramState;
  private readonly memory: ProgramMemory;
  private readonly host: EngineHost;
  private readonly callees: Record<FunctionName, Callee>;
  /** Set once the program is compiled. */
  code: ProgramCode | undefined;
  private interpreter: Interpreter | undefined;
  /** Output of the last packet that was interpreted, and how many packets of it the packet thread has. */
  private outputs: readonly Output[] = [];
  private taken = 0;
  /** Size of the memory that the packet thread has been told of. */
  private seenBytes = 0;

  /** @param json BMv2 JSON. @throws ProgramFormatError, UnsupportedFeatureError */
  constructor(
    json: string,
    /** Identifies the program in calls. */
    readonly number: number,
    private readonly block: ControlBlock,
    lock: MainLock,
    private readonly options: ProgramHostOptions,
  ) {
    const program = loadProgram(json);
    this.memory = new ProgramMemory(new Layout(program));
    this.state = new ProgramState(program, options.clock(), this.memory);
    const control = new StateControl(() => this.state, options.clock);
    this.control = lockedControl(control, lock, block);
    this.host = {
      ...options,
      state: this.state,
      random: new Random(options.seed),
      onDigest: (digest: Digest) => control.publishDigest(digest),
    };
    const absent: Callee = () => {
      throw new Error('the program is not compiled yet');
    };
    this.callees = {
      ...(Object.fromEntries(FUNCTIONS.map((name) => [name, absent])) as Record<FunctionName, Callee>),
      interpret: (...args: [number, number, number, number, number]) => this.interpret(...args),
      more: (staging, capacity) => this.more(staging, capacity),
    };
  }

  callee(name: FunctionName): Callee {
    return this.callees[name];
  }

  /** Mirrors the state for compiled code. The packet thread runs the program with what this returns. */
  compile(artifact: Artifact): ProgramCode {
    const { block, host, memory, callees, state } = this;
    const { program, layout, fallbacks, module, scratchBytes } = artifact;
    memory.reserveScratch(scratchBytes);
    const bridge = new FrameBridge(program, layout, memory);
    const tables = state.tables.map((table) => new TableMemory(table, layout, memory));
    const replication = new ReplicationMemory(state, memory);
    Object.assign(callees, hostFunctions(artifact, host, memory, bridge, tables), {
      allocate: (size: number) => memory.allocate(size),
      release: (address: number, size: number) => memory.release(address, size),
      multicastGroup: (group: number) => replication.multicastGroup(group),
      cloneSession: (session: number) => replication.cloneSession(session),
      digest: (frame: number) => digestOf(frame, artifact, memory, bridge, host.onDigest),
    });
    for (const name of FUNCTIONS) {
      const callee = callees[name];
      callees[name] = (...args) => {
        const result = callee(...args);
        this.tellGrowth();
        return result;
      };
    }
    Atomics.add(block.words, WORD.replication, 1);
    this.code = { plan: framePlan(program, layout, host), module, memory: memory.memory, messages: fallbacks.messages };
    return this.code;
  }

  /** Must be called after anything that may have allocated, before the packet thread continues. */
  tellGrowth(): void {
    if (this.memory.bytes.length === this.seenBytes) return;
    this.seenBytes = this.memory.bytes.length;
    Atomics.add(this.block.words, WORD.growth, 1);
  }

  private interpret(port: number, address: number, length: number, staging: number, capacity: number): number {
    this.interpreter ??= new Interpreter(this.state.program, this.host);
    this.outputs = this.interpreter.process(port, this.options.arena().slice(address, address + length));
    this.taken = 0;
    return this.more(staging, capacity);
  }

  /** Stages outputs of the last packet that was interpreted. @returns how many; as a negative number if there are more */
  private more(staging: number, capacity: number): number {
    const arena = this.options.arena();
    const view = new DataView(arena.buffer, arena.byteOffset);
    const first = this.taken;
    for (let at = staging; this.taken < this.outputs.length; this.taken++) {
      const { port, bytes } = this.outputs[this.taken]!;
      const next = at + stagedBytes(bytes.length);
      if (next > staging + capacity) {
        if (this.taken === first)
          throw new RangeError(`a packet of ${bytes.length} bytes does not fit into the buffer between the threads`);
        break;
      }
      view.setInt32(at + STAGED.port, port, true);
      view.setInt32(at + STAGED.length, bytes.length, true);
      arena.set(bytes, at + STAGED.bytes);
      at = next;
    }
    const count = this.taken - first;
    return this.taken < this.outputs.length ? -count : count;
  }
}
