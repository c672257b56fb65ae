import { programKey } from './compiler/cache.js';
import { Layout } from './compiler/layout.js';
import { ProgramMemory } from './compiler/memory.js';
import { TieredEngine } from './compiler/tiered.js';
import type { Control, Output } from './control.js';
import type { Engine, EngineHost } from './engine.js';
import { EmulatorError, PacketAbortError } from './errors.js';
import { Interpreter } from './interpreter/interpreter.js';
import { loadProgram } from './json/load.js';
import type { Program } from './json/program.js';
import { Random } from './random.js';
import { ProgramState } from './state/program-state.js';
import { StateControl } from './state/state-control.js';
import { emptyStatistics, type SwitchStatistics } from './statistics.js';
import { TraceRecorder, type Trace } from './trace.js';

export interface SwitchOptions {
  /** Microseconds, never going back; simple_switch counts from its start, and so does the default. */
  readonly clock?: () => number;
  /** Port of the control plane: packet-outs come in and packet-ins leave through it. Default 510. */
  readonly cpuPort?: number;
  /** Default 511, as in simple_switch. */
  readonly dropPort?: number;
  /** Seed of random(); the default is fixed, so runs repeat. */
  readonly seed?: number;
  /** How often one packet may be resubmitted or recirculated before it is dropped. Default 64. */
  readonly maxPasses?: number;
  /** Queues of each port; default 1, as in simple_switch, which drops packets of a higher priority. */
  readonly queuesPerPort?: number;
  /** Texts of log_msg. */
  readonly onLog?: (text: string) => void;
  /** How a program is executed; the default is the interpreter. */
  readonly engine?: EngineChoice;
}

/**
 * `interpreter`; `compiled`, to WebAssembly, with the interpreter in its place while the compiler is loaded (see
 * {@link Switch.ready}); or an engine of one's own. All of them give the same bytes.
 */
export type EngineChoice = 'interpreter' | 'compiled' | ((program: Program, host: EngineHost) => Engine);

const CPU_PORT = 510;
const DROP_PORT = 511;
const MAX_PASSES = 64;
const DEFAULT_ENGINE: EngineChoice = 'interpreter';

/** A v1model switch that runs the JSON of stock p4c as simple_switch does, in this process. */
export class Switch {
  readonly cpuPort: number;
  readonly dropPort: number;
  readonly control: Control;
  readonly statistics: SwitchStatistics = emptyStatistics();
  private readonly stateControl: StateControl;
  private readonly clock: () => number;
  private loaded: { readonly state: ProgramState; readonly engine: Engine } | undefined;

  constructor(private readonly options: SwitchOptions = {}) {
    this.cpuPort = options.cpuPort ?? CPU_PORT;
    this.dropPort = options.dropPort ?? DROP_PORT;
    this.clock = options.clock ?? sinceNow();
    this.stateControl = new StateControl(() => this.running().state, this.clock);
    this.control = this.stateControl;
  }

  /** The program that runs, if any. */
  get program(): Program | undefined {
    return this.loaded?.state.program;
  }

  /**
   * Replaces the program at once. Entries, registers, counters, groups and sessions of the old one are gone.
   * @param program BMv2 JSON (text or parsed), or what loadProgram made of it.
   * @throws ProgramFormatError, UnsupportedFeatureError; the old program then goes on.
   */
  load(program: unknown): void {
    const typed = isProgram(program) ? program : loadProgram(program);
    const { engine: choice = DEFAULT_ENGINE } = this.options;
    const memory = choice === 'compiled' ? new ProgramMemory(new Layout(typed)) : undefined;
    const state = new ProgramState(typed, this.clock(), memory);
    const host: EngineHost = {
      state,
      clock: this.clock,
      random: new Random(this.options.seed ?? 1),
      dropPort: this.dropPort,
      maxPasses: this.options.maxPasses ?? MAX_PASSES,
      queuesPerPort: this.options.queuesPerPort ?? 1,
      onDigest: (digest) => this.stateControl.publishDigest(digest),
      onLog: this.options.onLog ?? (() => {}),
      onDrop: (where) => this.countDrop(where),
    };
    let engine: Engine;
    if (memory !== undefined) engine = new TieredEngine(host, memory, programKey(typed === program ? typed : program));
    else engine = typeof choice === 'function' ? choice(typed, host) : new Interpreter(typed, host);
    this.loaded = { state, engine };
  }

  /** Resolves when the program runs as it will from now on: with engine `compiled`, when it is compiled. */
  async ready(): Promise<void> {
    const { engine } = this.running();
    if (engine instanceof TieredEngine) await engine.ready;
  }

  /**
   * Takes a packet in and runs it to the end. Returns what leaves, in order; the bytes are the caller's.
   * @throws EmulatorError EMULATOR_NO_PROGRAM before the first load; PacketAbortError where simple_switch would stop.
   */
  receive(port: number, bytes: Uint8Array): Output[] {
    return this.run(port, bytes, undefined);
  }

  /** Like {@link receive}, and tells what happened on the way. A packet that is given up has its trace in the error. */
  trace(port: number, bytes: Uint8Array): Trace {
    const recorder = new TraceRecorder();
    const outputs = this.run(port, bytes, recorder);
    return { port, bytes, events: recorder.events, outputs };
  }

  private run(port: number, bytes: Uint8Array, recorder: TraceRecorder | undefined): Output[] {
    const { engine } = this.running();
    this.statistics.received++;
    try {
      const outputs = engine.process(port, bytes, recorder);
      this.statistics.sent += outputs.length;
      return outputs;
    } catch (error) {
      if (error instanceof PacketAbortError) this.statistics.aborted++;
      throw error;
    }
  }

  private running(): { readonly state: ProgramState; readonly engine: Engine } {
    if (this.loaded === undefined) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded: call load() first');
    return this.loaded;
  }

  private countDrop(where: 'ingress' | 'egress' | 'queue' | 'passes'): void {
    const { statistics } = this;
    switch (where) {
      case 'ingress':
        statistics.droppedInIngress++;
        break;
      case 'egress':
        statistics.droppedInEgress++;
        break;
      case 'queue':
        statistics.droppedInQueue++;
        break;
      case 'passes':
        statistics.droppedForPasses++;
        break;
    }
  }
}

function sinceNow(): () => number {
  const start = process.hrtime.bigint();
  return () => Number((process.hrtime.bigint() - start) / 1000n);
}

function isProgram(value: unknown): value is Program {
  return typeof value === 'object' && value !== null && 'architecture' in value && 'fieldLists' in value;
}
