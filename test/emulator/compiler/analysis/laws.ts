/**
 * Laws of the analyses: what the interpreter does is within what the analysis allows. Each returns how often it was
 * looked at, and throws where it is broken.
 */
import { assumptionsOf } from '../../../../emulator/compiler/analysis/assumptions.js';
import { effectOf } from '../../../../emulator/compiler/analysis/effects.js';
import { FlowFacts, NO_LIMITS } from '../../../../emulator/compiler/analysis/facts.js';
import { countedLoop } from '../../../../emulator/compiler/analysis/induction.js';
import { liveAtEntry, liveOutFields } from '../../../../emulator/compiler/analysis/liveness.js';
import { PacketAbortError } from '../../../../emulator/errors.js';
import type { Packet } from '../../../../emulator/interpreter/packet.js';
import type { FieldDef } from '../../../../emulator/json/data.js';
import type { ActionDef, Primitive } from '../../../../emulator/json/program.js';
import type { Facts } from '../../../../emulator/compiler/analysis/ranges.js';
import type { Dice } from '../../../../fuzz/engines/dice.js';
import { expressionsIn, factsAround, holds, type Bench } from './walker.js';

const ORACLE_SEED = 7;

class BrokenLawError extends Error {
  override readonly name = 'BrokenLawError';
}

function broken(law: string, details: Record<string, unknown>): never {
  const text = Object.entries(details).map(([name, value]) => `${name} ${print(value)}`);
  throw new BrokenLawError(`${law}: ${text.join(', ')}`);
}

function print(value: unknown): string {
  const seen = new Set<unknown>();
  return (
    JSON.stringify(value, (key, inner: unknown) => {
      if (typeof inner === 'bigint') return `${inner}n`;
      if (typeof inner !== 'object' || inner === null) return inner;
      if (key === 'header' || key === 'field' || key === 'register') return (inner as { name?: string }).name;
      if (seen.has(inner)) return undefined;
      seen.add(inner);
      return inner;
    }) ?? 'undefined'
  ).slice(0, 1_000);
}

function fieldsOf({ program }: Bench): FieldDef[] {
  return program.headers.flatMap(({ fields }) => fields).filter((field) => !field.varbit);
}

/** The range of an expression contains the value that the interpreter gives it. */
export function rangesHold(bench: Bench, action: ActionDef, dice: Dice): number {
  const p = bench.packet(dice, action);
  const facts = factsAround(p, bench.program, dice);
  const ranges = bench.ranges(action).at(facts);
  const oracle = bench.oracle(ORACLE_SEED);
  let looked = 0;
  for (const e of expressionsIn(action.primitives)) {
    const value = oracle.value(e, p);
    if (value === undefined) continue;
    looked++;
    const range = ranges.of(e);
    if (!holds(range, value)) broken('range', { value, range, e });
  }
  return looked;
}

function isJump({ op }: Primitive): boolean {
  return op === '_jump' || op === '_jump_if_zero';
}

/**
 * A primitive changes no field but those of its writes, leaves in them what the write's range holds, and does the same
 * whatever the fields hold that it does not read.
 */
export function effectsHold(bench: Bench, action: ActionDef, dice: Dice): number {
  let looked = 0;
  for (const primitive of action.primitives) {
    if (isJump(primitive)) continue;
    const p = bench.packet(dice, action);
    const { reads, writes } = effectOf(
      primitive,
      bench.ranges(action).at(factsAround(p, bench.program, dice)),
      bench.program,
    );
    const written = new Map(writes.map((write) => [write.field, write]));
    const other = p.copy();
    other.args = p.args;
    const fresh = bench.packet(dice, action);
    for (const field of fieldsOf(bench))
      if (!reads.has(field) && !written.has(field)) other.fields[field.index] = fresh.fields[field.index]!;
    const before = p.fields.slice();
    const ends = [p, other].map((each) => {
      try {
        bench.oracle(ORACLE_SEED).run(primitive, each);
        return 'done';
      } catch (error) {
        if (error instanceof PacketAbortError) return error.message;
        throw error;
      }
    });
    if (ends[0] !== ends[1]) broken('reads', { ends, primitive });
    if (ends[0] !== 'done') continue;
    looked++;
    for (const field of fieldsOf(bench)) {
      const value = p.fields[field.index]!;
      const write = written.get(field);
      if (write === undefined) {
        if (value !== before[field.index]) broken('writes', { field: field.name, primitive });
        continue;
      }
      if ((write.certain || value !== before[field.index]) && !holds(write.range, value))
        broken('written range', { field: field.name, value, range: write.range, primitive });
      if (write.certain && !equalFields(p, other, field)) broken('reads', { field: field.name, primitive });
    }
  }
  return looked;
}

function equalFields(a: Packet, b: Packet, field: FieldDef): boolean {
  return a.fields[field.index] === b.fields[field.index];
}

function checkFacts(law: string, facts: Facts | undefined, p: Packet, node: number): void {
  if (facts === undefined) broken(law, { node, 'which is never reached by': 'the analysis' });
  for (const [field, range] of facts) {
    const value = p.fields[field.index]!;
    if (!holds(range, value)) broken(law, { node, field: field.name, value, range });
  }
}

/** Facts at the entry of each node hold whenever the interpreter comes there; those of counted loops as well. */
export function factsHold(bench: Bench, action: ActionDef, dice: Dice): number {
  const nodes = bench.nodes(action);
  const p = bench.packet(dice, action);
  const initial = factsAround(p, bench.program, dice);
  const facts = new FlowFacts(nodes, bench.program, bench.ranges(action), initial, NO_LIMITS, true);
  let looked = 0;
  bench.oracle(ORACLE_SEED).walk(nodes, p, (node) => {
    looked++;
    checkFacts('facts', facts.at(node), p, node);
  });
  return looked;
}

/** A counted loop runs at most as often as the analysis says, within its bounds, and its counters grow by their steps. */
export function loopsHold(bench: Bench, action: ActionDef, dice: Dice): number {
  const nodes = bench.nodes(action);
  const p = bench.packet(dice, action);
  const initial = factsAround(p, bench.program, dice);
  const loop = countedLoop(nodes, bench.program, bench.ranges(action), initial);
  if (loop === undefined) return 0;
  const facts = new FlowFacts(nodes, bench.program, bench.ranges(action), initial, loop.limits, true);
  let passes = 0n;
  let looked = 0;
  let last: Map<FieldDef, bigint> | undefined;
  bench.oracle(ORACLE_SEED).walk(nodes, p, (node) => {
    looked++;
    checkFacts('facts in a loop', facts.at(node), p, node);
    if (node !== loop.head) return;
    if (passes++ > loop.trips) broken('trips', { passes, trips: loop.trips });
    for (const [field, step] of loop.counters) {
      const before = last?.get(field);
      const value = p.fields[field.index]!;
      if (before !== undefined && value !== before + step) broken('step', { field: field.name, before, value, step });
    }
    last = new Map([...loop.counters.keys()].map((field) => [field, p.fields[field.index]!]));
  });
  return looked;
}

/** Where the condition of the assumptions holds, their facts hold, and every index that they speak of is in its array. */
export function assumptionsHold(bench: Bench, action: ActionDef, dice: Dice): number {
  const nodes = bench.nodes(action);
  const { condition, facts } = assumptionsOf(nodes, bench.program, bench.ranges(action));
  if (condition === undefined) return 0;
  const p = bench.packet(dice, action);
  // Most packets meet the assumptions; at random hardly one would.
  for (const [field, { max }] of facts)
    if (!dice.oneIn(16)) p.fields[field.index] = dice.oneIn(4) ? max : dice.value(field.width) % (max + 1n);
  const oracle = bench.oracle(ORACLE_SEED);
  if (oracle.value(condition, p) === 0n) return 0;
  checkFacts('assumptions', facts, p, 0);
  let looked = 0;
  oracle.walk(
    nodes,
    p,
    () => {},
    (_, step) => {
      if (!('primitive' in step)) return;
      const access = accessOf(step.primitive);
      if (access === undefined || !facts.has(access.field)) return;
      looked++;
      const index = p.fields[access.field.index]!;
      if (index >= BigInt(access.size)) broken('assumed index', { index, size: access.size, field: access.field.name });
    },
  );
  return looked;
}

function accessOf({ op, args }: Primitive): { field: FieldDef; size: number } | undefined {
  const cells = args.find((arg) => arg.kind === 'register' || arg.kind === 'counter');
  const index = args[op === 'register_read' ? 2 : 1];
  if (cells === undefined || index?.kind !== 'expression' || index.expression.op !== 'field') return undefined;
  if (!('field' in index.expression.ref)) return undefined;
  return {
    field: index.expression.ref.field,
    size: cells.kind === 'register' ? cells.register.size : cells.kind === 'counter' ? cells.counter.size : 0,
  };
}

/** A field that is dead when an action begins may hold anything: what the action writes is the same. */
export function livenessHolds(bench: Bench, action: ActionDef, dice: Dice): number {
  const nodes = bench.nodes(action);
  const facts = new FlowFacts(nodes, bench.program, bench.ranges(action), new Map(), NO_LIMITS, true);
  const live = liveAtEntry(nodes, facts, () => true);
  return overwritten(
    bench,
    action,
    dice,
    (field) => !live.has(field),
    'liveness',
    (field, [p, other], starts) =>
      // A field that the action does not write keeps what it began with.
      [p, other].every(({ fields }, i) => fields[field.index] === starts[i]![field.index]),
  );
}

/** Fields that are not live after any action may hold anything between two actions: all others are left the same. */
export function liveOutHolds(bench: Bench, action: ActionDef, dice: Dice): number {
  const liveOut = liveOutFields(bench.program, bench.layout);
  return overwritten(
    bench,
    action,
    dice,
    (field) => !liveOut.has(field),
    'live out',
    (field) => !liveOut.has(field),
  );
}

/**
 * Runs an action on two packets that differ in dead fields only.
 * @param mayDiffer whether a field that ends differently in them may do so
 * @returns how many dead fields there were
 */
function overwritten(
  bench: Bench,
  action: ActionDef,
  dice: Dice,
  isDead: (field: FieldDef) => boolean,
  law: string,
  mayDiffer: (field: FieldDef, packets: readonly [Packet, Packet], starts: readonly bigint[][]) => boolean,
): number {
  const [p, fresh] = [bench.packet(dice, action), bench.packet(dice, action)];
  const other = p.copy();
  other.args = p.args;
  const dead = fieldsOf(bench).filter(isDead);
  for (const { index } of dead) other.fields[index] = fresh.fields[index]!;
  const starts = [p, other].map(({ fields }) => fields.slice());
  const nodes = bench.nodes(action);
  const [ended, otherEnded] = [p, other].map((each) => bench.oracle(ORACLE_SEED).walk(nodes, each, () => {}));
  if (ended !== otherEnded) broken(law, { action: action.name, ended, otherEnded });
  if (!ended) return 0;
  for (const field of fieldsOf(bench))
    if (!equalFields(p, other, field) && !mayDiffer(field, [p, other], starts))
      broken(law, { action: action.name, field: field.name });
  return dead.length;
}
