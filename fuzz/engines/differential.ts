/** Two engines on the same program, entries and packets: all observable behaviour must be the same. */
import { isDeepStrictEqual } from 'node:util';
import { ControlError, type Control, type Output } from '../../emulator/control.js';
import { PacketAbortError } from '../../emulator/errors.js';
import { loadProgram } from '../../emulator/json/load.js';
import type { Program } from '../../emulator/json/program.js';
import { Switch } from '../../emulator/switch.js';
import type { TraceEvent } from '../../emulator/trace.js';
import { ChangeMaker, PORTS, WATCHED_CELLS, type Change } from './changes.js';
import { Coverage } from './coverage.js';
import { Dice } from './dice.js';
import { Dictionary } from './dictionary.js';
import { FpisaSite } from './fpisa-site.js';
import { PacketMaker } from './packets.js';
import type { Kept, Site } from './site.js';

const KEPT_PACKETS = 32;
const FIRST_CHANGES = 12;
/** Maximum length of a value in a message. */
const MAX_SHOWN = 4_000;
/** Each pass may multiply a packet: a random program that clones and recirculates would make thousands with more. */
const MAX_PASSES = 2;
/** One packet in this many is traced. */
const TRACED = 16;

interface Side {
  readonly target: Switch;
  /** Digests and texts of log_msg since the last comparison. */
  readonly events: string[];
}

interface Attempt {
  readonly outputs: readonly Output[];
  readonly aborted: string | undefined;
  readonly trace: readonly TraceEvent[] | undefined;
}

/** How much was compared. */
export interface DifferentialResult {
  readonly packets: number;
  readonly outputs: number;
  readonly aborted: number;
  /** Changes by the control plane that were accepted. */
  readonly changes: number;
}

export interface DifferentialOptions {
  /** Packets between two comparisons of state. With 1 a difference is found at the packet that causes it. Default 1. */
  readonly compareEvery?: number;
}

/** Engines differ, or one of them threw an unexpected error; the message has the seed and the first difference. */
export class DifferenceError extends Error {
  override readonly name = 'DifferenceError';
}

/** A run with one seed. */
export class Differential {
  readonly coverage: Coverage;
  private readonly program: Program;
  private readonly sides: readonly [Side, Side];
  private readonly dice: Dice;
  private readonly changes: ChangeMaker;
  private readonly maker: PacketMaker;
  private readonly site: Site | undefined;
  private readonly kept: Kept[] = [];
  private readonly compareEvery: number;
  private now = 1_000;
  private packets = 0;
  private outputs = 0;
  private aborted = 0;
  private changed = 0;

  /** @param program BMv2 JSON, or the result of loadProgram. */
  constructor(
    private readonly name: string,
    program: string | Program,
    private readonly seed: number,
    { compareEvery = 1 }: DifferentialOptions = {},
  ) {
    this.compareEvery = compareEvery;
    this.program = typeof program === 'string' ? loadProgram(program) : program;
    this.coverage = new Coverage(this.program);
    this.dice = new Dice(seed);
    const pool = [0n, 1n, 2n, 3n];
    const dictionary = new Dictionary(this.program);
    this.changes = new ChangeMaker(this.program, dictionary, this.coverage, this.dice, pool);
    this.maker = new PacketMaker(this.program, dictionary, this.dice, pool);
    this.sides = [this.side('interpreter'), this.side('compiled')];
    this.site = FpisaSite.fits(this.program) ? new FpisaSite(this.program, this.dice) : undefined;
  }

  /** Resolves when the compiled side is ready. */
  async prepare(): Promise<this> {
    await this.sides[1].target.ready();
    return this;
  }

  /** The side with the compiled engine. */
  get compiled(): Switch {
    return this.sides[1].target;
  }

  /** @throws DifferenceError */
  run(packets: number): DifferentialResult {
    this.apply((control) => this.site?.setUp(control));
    for (let n = 0; n < FIRST_CHANGES; n++) this.changeState();
    for (let n = 0; n < packets; n++) {
      if (this.dice.oneIn(4)) this.changeState();
      this.now += this.dice.below(2_000);
      const { port, bytes } = this.packet();
      this.send(port, bytes);
      if (n % this.compareEvery === 0) this.compareCells();
    }
    this.compareCells();
    this.compareAll();
    return { packets: this.packets, outputs: this.outputs, aborted: this.aborted, changes: this.changed };
  }

  private side(engine: 'interpreter' | 'compiled'): Side {
    const events: string[] = [];
    const target = new Switch({
      engine,
      clock: () => this.now,
      seed: this.seed,
      queuesPerPort: 3,
      maxPasses: MAX_PASSES,
      onLog: (text) => events.push(text),
    });
    target.load(this.program);
    target.control.onDigest((digest) => events.push(show(digest)));
    return { target, events };
  }

  private packet(): Kept {
    const { dice, kept } = this;
    const base = kept.length > 0 && dice.oneIn(3) ? dice.pick(kept) : this.fresh();
    if (kept.length < KEPT_PACKETS) kept.push(base);
    else kept[dice.below(KEPT_PACKETS)] = base;
    return dice.oneIn(3) ? { port: base.port, bytes: this.maker.spoil(base.bytes) } : base;
  }

  private fresh(): Kept {
    const { dice, site } = this;
    if (site !== undefined && !dice.oneIn(8)) return site.packet();
    return { port: dice.pick(PORTS), bytes: this.maker.make(this.changes.wishes()) };
  }

  private send(port: number, bytes: Uint8Array): void {
    this.packets++;
    const traced = this.dice.oneIn(TRACED);
    const expected = this.attempt(this.sides[0].target, port, bytes, traced);
    const actual = this.attempt(this.sides[1].target, port, bytes, traced);
    if (expected.aborted !== undefined) this.aborted++;
    this.outputs += expected.outputs.length;
    if (expected.trace !== undefined) this.coverage.add(expected.trace);
    const what = (): string => `packet ${this.packets} on port ${port}: ${Buffer.from(bytes).toString('hex')}`;
    if (expected.aborted !== actual.aborted) this.differ(`end of ${what()}`, expected.aborted, actual.aborted);
    if (!equalOutputs(expected.outputs, actual.outputs))
      this.differ(`output of ${what()}`, readable(expected.outputs), readable(actual.outputs));
    if (!isDeepStrictEqual(expected.trace, actual.trace))
      this.differ(`trace of ${what()}`, expected.trace, actual.trace);
    const [left, right] = this.sides.map(({ events }) => events);
    if ((left!.length > 0 || right!.length > 0) && !isDeepStrictEqual(left, right))
      this.differ(`digests and messages of ${what()}`, left, right);
    left!.length = 0;
    right!.length = 0;
  }

  private attempt(target: Switch, port: number, bytes: Uint8Array, traced: boolean): Attempt {
    try {
      if (!traced) return { outputs: target.receive(port, bytes), aborted: undefined, trace: undefined };
      const { outputs, events } = target.trace(port, bytes);
      return { outputs, aborted: undefined, trace: events };
    } catch (error) {
      if (error instanceof PacketAbortError) return { outputs: [], aborted: error.message, trace: error.trace?.events };
      const engine = target === this.compiled ? 'compiled' : 'interpreter';
      throw new DifferenceError(
        `${this.name}, seed ${this.seed}: ${engine} threw at packet ${this.packets} on port ${port}: ${Buffer.from(bytes).toString('hex')}`,
        { cause: error },
      );
    }
  }

  /** Makes the same random change to both; both accept it, or both refuse it for the same reason. */
  private changeState(): void {
    const change = this.changes.next((table) => this.sides[0].target.control.entries(table));
    if (change !== undefined) this.apply(change);
  }

  private apply(change: Change): void {
    const [expected, actual] = this.sides.map(({ target }) => {
      try {
        change(target.control);
        return 'done';
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        return `${error.code}: ${error.message}`;
      }
    });
    if (expected !== actual) this.differ('result of a change by the control plane', expected, actual);
    if (expected === 'done') this.changed++;
  }

  /** Compares the first cells of every array, and the statistics. */
  private compareCells(): void {
    const [left, right] = this.sides.map(({ target }) => target.control) as [Control, Control];
    for (const { name, size } of this.program.registers) {
      for (let i = 0; i < Math.min(size, WATCHED_CELLS); i++) {
        const [expected, actual] = [left.readRegister(name, i), right.readRegister(name, i)];
        if (expected !== actual) this.differ(`register ${name}[${i}] after packet ${this.packets}`, expected, actual);
      }
    }
    for (const { name, size } of this.program.counters) {
      for (let i = 0; i < Math.min(size, WATCHED_CELLS); i++) {
        const [expected, actual] = [left.readCounter(name, i), right.readCounter(name, i)];
        if (expected.packets !== actual.packets || expected.bytes !== actual.bytes)
          this.differ(`counter ${name}[${i}] after packet ${this.packets}`, expected, actual);
      }
    }
    const [expected, actual] = this.sides.map(({ target }) => target.statistics);
    if (!isDeepStrictEqual(expected, actual)) this.differ(`statistics after packet ${this.packets}`, expected, actual);
  }

  /** Compares all state of the switches: every cell, entries with counters and meters, profiles, hashes, random numbers. */
  private compareAll(): void {
    const [left, right] = this.sides.map(({ target }) => target.snapshot() as unknown as Record<string, unknown>);
    for (const key of Object.keys(left!)) {
      if (!isDeepStrictEqual(left![key], right![key]))
        this.differ(`${key} after packet ${this.packets}`, left![key], right![key]);
    }
  }

  private differ(what: string, expected: unknown, actual: unknown): never {
    let [left, right] = [expected, actual];
    if (Array.isArray(expected) && Array.isArray(actual)) {
      const at = expected.findIndex((item, i) => !isDeepStrictEqual(item, actual[i]));
      const place = at < 0 ? expected.length : at;
      what += `, item ${place} of ${expected.length} and ${actual.length}`;
      [left, right] = [expected[place], actual[place]];
    }
    throw new DifferenceError(
      `${this.name}, seed ${this.seed}: ${what}\n  interpreter ${show(left)}\n  compiled    ${show(right)}`,
    );
  }
}

function equalOutputs(left: readonly Output[], right: readonly Output[]): boolean {
  if (left.length !== right.length) return false;
  return left.every(({ port, bytes }, i) => port === right[i]!.port && Buffer.compare(bytes, right[i]!.bytes) === 0);
}

function readable(outputs: readonly Output[]): unknown[] {
  return outputs.map(({ port, bytes }) => ({ port, bytes: Buffer.from(bytes).toString('hex') }));
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? String(item) : item instanceof Map ? [...item] : item,
  ).slice(0, MAX_SHOWN);
}
