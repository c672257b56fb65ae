import type { FieldDef } from '../../json/data.js';
import { contains, fieldRange, kindOf, unsignedRange, type Range } from '../../machine/value-representation.js';
import { FRAME } from '../../machine/layout.js';
import type { FlowFacts } from '../analysis/facts.js';
import type { FlowNode } from '../analysis/flow.js';
import type { CountedLoop } from '../analysis/induction.js';
import type { Ref } from '../binaryen.js';
import type { ExpressionCompiler } from '../expression.js';
import type { CompileScope } from '../scope.js';
import type { LaneValue } from './expressions.js';
import { Emitter } from './emit.js';
import { Graph, type Carried, type Cells, type Node, type Ramp } from './graph.js';
import { LaneBuilder } from './lanes.js';
import { changedFields, reductionsOf, type Reduction } from './legality.js';
import { Passes, type Count, type PassesResult } from './passes.js';
import { VectorRefusal } from './refusal.js';
import { shapeOf, type LoopShape } from './shape.js';
import { ShiftMerger } from './shifts.js';
import { Uniforms } from './uniforms.js';

/** Passes that are made at once. */
const LANES = 4;
/** Groups of passes in one round of the loop, if that leaves no more passes to the scalar loop. */
const UNROLLED = 2;

/**
 * Code that makes most passes of a counted loop, four at a time, and leaves the rest to the loop itself. It is legal
 * because no pass depends on what another one writes: a field is either the same in all passes, or grows by a constant,
 * or is written in each pass before it is read, or is only added to; and cells of registers are accessed at an index
 * that grows by one, each register that is written at a single one. Branches become selections, so what only some
 * passes would do has no effect in the others.
 */
export class VectorLoop {
  private readonly graph = new Graph();
  private readonly build = new LaneBuilder(this.graph);
  private readonly uniforms: Uniforms;
  private readonly shape: LoopShape;
  private readonly changes: ReadonlySet<FieldDef>;
  private readonly counters = new Map<FieldDef, number>();
  private readonly reductions: ReadonlyMap<FieldDef, Reduction>;
  private readonly parts = new Map<FieldDef, Node>();
  /** How many passes one round of the vector loop makes. */
  private readonly passes: number;
  /** What has to hold before the loop. */
  private readonly conditions: Ref[] = [];

  /**
   * @param scope fields that the loop writes are promoted
   * @throws VectorRefusal if some pass may depend on another one, or vectors cannot do what it does
   */
  constructor(
    private readonly nodes: readonly FlowNode[],
    private readonly loop: CountedLoop,
    private readonly facts: FlowFacts,
    private readonly scope: CompileScope,
    expressions: ExpressionCompiler,
  ) {
    const { ranges, unit } = scope;
    if (loop.trips < BigInt(LANES)) throw new VectorRefusal(`the loop has fewer than ${LANES} passes`);
    this.passes = loop.trips % BigInt(UNROLLED * LANES) === 0n ? UNROLLED * LANES : LANES;
    this.shape = shapeOf(nodes, loop, facts);
    this.changes = changedFields(nodes, this.shape, ranges.at(new Map()), unit.program);
    this.uniforms = new Uniforms(scope, expressions, this.graph, this.changes);
    const others = [...this.changes].filter((field) => !loop.steps.has(field));
    this.reductions = reductionsOf(nodes, this.shape, others);
  }

  /**
   * @param liveAfter fields that are read after the loop
   * @throws VectorRefusal
   */
  compile(liveAfter: ReadonlySet<FieldDef>): Ref {
    const initial = new Map([...this.countersBefore(), ...this.reductionsBefore()]);
    const passes = new Passes(
      this.nodes,
      this.shape,
      this.facts,
      this.scope.ranges,
      this.build,
      this.uniforms,
      new ShiftMerger(this.build),
      this.reductions,
      initial,
      () => this.carried(),
    );
    const result = passes.run();
    this.checkRegisters(result);
    const last = this.fieldsOfLastPass(result, liveAfter);
    return this.emit(result, last);
  }

  private countersBefore(): [FieldDef, LaneValue][] {
    const entry = this.facts.at(this.shape.first)!;
    return [...this.loop.steps].flatMap(([field, by]): [FieldDef, LaneValue][] => {
      const range = entry.get(field) ?? fieldRange(field);
      if (!this.changes.has(field)) return [];
      if (kindOf(range) !== 'i32' || by > 0xffffffn)
        throw new VectorRefusal(`counter ${field.name} needs more than 32 bits`);
      this.keepFromWrapping(field, by);
      const step = Number(by);
      this.counters.set(field, step);
      const ramp: Ramp = { counter: field, step, base: undefined, offset: 0 };
      return [[field, { lanes: { kind: 'i32', parts: [this.graph.node({ kind: 'ramp', ramp }, [])] }, range }]];
    });
  }

  /** A field of 32 bits wraps around as its lanes do, any other must not wrap around. */
  private keepFromWrapping(field: FieldDef, by: bigint): void {
    if (field.width === 32 || this.loop.limits.bounds.has(field)) return;
    const most = unsignedRange(field.width).max - by * this.loop.trips;
    if (most < 0n) throw new VectorRefusal(`counter ${field.name} can wrap around`);
    this.atMost(this.scope.readField(field, 'i32'), most);
  }

  private atMost(value: Ref, most: bigint): void {
    const { m } = this.scope.unit;
    this.conditions.push(m.i32.le_u(value, m.i32.const(Number(BigInt.asIntN(32, most)))));
  }

  private reductionsBefore(): [FieldDef, LaneValue][] {
    return [...this.reductions.keys()].map((field) => {
      const node = this.carried();
      this.parts.set(field, node);
      return [field, { lanes: { kind: 'i32', parts: [node] }, range: unsignedRange(32) }];
    });
  }

  private carried(): Node {
    const { scope } = this;
    const local = scope.params + scope.vars.push(scope.unit.b.v128) - 1;
    return this.graph.node({ kind: 'carried', carried: { local } }, []);
  }

  /** Cells that one pass writes must not be accessed by others. */
  private checkRegisters({ cells, state }: PassesResult): void {
    for (const { register } of cells.filter((c) => state.has(c))) {
      if (cells.filter((c) => c.register === register).length > 1)
        throw new VectorRefusal(`register ${register.name} is accessed at more than one index, and written`);
    }
    for (const of of cells) this.keepWithin(of);
  }

  private keepWithin({ register, ramp }: Cells): void {
    const { m, b } = this.scope.unit;
    const { counter, base, offset } = ramp;
    const size = BigInt(register.size);
    const range = this.facts.at(this.shape.first)!.get(counter) ?? fieldRange(counter);
    const all: Range = { min: range.min + BigInt(offset), max: range.max + BigInt(offset) };
    if (base === undefined && contains({ min: 0n, max: size - 1n }, all)) return;
    if (size < this.loop.trips)
      throw new VectorRefusal(`register ${register.name} has fewer cells than the loop has passes`);
    const from = this.scope.readField(counter, 'i32');
    const based = base === undefined ? from : m.i32.add(from, m.local.get(base.local, b.i32));
    this.atMost(m.i32.add(based, m.i32.const(offset)), size - this.loop.trips);
  }

  /** Fields that are read after the loop: they hold what the last pass writes to them. */
  private fieldsOfLastPass({ state }: PassesResult, liveAfter: ReadonlySet<FieldDef>): [FieldDef, LaneValue][] {
    return [...this.changes].flatMap((field): [FieldDef, LaneValue][] => {
      if (this.counters.has(field) || this.reductions.has(field) || !liveAfter.has(field)) return [];
      const value = state.get(field);
      if (value === undefined)
        throw new VectorRefusal(`field ${field.header.name}.${field.name} keeps the value of an earlier pass`);
      return [[field, value]];
    });
  }

  private emit({ state, cells, counts }: PassesResult, last: readonly (readonly [FieldDef, LaneValue])[]): Ref {
    const { scope } = this;
    const { m, b } = scope.unit;
    const emitter = new Emitter(scope, this.graph, ({ counter }) => scope.readField(counter, 'i32'));
    const written = cells.flatMap((of) => {
      const value = state.get(of);
      return value === undefined ? [] : [{ of, parts: value.lanes.parts }];
    });
    const parts = [
      ...[...this.parts].map(([field, from]) => ({ from, to: state.get(field)!.lanes.parts[0]! })),
      ...counts.map((count) => ({ from: count.carried, to: state.get(count)!.lanes.parts[0]! })),
    ];
    const carried = (node: Node): Carried => (node.operation as { readonly carried: Carried }).carried;
    for (let passes = 0; passes < this.passes; passes += LANES) {
      emitter.begin(passes);
      // All cells are read before any is written.
      for (const { parts: values } of written) values.forEach((value) => emitter.get(value));
      for (const { to } of parts) emitter.get(to);
      for (const [, { lanes }] of last) lanes.parts.forEach((part) => emitter.get(part));
      for (const { of, parts: values } of written) emitter.store(of, values);
      for (const { from, to } of parts) emitter.set(carried(from), to);
    }
    const starts = [
      ...[...this.reductions].map(([field, { operator }]) => {
        const all = operator === '&' ? 255 : 0;
        return m.local.set(carried(this.parts.get(field)!).local, m.v128.const(new Array<number>(16).fill(all)));
      }),
      ...counts.map((c) => m.local.set(carried(c.carried).local, m.v128.const(new Array<number>(16).fill(0)))),
    ];
    const advance = [...this.counters].map(([field, step]) => {
      const kind = scope.kindOf(field);
      const by = kind === 'i32' ? m.i32.const(this.passes * step) : m.i64.const(BigInt(this.passes * step));
      return scope.writeField(field, m[kind].add(scope.readField(field, kind), by));
    });
    const more = this.more();
    const body = m.block(null, [...emitter.prologue, ...emitter.body, ...advance, m.br_if('vector', more())]);
    const loop = m.block(null, [
      ...emitter.before,
      ...starts,
      m.loop('vector', body),
      ...[...this.reductions.values()].map((reduction) =>
        this.reduce(reduction, carried(this.parts.get(reduction.field)!)),
      ),
      ...counts.map((count) => this.addCount(count, carried(count.carried))),
      ...last.map(([field, value]) => this.setLast(field, value, emitter)),
    ]);
    const conditions = [...this.conditions, more()].reduce((x, y) => m.i32.and(x, y));
    return m.block(null, [...this.uniforms.code, m.if(conditions, loop)], b.none);
  }

  /** Whether there are as many more passes as are made at once. */
  private more(): () => Ref {
    const { m } = this.scope.unit;
    const { field, limit } = this.loop.bound;
    const most = limit - 1n - this.loop.steps.get(field)! * BigInt(this.passes - 1);
    if (most < 0n) throw new VectorRefusal(`the loop has fewer than ${LANES} passes`);
    const kind = this.scope.kindOf(field);
    const bound = (): Ref => (kind === 'i32' ? m.i32.const(Number(BigInt.asIntN(32, most))) : m.i64.const(most));
    return () => m[kind].le_u(this.scope.readField(field, kind), bound());
  }

  private setLast(field: FieldDef, { lanes, range }: LaneValue, emitter: Emitter): Ref {
    const { m } = this.scope.unit;
    const last = emitter.get(lanes.parts.at(-1)!);
    const value = lanes.kind === 'i32' ? m.i32x4.extract_lane(last, 3) : m.i64x2.extract_lane(last, 1);
    const kind = this.scope.kindOf(field);
    if (kind === lanes.kind) return this.scope.writeField(field, value);
    const sized = kind === 'i32' ? m.i32.wrap(value) : range.min < 0n ? m.i64.extend_s(value) : m.i64.extend_u(value);
    return this.scope.writeField(field, sized);
  }

  private lanesOf({ local }: Carried, combine: (x: Ref, y: Ref) => Ref): Ref {
    const { m, b } = this.scope.unit;
    return [0, 1, 2, 3].map((i) => m.i32x4.extract_lane(m.local.get(local, b.v128), i)).reduce(combine);
  }

  private reduce({ field, operator }: Reduction, carried: Carried): Ref {
    const { m } = this.scope.unit;
    const { scope } = this;
    const name = ({ '+': 'add', '|': 'or', '&': 'and', '^': 'xor' } as const)[operator];
    const sum = m.i32[name](
      scope.readField(field, 'i32'),
      this.lanesOf(carried, (x, y) => m.i32[name](x, y)),
    );
    const mask = Number(BigInt.asIntN(32, unsignedRange(field.width).max));
    const cut = m.i32.and(sum, m.i32.const(mask));
    return scope.writeField(field, scope.kindOf(field) === 'i32' ? cut : m.i64.extend_u(cut));
  }

  private addCount({ counter, at, range }: Count, carried: Carried): Ref {
    const { m, b, layout } = this.scope.unit;
    const { packets, bytes } = layout.counters[counter.index]!;
    const times = this.scope.local('i32');
    const get = (): Ref => m.local.get(times, b.i32);
    const index = (): Ref => m.local.get(at.local, at.kind === 'i32' ? b.i32 : b.i64);
    const cell = (): Ref => m.i32.shl(at.kind === 'i32' ? index() : m.i32.wrap(index()), m.i32.const(3));
    const add = (base: number, value: Ref): Ref =>
      m.f64.store(base, 8, cell(), m.f64.add(m.f64.load(base, 8, cell()), value));
    const counted = m.block(null, [
      add(packets, m.f64.convert_s.i32(get())),
      add(bytes, m.f64.mul(m.f64.convert_s.i32(get()), m.f64.convert_s.i32(this.scope.word(FRAME.ingressLength)))),
    ]);
    const size = BigInt(counter.size);
    const limit = at.kind === 'i32' ? m.i32.const(Number(BigInt.asIntN(32, size))) : m.i64.const(size);
    const inside = contains({ min: 0n, max: size - 1n }, range)
      ? counted
      : // A negative index is a large one when it is read as unsigned.
        m.if(m[at.kind].lt_u(index(), limit), counted);
    return m.block(null, [
      m.local.set(
        times,
        this.lanesOf(carried, (x, y) => m.i32.add(x, y)),
      ),
      m.if(get(), inside),
    ]);
  }
}
