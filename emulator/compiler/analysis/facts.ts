import type { Expression, FieldDef } from '../../json/data.js';
import { fieldRange, intersection, union, type Range } from '../../machine/value-representation.js';
import type { Program } from '../../json/program.js';
import type { Step } from './blocks.js';
import { effectOf, effectOfAssignment, type Effect } from './effects.js';
import { edgesOf, EXIT, type FlowNode } from './flow.js';
import type { Facts, Ranges } from './ranges.js';

/** After this many changes at one node, a field that still changes is assumed to hold anything. */
const MAX_CHANGES = 4;

/** What is known of a loop as a whole: bounds of the fields that count its passes. */
export interface Limits {
  /** The loop, and what comes after it. */
  readonly nodes: ReadonlySet<number>;
  /** Bounds that hold everywhere in these nodes. */
  readonly bounds: Facts;
  /** The node whose condition decides on each pass, and bounds where it holds. */
  readonly head: number;
  readonly within: Facts;
}

export const NO_LIMITS: Limits = { nodes: new Set(), bounds: new Map(), head: EXIT, within: new Map() };

/** Flow-sensitive ranges of fields at the entry of each node of an action. */
export class FlowFacts {
  private readonly entries: (Map<FieldDef, Range> | undefined)[];
  private readonly changes: Map<FieldDef, number>[];

  /**
   * @param initial what is known when the action begins.
   * @param jumpsBack whether backward jumps are followed.
   */
  constructor(
    private readonly nodes: readonly FlowNode[],
    private readonly program: Program,
    private readonly ranges: Ranges,
    initial: Facts,
    private readonly limits: Limits,
    private readonly jumpsBack: boolean,
  ) {
    this.entries = nodes.map(() => undefined);
    this.changes = nodes.map(() => new Map());
    this.entries[0] = new Map(initial);
    this.solve();
  }

  /** Undefined: the node is never reached. */
  at(node: number): Facts | undefined {
    return this.entries[node];
  }

  /** Effects of the parts of a step, each with what is known before it; a selection has one part for each assignment. */
  effects(node: number, step: Step, facts: Map<FieldDef, Range>): Effect[] {
    const { program, ranges } = this;
    if ('primitive' in step) return [this.applied(node, effectOf(step.primitive, ranges.at(facts), program), facts)];
    return step.assignments.map((assignment) =>
      this.applied(node, effectOfAssignment(assignment, ranges.at(facts)), facts),
    );
  }

  private applied(node: number, effect: Effect, facts: Map<FieldDef, Range>): Effect {
    for (const { field, range, certain } of effect.writes) {
      const after = certain ? range : union(facts.get(field) ?? fieldRange(field), range);
      const limit = this.limit(node, field);
      facts.set(field, limit === undefined ? after : (intersection(after, limit) ?? limit));
    }
    return effect;
  }

  private limit(node: number, field: FieldDef): Range | undefined {
    return this.limits.nodes.has(node) ? this.limits.bounds.get(field) : undefined;
  }

  /** Facts after the steps of a node. */
  after(node: number): Map<FieldDef, Range> {
    const facts = new Map(this.entries[node]);
    for (const step of this.nodes[node]!.steps) this.effects(node, step, facts);
    return facts;
  }

  /** Whether the condition of a node holds with these facts; undefined if that is unknown. */
  decide(e: Expression, facts: Facts): boolean | undefined {
    switch (e.op) {
      case 'fromBool':
      case 'toBool':
        return this.decide(e.of, facts);
      case 'not': {
        const holds = this.decide(e.of, facts);
        return holds === undefined ? undefined : !holds;
      }
      case 'compare': {
        const [a, b] = [this.ranges.at(facts).of(e.left), this.ranges.of(e.right)];
        if (e.operator === '<' || e.operator === '>=') {
          if (a.max < b.min) return e.operator === '<';
          return a.min >= b.max ? e.operator === '>=' : undefined;
        }
        if (a.min > b.max) return e.operator === '>';
        return a.max <= b.min ? e.operator === '<=' : undefined;
      }
      default:
        return undefined;
    }
  }

  private solve(): void {
    const open = [0];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const facts = this.after(at);
      const { condition, next, otherwise } = this.nodes[at]!;
      for (const edge of edgesOf(this.nodes[at]!)) {
        if (edge.to === EXIT || (edge.counted && !this.jumpsBack)) continue;
        const known =
          condition === undefined || next.to === otherwise?.to
            ? facts
            : this.refined(facts, condition, edge === next, at);
        if (known !== undefined && this.join(edge.to, known)) open.push(edge.to);
      }
    }
  }

  private refined(facts: Facts, condition: Expression, holds: boolean, node: number): Facts | undefined {
    const known = new Map(facts);
    if (!this.refine(known, condition, holds)) return undefined;
    if (holds && node === this.limits.head)
      for (const [field, limit] of this.limits.within) if (!this.cut(known, field, limit)) return undefined;
    return known;
  }

  /** @returns false if the condition cannot have this outcome. */
  private refine(facts: Map<FieldDef, Range>, e: Expression, holds: boolean): boolean {
    switch (e.op) {
      case 'fromBool':
      case 'toBool':
        return this.refine(facts, e.of, holds);
      case 'not':
        return this.refine(facts, e.of, !holds);
      case 'logic':
        if (holds !== (e.operator === 'and')) return true;
        return this.refine(facts, e.left, holds) && this.refine(facts, e.right, holds);
      case 'equal': {
        if (e.negated === holds || e.left.type !== 'data') return true;
        const [a, b] = [this.ranges.at(facts).of(e.left), this.ranges.of(e.right)];
        return this.cutField(facts, e.left, b) && this.cutField(facts, e.right, a);
      }
      case 'compare': {
        const operator = holds ? e.operator : ({ '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const)[e.operator];
        const [a, b] = [this.ranges.at(facts).of(e.left), this.ranges.of(e.right)];
        const strict = operator === '<' || operator === '>' ? 1n : 0n;
        const below = (of: Range, limit: Range): Range => ({ min: of.min, max: limit.max - strict });
        const above = (of: Range, limit: Range): Range => ({ min: limit.min + strict, max: of.max });
        const isLess = operator === '<' || operator === '<=';
        return (
          this.cutField(facts, e.left, isLess ? below(a, b) : above(a, b)) &&
          this.cutField(facts, e.right, isLess ? above(b, a) : below(b, a))
        );
      }
      default:
        return true;
    }
  }

  private cutField(facts: Map<FieldDef, Range>, e: Expression, to: Range): boolean {
    if (e.op === 'field' && 'field' in e.ref) return this.cut(facts, e.ref.field, to);
    return intersection(this.ranges.at(facts).of(e), to) !== undefined;
  }

  private cut(facts: Map<FieldDef, Range>, field: FieldDef, to: Range): boolean {
    const left = intersection(facts.get(field) ?? fieldRange(field), to);
    if (left !== undefined) facts.set(field, left);
    return left !== undefined;
  }

  /** @returns whether anything has changed at the node. */
  private join(node: number, facts: Facts): boolean {
    const entry = this.entries[node];
    if (entry === undefined) {
      // Fields that count the passes get their bounds immediately: otherwise each pass would find one more value.
      this.entries[node] = new Map(node === this.limits.head ? [...facts, ...this.limits.bounds] : facts);
      return true;
    }
    let changed = false;
    for (const [field, before] of entry) {
      const after = union(before, facts.get(field) ?? fieldRange(field));
      if (after.min === before.min && after.max === before.max) continue;
      const changes = (this.changes[node]!.get(field) ?? 0) + 1;
      this.changes[node]!.set(field, changes);
      entry.set(field, changes > MAX_CHANGES ? (this.limit(node, field) ?? fieldRange(field)) : after);
      changed = true;
    }
    return changed;
  }
}
