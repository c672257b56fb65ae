import type { CounterDef, Operand, Primitive } from '../../json/program.js';
import type { Expression, FieldDef, RegisterDef } from '../../json/data.js';
import {
  contains,
  kindOf,
  signedRange,
  union,
  unsignedRange,
  type Range,
  type ScalarKind,
} from '../../machine/value-representation.js';
import { testedSum } from '../overflow.js';
import { assignedBy, placeOf } from '../analysis/effects.js';
import type { FlowFacts } from '../analysis/facts.js';
import { EXIT, type FlowNode } from '../analysis/flow.js';
import type { Ranges } from '../analysis/ranges.js';
import { LaneExpressions, type LaneValue } from './expressions.js';
import { argsOf, rampKey, wordsOf, type Cells, type Node, type Scalar } from './graph.js';
import { vectorKind, type LaneBuilder, type Lanes } from './lanes.js';
import { updateOf, type Reduction } from './legality.js';
import { VectorRefusal } from './refusal.js';
import { taken, type LoopShape } from './shape.js';
import type { ShiftMerger } from './shifts.js';
import type { Uniforms } from './uniforms.js';

/** The largest body, in nodes that are visited: branches that do not nest are followed more than once. */
const MAX_VISITS = 500;
/** A branch with at least this many operations is jumped over if no lane takes it, and few are expected to. */
const RARE_SIZE = 3;
/** Operations of x64 for one of WebAssembly. */
const BITSELECT_SIZE = 3;

/** Passes that came to a primitive `count`, by lane. */
export interface Count {
  readonly counter: CounterDef;
  /** The index, and what is known about it. */
  readonly at: Scalar;
  readonly range: Range;
  /** By lane, the number of groups of passes so far. */
  readonly carried: Node;
}

/** Something that a pass writes to. Cells and counts are one object each. */
type Slot = FieldDef | Cells | Count;
/** Undefined: it depends on the way through the pass whether the pass has written it. */
type State = Map<Slot, LaneValue | undefined>;

export interface PassesResult {
  readonly state: ReadonlyMap<Slot, LaneValue | undefined>;
  readonly cells: readonly Cells[];
  readonly counts: readonly Count[];
}

/** Runs the body of a loop for four passes at once, and turns its branches into selections. */
export class Passes {
  private readonly expressions: LaneExpressions;
  private readonly cells = new Map<string, Cells>();
  private readonly counts: Count[] = [];
  private state: State;
  private visits = 0;

  /**
   * @param initial counters, reductions: what they hold before the pass
   * @param changes fields that the loop writes to
   */
  constructor(
    private readonly nodes: readonly FlowNode[],
    private readonly shape: LoopShape,
    private readonly facts: FlowFacts,
    private readonly ranges: Ranges,
    private readonly build: LaneBuilder,
    private readonly uniforms: Uniforms,
    private readonly shifts: ShiftMerger,
    private readonly reductions: ReadonlyMap<FieldDef, Reduction>,
    initial: ReadonlyMap<FieldDef, LaneValue>,
    private readonly carried: () => Node,
  ) {
    this.state = new Map(initial);
    this.expressions = new LaneExpressions(build, ranges, uniforms, shifts, (field) => this.read(field));
  }

  run(): PassesResult {
    this.through(this.shape.first, this.shape.head);
    return { state: this.state, cells: [...this.cells.values()], counts: this.counts };
  }

  private read(field: FieldDef): LaneValue {
    const value = this.state.get(field);
    if (value === undefined)
      throw new VectorRefusal(`field ${field.header.name}.${field.name} goes from one pass to the next`);
    return value;
  }

  /** From a node to where the ways meet. */
  private through(from: number, to: number): void {
    for (let at = from; at !== to;) {
      if (at === EXIT || ++this.visits > MAX_VISITS) throw new VectorRefusal('the loop has too many branches');
      const node = this.nodes[at]!;
      const now = new Map(this.facts.at(at));
      this.ranges.at(now);
      for (const step of node.steps) {
        if (!('primitive' in step)) throw new Error('a selection in a loop that is to be vectorised');
        this.primitive(step.primitive, () => {
          this.facts.effects(at, step, now);
          this.ranges.at(now);
        });
      }
      const ways = taken(node, this.facts);
      if (ways.length === 1) {
        at = ways[0]!.to;
        continue;
      }
      const join = this.shape.join.get(at)!;
      this.branch(node.condition!, this.expressions.mask(node.condition!), ways[0]!.to, ways[1]!.to, join);
      at = join;
    }
  }

  private branch(condition: Expression, mask: Node, then: number, otherwise: number, join: number): void {
    const always = wordsOf(mask)?.[0];
    if (always !== undefined) {
      this.through(always !== 0 ? then : otherwise, join);
      return;
    }
    const { graph } = this.build;
    const before = this.state;
    const { path } = this.shifts;
    const side = (first: number, holds: boolean): Side => {
      const size = graph.size;
      this.state = new Map(before);
      this.shifts.path = [...path, { mask, holds }];
      this.through(first, join);
      return { state: this.state, size: graph.size - size };
    };
    const yes = side(then, true);
    const no = side(otherwise, false);
    this.shifts.path = path;
    if (isUnlikely(condition) === false) this.state = this.merged(graph.not(mask), no, yes, true);
    else this.state = this.merged(mask, yes, no, isUnlikely(condition) === true);
  }

  private merged(mask: Node, { state: a, size }: Side, { state: b }: Side, unlikely: boolean): State {
    const { build } = this;
    const result: State = new Map();
    const changes: { slot: Slot; range: Range; a: Lanes; b: Lanes }[] = [];
    for (const slot of new Set([...a.keys(), ...b.keys()])) {
      const [x, y] = [this.valueIn(a, slot), this.valueIn(b, slot)];
      if (x === undefined || y === undefined || sameLanes(x.lanes, y.lanes)) {
        result.set(slot, x === undefined || y === undefined ? undefined : { ...x, range: union(x.range, y.range) });
        continue;
      }
      const range = union(x.range, y.range);
      const kind = vectorKind(range);
      changes.push({ slot, range, a: build.as(x.lanes, kind, x.range), b: build.as(y.lanes, kind, y.range) });
    }
    const selected = changes.map((c) => build.select(mask, c.a, c.b));
    const saved = selected
      .flatMap(({ parts }) => parts)
      .reduce((sum, part) => sum + (argsOf(part, 'v128.bitselect') === undefined ? 1 : BITSELECT_SIZE), size);
    const merged = unlikely && saved >= RARE_SIZE ? build.rare(mask, changes) : selected;
    changes.forEach(({ slot, range }, i) => result.set(slot, { lanes: merged[i]!, range }));
    return result;
  }

  /** What a slot holds; for cells and counts that were not written, what was there before the pass. */
  private valueIn(state: State, slot: Slot): LaneValue | undefined {
    return state.get(slot) ?? ('ramp' in slot ? this.before(slot) : 'counter' in slot ? this.none(slot) : undefined);
  }

  private before(cells: Cells): LaneValue {
    const range = unsignedRange(cells.register.width);
    const kind = cells.register.width <= 32 ? 'i32' : 'i64';
    return { range, lanes: this.build.of(kind, (part) => this.build.graph.node({ kind: 'cells', cells, part }, [])) };
  }

  /** @param after is called when the primitive has been compiled, and determines what is known then. */
  private primitive(primitive: Primitive, after: () => void): void {
    const { op, args } = primitive;
    const expression = (i: number): Expression => (args[i] as Extract<Operand, { kind: 'expression' }>).expression;
    const target = args[0] === undefined ? undefined : placeOf(args[0]);
    const assigned = assignedBy(primitive);
    if (assigned !== undefined && target !== undefined) {
      this.assign(target, primitive, assigned, after);
      return;
    }
    switch (op) {
      case 'no_op':
        break;
      case 'register_read':
        if (target === undefined || args[1]!.kind !== 'register') break;
        return this.store(target, this.valueOf(this.cellsAt(args[1]!.register, expression(2))), after);
      case 'register_write':
        if (args[0]!.kind !== 'register') break;
        this.registerWrite(args[0]!.register, expression(1), expression(2));
        return after();
      case 'count':
        if (args[0]!.kind !== 'counter') break;
        this.count(args[0]!.counter, expression(1));
        return after();
    }
    if (op !== 'no_op') throw new VectorRefusal(`primitive ${op}`);
    after();
  }

  private assign(to: FieldDef, primitive: Primitive, from: Expression, after: () => void): void {
    const reduction = this.reductions.get(to);
    if (reduction === undefined) {
      const range = this.expressions.range(from);
      const lanes = (kind: ScalarKind): Lanes => this.expressions.low(from, kind);
      this.store(to, { range, low: lanes }, after);
      return;
    }
    const { operator, by } = updateOf(to, primitive)!;
    const part = this.state.get(to)!;
    const more = this.expressions.low(by, 'i32');
    const lanes =
      operator === '+' || operator === '-'
        ? this.build.ring(operator, part.lanes, more)
        : this.build.bits(operator, part.lanes, more);
    this.state.set(to, { ...part, lanes });
    after();
  }

  /** See StoreCompiler.fitted. */
  private store(field: FieldDef, source: Source, after: () => void): void {
    const { build } = this;
    const { width, signed, saturating } = field;
    if (field.varbit) throw new VectorRefusal(`field ${field.name} of variable width`);
    if (this.reductions.has(field)) throw new Error(`field ${field.name} is more than a reduction`);
    const { range } = source;
    const mask = unsignedRange(width);
    const allowed = signed
      ? { min: signedRange(width).min, max: saturating ? signedRange(width).max : mask.max }
      : mask;
    let value: LaneValue;
    if (contains(allowed, range)) {
      value = { lanes: source.low(vectorKind(range)), range };
    } else if (saturating) {
      const own = vectorKind(union(range, allowed));
      value = { lanes: build.clamp(source.low(own), range, allowed), range: union(range, allowed) };
    } else if (signed) {
      const own = vectorKind(union(range, allowed));
      const exact = source.low(own);
      const all = union(range, allowed);
      const outside = build.graph.apply(
        'v128.or',
        build.compare('<', exact, build.constant(allowed.min, own), all),
        build.compare('>', exact, build.constant(allowed.max, own), all),
      );
      value = { lanes: build.select(outside, build.signExtend(exact, width), exact), range: all };
    } else {
      const kind = vectorKind(mask);
      value = { lanes: build.bits('&', source.low(kind), build.constant(mask.max, kind)), range: mask };
    }
    after();
    // What is known now can be more than what follows from the source, and leave fewer bits.
    const known = this.ranges.field(field);
    const kind = vectorKind(known);
    this.state.set(field, { lanes: build.as(value.lanes, kind, value.range), range: known });
  }

  private valueOf(cells: Cells): Source {
    const { lanes, range } = this.valueIn(this.state, cells)!;
    return { range, low: (kind) => this.build.as(lanes, kind, range) };
  }

  private registerWrite(register: RegisterDef, index: Expression, value: Expression): void {
    const cells = this.cellsAt(register, index);
    if (register.width > 64) throw new VectorRefusal(`register ${register.name} has more than 64 bits`);
    const range = unsignedRange(register.width);
    const kind = register.width <= 32 ? 'i32' : 'i64';
    const low = this.expressions.low(value, kind);
    const fits = contains(range, this.expressions.range(value));
    const lanes = fits ? low : this.build.bits('&', low, this.build.constant(range.max, kind));
    this.state.set(cells, { lanes, range });
  }

  /** The cells that four passes access, which have to be next to each other. */
  private cellsAt(register: RegisterDef, index: Expression): Cells {
    if (register.width > 64) throw new VectorRefusal(`register ${register.name} has more than 64 bits`);
    const range = this.expressions.range(index);
    if (range.min < 0n || kindOf(range) !== 'i32')
      throw new VectorRefusal(`the index of register ${register.name} may be negative or have more than 32 bits`);
    const { operation } = this.expressions.low(index, 'i32').parts[0]!;
    if (operation.kind !== 'ramp' || operation.ramp.step !== 1)
      throw new VectorRefusal(`the index of register ${register.name} does not follow the passes one by one`);
    const key = `${register.index} ${rampKey(operation.ramp)}`;
    let cells = this.cells.get(key);
    if (cells === undefined) this.cells.set(key, (cells = { register, ramp: operation.ramp }));
    return cells;
  }

  private count(counter: CounterDef, index: Expression): void {
    const range = this.expressions.range(index);
    if (!this.uniforms.isUniform(index))
      throw new VectorRefusal(`the index of counter ${counter.name} differs between passes`);
    const at = this.uniforms.exact(index);
    const known = this.counts.find((c) => c.counter === counter && c.at.local === at.local);
    const count: Count = known ?? { counter, at, range, carried: this.carried() };
    if (known === undefined) this.counts.push(count);
    const before = this.valueIn(this.state, count)!;
    const one = this.build.constant(1n, 'i32');
    this.state.set(count, { ...before, lanes: this.build.ring('+', before.lanes, one) });
  }

  private none({ carried }: Count): LaneValue {
    return { lanes: { kind: 'i32', parts: [carried] }, range: unsignedRange(31) };
  }
}

/** One side of a branch: what it leaves behind, and how many operations it takes. */
interface Side {
  readonly state: State;
  readonly size: number;
}

interface Source {
  readonly range: Range;
  low(kind: ScalarKind): Lanes;
}

function sameLanes(a: Lanes, b: Lanes): boolean {
  return a.kind === b.kind && a.parts.every((part, i) => part === b.parts[i]);
}

/** Programs compare with a constant to find what is special. Undefined: nothing can be said. */
function isUnlikely(e: Expression): boolean | undefined {
  if (e.op === 'fromBool' || e.op === 'toBool') return isUnlikely(e.of);
  if (testedSum(e) !== undefined) return true;
  if (e.op === 'not') {
    const of = isUnlikely(e.of);
    return of === undefined ? undefined : !of;
  }
  return e.op === 'equal' && (e.left.op === 'constant' || e.right.op === 'constant') ? !e.negated : undefined;
}
