/** Two engines on the same program, entries and packets: whatever can be seen from outside has to be the same. */
import { ControlError, type Control, type MatchKey, type TableEntry } from '../../emulator/control.js';
import { PacketAbortError } from '../../emulator/errors.js';
import { loadProgram } from '../../emulator/json/load.js';
import type { Program } from '../../emulator/json/program.js';
import { Random } from '../../emulator/random.js';
import { Switch } from '../../emulator/switch.js';
import { below, mutate, pick, randomValue, walkParser } from './random-packets.js';

const PORTS = [0, 1, 2, 3, 510];
/** Cells of each array that are compared after every packet; all of them are at the end. */
const WATCHED_CELLS = 16;
const KEPT_PACKETS = 32;

interface Side {
  readonly target: Switch;
  readonly events: string[];
}

/** How much was compared. */
export interface DifferentialResult {
  readonly packets: number;
  readonly outputs: number;
  readonly aborted: number;
  readonly entries: number;
}

/** A run with one seed. @throws Error that tells the seed and the first difference. */
export class Differential {
  private readonly program: Program;
  private readonly sides: readonly [Side, Side];
  private readonly random: Random;
  private readonly kept: Uint8Array[] = [];
  /** Values that keys and packets share, so that entries are hit. */
  private readonly pool: bigint[] = [0n, 1n, 2n];
  private now = 1_000;
  private packets = 0;
  private outputs = 0;
  private aborted = 0;
  private entries = 0;

  constructor(
    private readonly name: string,
    json: string,
    private readonly seed: number,
    private readonly fixed: readonly Uint8Array[] = [],
  ) {
    this.program = loadProgram(json);
    this.random = new Random(seed);
    const side = (engine: 'interpreter' | 'compiled'): Side => {
      const events: string[] = [];
      const target = new Switch({ engine, clock: () => this.now, seed, queuesPerPort: 3, maxPasses: 8, onLog: (text) => events.push(text) });
      target.load(json);
      target.control.onDigest((digest) => events.push(show(digest)));
      return { target, events };
    };
    this.sides = [side('interpreter'), side('compiled')];
  }

  /** Resolves when the compiled side is compiled. */
  async prepare(setup?: (control: Control) => void): Promise<this> {
    await this.sides[1].target.ready();
    if (setup !== undefined) for (const { target } of this.sides) setup(target.control);
    return this;
  }

  /** The side whose engine is compiled. */
  get compiled(): Switch {
    return this.sides[1].target;
  }

  run(packets: number): DifferentialResult {
    for (let n = 0; n < 12; n++) this.changeState();
    for (let n = 0; n < packets; n++) {
      if (below(this.random, 4) === 0) this.changeState();
      this.now += below(this.random, 2_000);
      this.send(pick(this.random, PORTS), this.packet());
      this.compareState(WATCHED_CELLS);
    }
    this.compareState(Infinity);
    return { packets: this.packets, outputs: this.outputs, aborted: this.aborted, entries: this.entries };
  }

  send(port: number, bytes: Uint8Array): void {
    this.packets++;
    const traced = below(this.random, 16) === 0;
    const [expected, actual] = this.sides.map(({ target }) => {
      try {
        return (traced ? target.trace(port, bytes).outputs : target.receive(port, bytes)).map((o) => ({ port: o.port, bytes: Buffer.from(o.bytes).toString('hex') }));
      } catch (error) {
        if (!(error instanceof PacketAbortError)) throw error;
        return `aborted: ${error.message}`;
      }
    });
    if (typeof expected === 'string') this.aborted++;
    else this.outputs += expected!.length;
    // A traced packet names the action in which it was given up.
    this.same(`output of packet ${this.packets} on port ${port}: ${Buffer.from(bytes).toString('hex')}`, expected, actual);
  }

  private packet(): Uint8Array {
    const { random, kept, fixed } = this;
    const fresh = fixed.length > 0 && below(random, 2) === 0 ? pick(random, fixed) : walkParser(this.program, random, this.pool);
    const base = kept.length > 0 && below(random, 3) === 0 ? pick(random, kept) : fresh;
    if (kept.length < KEPT_PACKETS) kept.push(base);
    else kept[below(random, KEPT_PACKETS)] = base;
    return below(random, 3) === 0 ? mutate(base, random) : base;
  }

  /** Does the same random thing to both; both accept it, or both refuse it for the same reason. */
  private changeState(): void {
    const change = this.randomChange();
    if (change === undefined) return;
    const [expected, actual] = this.sides.map(({ target }) => {
      try {
        change(target.control);
        return 'done';
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        return `${error.code}: ${error.message}`;
      }
    });
    this.same('result of a change by the control plane', expected, actual);
    if (expected === 'done') this.entries++;
  }

  private randomChange(): ((control: Control) => void) | undefined {
    const { random, program } = this;
    const description = this.sides[0].target.control.describe();
    const small = (): number => below(random, 6);
    switch (below(random, 12)) {
      case 0: {
        const replicas = Array.from({ length: below(random, 4) }, () => ({ egressPort: pick(random, PORTS), instance: below(random, 5) }));
        const group = 1 + small();
        return (control) => control.setMulticastGroup(group, replicas);
      }
      case 1: {
        const replicas = Array.from({ length: 1 + below(random, 2) }, () => ({ egressPort: pick(random, PORTS), instance: below(random, 5) }));
        const [session, truncate] = [small(), pick(random, [0, 0, 10, 60])];
        return (control) => control.setCloneSession(session, replicas, truncate);
      }
      case 2: {
        if (description.registers.length === 0) return undefined;
        const { name, size, width } = pick(random, description.registers);
        if (size === 0) return undefined;
        const [index, value] = [below(random, Math.min(size, WATCHED_CELLS)), randomValue(random, width)];
        return (control) => control.writeRegister(name, index, value);
      }
      case 3: {
        if (description.valueSets.length === 0) return undefined;
        const { name, width } = pick(random, description.valueSets);
        const values = Array.from({ length: below(random, 4) }, () => randomValue(random, width));
        return (control) => control.setValueSet(name, values);
      }
      case 4: {
        const meters = program.meters.filter((m) => m.directTarget === undefined && m.size > 0);
        if (meters.length === 0) return undefined;
        const { name, size, rateCount } = pick(random, meters);
        const index = below(random, Math.min(size, WATCHED_CELLS));
        const rates = Array.from({ length: rateCount }, (_, i) => ({ perSecond: 100 * (i + 1), burst: 1 + below(random, 200) }));
        return (control) => control.setMeter(name, index, rates);
      }
      case 5:
        return this.changeProfile();
      default:
        return this.changeTable();
    }
  }

  private changeProfile(): ((control: Control) => void) | undefined {
    const { random, program } = this;
    if (program.profiles.length === 0) return undefined;
    const profile = pick(random, program.profiles);
    const actions = program.tables.filter((t) => t.profile === profile).flatMap((t) => t.actions);
    const id = below(random, 6);
    const call = this.call(actions);
    if (profile.selector !== undefined && below(random, 3) === 0) {
      const members = Array.from({ length: below(random, 4) }, () => ({ member: below(random, 6), weight: 1 + below(random, 2) }));
      return (control) => control.setGroup(profile.name, id, members);
    }
    if (below(random, 4) === 0) return (control) => control.modifyMember(profile.name, id, call);
    return (control) => control.insertMember(profile.name, id, call);
  }

  private call(actions: Program['actions']): TableEntry['call'] {
    const action = pick(this.random, actions);
    return { action: action.name, args: action.params.map(({ width }) => randomValue(this.random, width)) };
  }

  private changeTable(): ((control: Control) => void) | undefined {
    const { random, program } = this;
    const tables = program.tables.filter((t) => t.actions.length > 0);
    if (tables.length === 0) return undefined;
    const table = pick(random, tables);
    const { name } = table;
    const existing = this.sides[0].target.control.entries(name);
    const action = below(random, 10);
    if (action === 0 && existing.length > 0) {
      const { keys, priority } = pick(random, existing);
      return (control) => control.deleteEntry(name, keys, priority);
    }
    const makeTarget = (): Pick<TableEntry, 'call' | 'reference'> => {
      if (table.profile === undefined) return { call: this.call(table.actions) };
      const kind = table.profile.selector !== undefined && below(random, 2) === 0 ? 'group' : 'member';
      return { call: { action: '', args: [] }, reference: { kind, id: below(random, 6) } };
    };
    if (action === 1) {
      const call = below(random, 4) === 0 ? undefined : this.call(table.actions);
      return (control) => control.setDefaultAction(name, call);
    }
    if (action === 2 && existing.length > 0) {
      const entry = { ...pick(random, existing), ...makeTarget() };
      return (control) => control.modifyEntry(name, entry);
    }
    if (action === 3 && existing.length > 0 && table.directMeter !== undefined) {
      const { keys, priority } = pick(random, existing);
      const rates = Array.from({ length: table.directMeter.rateCount }, (_, i) => ({ perSecond: 50 * (i + 1), burst: 1 + below(random, 100) }));
      return (control) => control.setDirectMeter(name, keys, priority, rates);
    }
    const entry: TableEntry = { keys: table.keys.map(({ kind, width }) => this.key(kind, width)), priority: below(random, 5), ...makeTarget() };
    return (control) => control.insertEntry(name, entry);
  }

  private key(kind: MatchKey['kind'], width: number): MatchKey {
    const { random, pool } = this;
    const all = (1n << BigInt(width)) - 1n;
    let value = below(random, 2) === 0 ? pick(random, pool) & all : randomValue(random, width);
    if (pool.length < 24) pool.push(value);
    switch (kind) {
      case 'exact':
        return { kind, value };
      case 'lpm': {
        const prefixLength = below(random, width + 1);
        value &= (all >> BigInt(width - prefixLength)) << BigInt(width - prefixLength);
        return { kind, value, prefixLength };
      }
      case 'ternary': {
        const mask = pick(random, [0n, all, randomValue(random, width), randomValue(random, width)]);
        return { kind, value: value & mask, mask };
      }
      case 'range': {
        const other = randomValue(random, width);
        return value < other ? { kind, low: value, high: other } : { kind, low: other, high: value };
      }
    }
  }

  private compareState(cells: number): void {
    const [expected, actual] = this.sides.map(({ target, events }) => this.visible(target, cells) + events.splice(0).join('\n'));
    if (expected !== actual) this.same(`state after packet ${this.packets}`, expected!.split('\n'), actual!.split('\n'));
  }

  /** Registers, counters and direct counters, and how packets ended. */
  private visible(target: Switch, cells: number): string {
    const { control } = target;
    const lines: string[] = [];
    for (const { name, size } of this.program.registers) {
      for (let i = 0; i < Math.min(size, cells); i++) lines.push(`register ${name}[${i}] ${control.readRegister(name, i)}`);
    }
    for (const { name, size } of this.program.counters) {
      for (let i = 0; i < Math.min(size, cells); i++) lines.push(`counter ${name}[${i}] ${show(control.readCounter(name, i))}`);
    }
    for (const table of this.program.tables.filter((t) => t.withCounters)) {
      for (const { keys, priority } of control.entries(table.name)) {
        lines.push(`direct counter ${table.name} ${show(control.readDirectCounter(table.name, keys, priority))}`);
      }
    }
    lines.push(show(target.statistics));
    return lines.join('\n');
  }

  private same(what: string, expected: unknown, actual: unknown): void {
    const [left, right] = [show(expected), show(actual)];
    if (left === right) return;
    if (Array.isArray(expected) && Array.isArray(actual)) {
      const at = expected.findIndex((item, i) => show(item) !== show(actual[i]));
      throw new Error(`${this.name}, seed ${this.seed}: ${what}\n  interpreter ${show(expected[at])} of ${expected.length}\n  compiled    ${show(actual[at])} of ${actual.length}`);
    }
    throw new Error(`${this.name}, seed ${this.seed}: ${what}\n  interpreter ${left}\n  compiled    ${right}`);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}
