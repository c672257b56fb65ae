import { TieredEngine } from './tiered-engine.js';
import { SwitchClock } from './clock.js';
import type { Control, Output } from './control.js';
import type { Engine, EngineHost } from './engine.js';
import { EmulatorError, PacketAbortError } from './errors.js';
import { Interpreter } from './interpreter/interpreter.js';
import { loadProgram } from './json/load.js';
import type { Program } from './json/program.js';
import { Random } from '../net/random.js';
import { ProgramState } from './state/program-state.js';
import { describeProgram } from './state/describe.js';
import { restoreState, saveState, type Snapshot } from './state/snapshot.js';
import { StateControl } from './state/state-control.js';
import { emptyStatistics, type SwitchStatistics } from './statistics.js';
import type { CounterHandle, MeterHandle, ProfileHandle, RegisterHandle, ValueSetHandle } from './handles/handles.js';
import { ProgramObjects } from './handles/objects.js';
import { aliasesOf, NO_P4INFO_ALIASES } from './handles/p4info-aliases.js';
import type { TableHandle } from './handles/table-handle.js';
import { TraceRecorder, type Trace } from './trace.js';
import type { P4Info } from '../p4runtime/index.js';
import { DEFAULT_CPU_PORT, DEFAULT_MAX_PASSES, DEFAULT_QUEUES_PER_PORT, DEFAULT_DROP_PORT } from './limits.js';

export interface SwitchOptions {
  /**
   * Microseconds, never going back. A number: the time stands there until it is set ({@link Switch.setTime}). The
   * default counts from the start of the switch, as simple_switch does.
   */
  readonly clock?: (() => number) | number;
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
  /**
   * How a program is executed. By default it is interpreted at first, and compiled after a few hundred packets or
   * when {@link Switch.ready} is called.
   */
  readonly engine?: EngineChoice;
}

/**
 * `interpreter`; `compiled`, to WebAssembly from the start, with the interpreter in its place while the compiler works
 * (see {@link Switch.ready}); or a custom engine. All of them give the same bytes.
 */
export type EngineChoice = 'interpreter' | 'compiled' | ((program: Program, host: EngineHost) => Engine);

interface Loaded {
  readonly state: ProgramState;
  readonly engine: Engine;
  readonly random: Random;
  readonly objects: ProgramObjects;
}

/** A v1model switch that runs the JSON of stock p4c as simple_switch does, in this process. */
export class Switch {
  readonly cpuPort: number;
  readonly dropPort: number;
  readonly control: Control;
  readonly statistics: SwitchStatistics = emptyStatistics();
  private readonly stateControl: StateControl;
  private readonly switchClock: SwitchClock;
  private readonly clock: () => number;
  private loaded: Loaded | undefined;

  constructor(private readonly options: SwitchOptions = {}) {
    this.cpuPort = options.cpuPort ?? DEFAULT_CPU_PORT;
    this.dropPort = options.dropPort ?? DEFAULT_DROP_PORT;
    this.switchClock = new SwitchClock(options.clock);
    this.clock = this.switchClock.read;
    this.stateControl = new StateControl(() => this.running().state, this.clock);
    this.control = this.stateControl;
  }

  /** The program that runs, if any. */
  get program(): Program | undefined {
    return this.loaded?.state.program;
  }

  /**
   * Replaces the program immediately. Entries, registers, counters, groups and sessions of the old one are gone.
   * @param program BMv2 JSON (text or parsed), or the result of loadProgram.
   * @param p4info of the program, text or JSON form or the message. Only needed for the aliases it gives to names.
   * @throws ProgramFormatError, UnsupportedFeatureError, P4InfoMismatchError; the old program then continues to run.
   */
  load(program: unknown, p4info?: string | P4Info): void {
    const typed = isProgram(program) ? program : loadProgram(program);
    const { engine: choice } = this.options;
    const state = new ProgramState(typed, this.clock());
    const host: EngineHost = {
      state,
      clock: this.clock,
      random: new Random(this.options.seed ?? 1),
      dropPort: this.dropPort,
      maxPasses: this.options.maxPasses ?? DEFAULT_MAX_PASSES,
      queuesPerPort: this.options.queuesPerPort ?? DEFAULT_QUEUES_PER_PORT,
      onDigest: (digest) => this.stateControl.publishDigest(digest),
      onLog: this.options.onLog ?? (() => {}),
      onDrop: (where) => this.countDrop(where),
    };
    let engine: Engine;
    if (typeof choice === 'function') engine = choice(typed, host);
    else
      engine = choice === 'interpreter' ? new Interpreter(typed, host) : new TieredEngine(host, choice === 'compiled');
    const aliases = p4info === undefined ? NO_P4INFO_ALIASES : aliasesOf(p4info, describeProgram(state));
    this.loaded = { state, engine, random: host.random, objects: new ProgramObjects(this.control, aliases) };
  }

  /**
   * Resolves when the program runs as it will from now on: compiled, unless the option `engine` says otherwise.
   * @throws Error if it cannot be compiled, and stays interpreted
   */
  async ready(): Promise<void> {
    const { engine } = this.running();
    if (engine instanceof TieredEngine) await engine.ready();
  }

  /**
   * Takes a packet in and runs it to the end. Returns what leaves, in order; the bytes belong to the caller.
   * @throws EmulatorError EMULATOR_NO_PROGRAM before the first load; PacketAbortError where simple_switch would stop.
   */
  receive(port: number, bytes: Uint8Array): Output[] {
    return this.run(port, bytes, undefined);
  }

  /** Like {@link receive}, and records what happened on the way. If the packet is aborted, its trace is in the error. */
  trace(port: number, bytes: Uint8Array): Trace {
    const recorder = new TraceRecorder();
    const { events } = recorder;
    try {
      return { port, bytes, events, outputs: this.run(port, bytes, recorder) };
    } catch (error) {
      if (error instanceof PacketAbortError) error.trace = { port, bytes, events, outputs: [] };
      throw error;
    }
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

  /** A table by its name or a unique suffix of its parts: `table('ipv4_lpm').insert(...)`. */
  table(name: string): TableHandle {
    return this.running().objects.table(name);
  }

  register(name: string): RegisterHandle {
    return this.running().objects.register(name);
  }

  counter(name: string): CounterHandle {
    return this.running().objects.counter(name);
  }

  meter(name: string): MeterHandle {
    return this.running().objects.meter(name);
  }

  actionProfile(name: string): ProfileHandle {
    return this.running().objects.actionProfile(name);
  }

  valueSet(name: string): ValueSetHandle {
    return this.running().objects.valueSet(name);
  }

  /** Microseconds of the switch's clock. */
  get time(): number {
    return this.clock();
  }

  /** Stops the clock at this time until it is set again: meters, timestamps and idle timeouts see it. */
  setTime(micros: number): void {
    this.switchClock.set(micros);
  }

  /** Everything the program remembers, and the time. Statistics and digest listeners are not part of it. */
  snapshot(): Snapshot {
    const { state, random } = this.running();
    return { ...saveState(state), clock: this.switchClock.save(), random: random.save() };
  }

  /**
   * Restores everything; with a caller's clock, everything but the time.
   * @throws SnapshotMismatchError if another program is loaded; then nothing changes.
   */
  restore(snapshot: Snapshot): void {
    const { state, random } = this.running();
    restoreState(state, snapshot);
    random.restore(snapshot.random);
    this.switchClock.restore(snapshot.clock);
  }

  private running(): Loaded {
    if (this.loaded === undefined)
      throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded: call load() first');
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

function isProgram(value: unknown): value is Program {
  return typeof value === 'object' && value !== null && 'architecture' in value && 'fieldLists' in value;
}
