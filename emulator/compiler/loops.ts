import type { Expression, FieldDef } from '../json/data.js';
import { fieldRange, kindOf, union, type Range } from '../machine/value-representation.js';
import type { ActionDef } from '../json/program.js';
import { assumptionsOf } from './analysis/assumptions.js';
import type { Ref } from './binaryen.js';
import { assume, blocksOf, invariantBlocks, selectBranches, type Block } from './analysis/blocks.js';
import { FlowFacts, NO_LIMITS } from './analysis/facts.js';
import { flowOf, type FlowNode } from './analysis/flow.js';
import { countedLoop, threaded } from './analysis/induction.js';
import { liveAtEntry, livenessOf } from './analysis/liveness.js';
import { withoutSaturation } from './overflow.js';
import { PrimitiveCompiler } from './primitives.js';
import type { Facts } from './analysis/ranges.js';
import { renderFlow } from './render.js';
import type { LoopReport } from './report.js';
import { CompileScope, type Promoted } from './scope.js';
import { NeedsMemory, type Unit } from './unit.js';
import { VectorRefusal } from './vector/refusal.js';
import { VectorLoop } from './vector/loop.js';
import { MAX_BACKWARD_JUMPS } from '../limits.js';

const NOTHING: Facts = new Map();

const NOT_COUNTED = 'it is not one loop that counts up to a constant';

interface Version {
  readonly scope: CompileScope;
  readonly body: Ref;
}

interface Outcome {
  /** Why there is no vector code; undefined: there is. */
  readonly refusal: string | undefined;
}

/**
 * Adds the function of an action with loops. Its fields live in locals, which are loaded before it, and stored after it
 * where anything else may read them. There is a separate function for each outcome of conditions that the loops cannot
 * change, for field values that make tests in the loops unnecessary; and one for all other values.
 * @throws NeedsMemory if something in the action needs fields in memory.
 */
export function addLoops(action: ActionDef, name: string, unit: Unit): void {
  const { m, b } = unit;
  const scope = new CompileScope(unit, 2, action);
  const { expressions } = new PrimitiveCompiler(scope);
  const blocks = blocksOf(action);
  const signature = b.createType([b.i32, b.i32]);
  const versions: Version[] = [];
  const outcomes: Outcome[] = [];
  const test = (e: Expression): Ref => {
    const result = expressions.bool(e);
    scope.endStatement();
    return result;
  };
  const general = (): Ref => called(scalarVersion(blocks, action, unit, NOTHING));
  const called = (made: Version): Ref => {
    versions.push(made);
    return m.call(`${name}v${versions.length - 1}`, [scope.frame, scope.args], b.none);
  };
  const version = (known: ReadonlyMap<number, boolean>, open: readonly Block[], facts: Facts): Ref => {
    const left = assume(blocks, known);
    const [first, ...others] = open.filter(({ start }) => left.some((block) => block.start === start));
    if (first === undefined) {
      const made = bestVersion(left, action, unit, facts);
      outcomes.push(made);
      return called(made);
    }
    const given = (holds: boolean): Ref => version(new Map([...known, [first.start, holds]]), others, facts);
    return m.if(test(first.condition!), given(true), given(false));
  };
  const { condition, facts } = assumptionsOf(flowOf(blocks), unit.program, new CompileScope(unit, 2, action).ranges);
  const fast = version(new Map(), invariantBlocks(action, blocks), facts);
  const body = condition === undefined ? fast : m.if(test(condition), fast, general());
  unit.report.loops.push(reportOf(action, outcomes));
  versions.forEach((made, i) => m.addFunction(`${name}v${i}`, signature, b.none, made.scope.vars, made.body));
  m.addFunction(name, signature, b.none, scope.vars, body);
}

function reportOf(action: ActionDef, outcomes: readonly Outcome[]): LoopReport {
  const { name } = action;
  if (outcomes.some(({ refusal }) => refusal === undefined)) return { action: name, vectorised: true };
  return { action: name, vectorised: false, reason: outcomes[0]!.refusal! };
}

/** With vector code if possible. */
function bestVersion(blocks: readonly Block[], action: ActionDef, unit: Unit, facts: Facts): Version & Outcome {
  if (!unit.simd)
    return { ...scalarVersion(blocks, action, unit, facts), refusal: 'this engine has no vector instructions' };
  try {
    const scope = new CompileScope(unit, 2, action);
    // The scalar loop makes few passes here, so it need not be fast.
    const body = compileVersion(flowOf(selectBranches(blocks)), scope, facts, flowOf(blocks));
    return { scope, body, refusal: undefined };
  } catch (error) {
    if (!(error instanceof VectorRefusal)) throw error;
    return { ...scalarVersion(blocks, action, unit, facts), refusal: error.message };
  }
}

function scalarVersion(blocks: readonly Block[], action: ActionDef, unit: Unit, facts: Facts): Version {
  const scope = new CompileScope(unit, 2, action);
  return { scope, body: compileVersion(withoutSaturation(flowOf(selectBranches(blocks))), scope, facts, undefined) };
}

/**
 * @param branching the same without selections, from which vector code is made; undefined: no vector code is wanted
 * @throws VectorRefusal if there can be none
 */
function compileVersion(
  flow: readonly FlowNode[],
  scope: CompileScope,
  initial: Facts,
  branching: readonly FlowNode[] | undefined,
): Ref {
  const { m, b, program, liveOut } = scope.unit;
  const compiler = new PrimitiveCompiler(scope);
  const loop = countedLoop(flow, program, scope.ranges, initial);
  if (loop === undefined && branching !== undefined) throw new VectorRefusal(NOT_COUNTED);
  // Vector code comes before the test of the first pass, which therefore has to stay.
  const nodes = loop === undefined || branching !== undefined ? flow : threaded(flow, loop);
  const facts = new FlowFacts(nodes, program, scope.ranges, initial, loop?.limits ?? NO_LIMITS, true);
  const live = liveAtEntry(nodes, facts, (field) => liveOut.has(field));
  // A field that is only read stays in memory: a register for it would be one less for what the loop works on.
  const ranges = writtenRanges(nodes, facts);
  const loaded = [...live].filter((field) => ranges.has(field));
  for (const field of loaded) ranges.set(field, union(ranges.get(field)!, initial.get(field) ?? fieldRange(field)));
  const promoted = new Map(
    [...ranges].map(([field, range]): [FieldDef, Promoted] => {
      const kind = kindOf(range);
      if (kind === 'wide' || field.varbit) throw new NeedsMemory();
      return [field, { local: scope.local(kind), range }];
    }),
  );
  const load = loaded.map((field) => {
    const value = scope.readField(field, kindOf(ranges.get(field)!) as 'i32' | 'i64');
    return m.local.set(promoted.get(field)!.local, value);
  });
  scope.promoted = promoted;
  const vector = branching === undefined ? undefined : vectorCode(branching, scope, compiler, initial);
  const body = renderFlow(nodes, scope, compiler, {
    counted: loop === undefined || loop.trips > BigInt(MAX_BACKWARD_JUMPS),
    facts,
    ...(vector === undefined || loop === undefined ? {} : { before: { node: loop.head, code: vector } }),
  });
  const ends = [...ranges.keys()]
    .filter((field) => liveOut.has(field))
    .map((field) => ({ field, kind: kindOf(fieldRange(field)) as 'i32' | 'i64' }));
  const values = ends.map(({ field, kind }) => scope.readField(field, kind));
  scope.promoted = undefined;
  return m.block(null, [...load, body, ...ends.map(({ field }, i) => scope.writeField(field, values[i]!))], b.none);
}

/** @throws VectorRefusal if there can be none */
function vectorCode(nodes: readonly FlowNode[], scope: CompileScope, compiler: PrimitiveCompiler, initial: Facts): Ref {
  const { program, liveOut } = scope.unit;
  const loop = countedLoop(nodes, program, scope.ranges, initial);
  if (loop === undefined) throw new VectorRefusal(NOT_COUNTED);
  if (loop.trips > BigInt(MAX_BACKWARD_JUMPS)) throw new VectorRefusal('it may be endless');
  const facts = new FlowFacts(nodes, program, scope.ranges, initial, loop.limits, true);
  const after = nodes[loop.head]!.otherwise!.to;
  const live = livenessOf(nodes, facts, (field) => liveOut.has(field)).atEntry(after);
  return new VectorLoop(nodes, loop, facts, scope, compiler.expressions).compile(live);
}

/** The range of all values that are written to each field. */
function writtenRanges(nodes: readonly FlowNode[], facts: FlowFacts): Map<FieldDef, Range> {
  const ranges = new Map<FieldDef, Range>();
  nodes.forEach(({ steps }, at) => {
    const known = facts.at(at);
    if (known === undefined) return;
    const now = new Map(known);
    for (const step of steps) {
      for (const { field } of facts.effects(at, step, now).flatMap(({ writes }) => writes)) {
        const before = ranges.get(field);
        ranges.set(field, before === undefined ? now.get(field)! : union(before, now.get(field)!));
      }
    }
  });
  return ranges;
}
