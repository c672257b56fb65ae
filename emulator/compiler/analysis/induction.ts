import type { Expression, FieldDef } from '../../json/data.js';
import { fieldRange, unsignedRange, type Range } from '../../machine/value-representation.js';
import type { Program } from '../../json/program.js';
import { assignedBy, effectOf, effectOfAssignment, placeOf } from './effects.js';
import { FlowFacts, NO_LIMITS, type Limits } from './facts.js';
import { edgesOf, EXIT, reachableFrom, type Edge, type FlowNode } from './flow.js';
import type { Facts, Ranges } from './ranges.js';

/** The only loop of an action, whose passes are bounded by a field that counts up to a constant. */
export interface CountedLoop {
  /** The node whose condition decides on each pass. */
  readonly head: number;
  /** Maximum number of times that the condition holds. */
  readonly trips: bigint;
  /** Fields that grow by a constant once in each pass, and are written nowhere else. */
  readonly counters: ReadonlyMap<FieldDef, bigint>;
  /** The counters, and those fields that are also written before or after the loop. */
  readonly steps: ReadonlyMap<FieldDef, bigint>;
  /** The condition of each pass: this field is less than the limit. */
  readonly bound: { readonly field: FieldDef; readonly limit: bigint };
  readonly limits: Limits;
  /** What is known without the backward jump of the loop. */
  readonly before: FlowFacts;
}

/** Undefined: there is no such loop, or more than one. */
export function countedLoop(
  nodes: readonly FlowNode[],
  program: Program,
  ranges: Ranges,
  initial: Facts,
): CountedLoop | undefined {
  const backwards = nodes.flatMap((node, at) =>
    edgesOf(node)
      .filter((edge) => edge.counted)
      .map((edge) => ({ at, edge })),
  );
  const [latch] = backwards;
  if (latch === undefined || backwards.length !== 1 || latch.edge.to === EXIT) return undefined;
  const head = latch.edge.to;
  const bound = boundOf(nodes[head]!.condition);
  if (bound === undefined || nodes[latch.at]!.condition !== undefined) return undefined;
  const inLoop = reachableFrom(nodes, head);
  const before = new FlowFacts(nodes, program, ranges, initial, NO_LIMITS, false);
  const entry = before.at(head);
  if (entry === undefined) return undefined;
  const steps = stepsOf(nodes, latch.at, inLoop, program, ranges);
  const step = steps.get(bound.field);
  const first = entry.get(bound.field) ?? fieldRange(bound.field);
  if (step === undefined || first.min < 0n) return undefined;
  const largest = unsignedRange(bound.field.width).max;
  // The field must not wrap around to zero.
  if (first.max > largest - step || bound.limit - 1n + step > largest) return undefined;
  const trips = first.min >= bound.limit ? 0n : (bound.limit - first.min + step - 1n) / step;

  const last = bound.limit - 1n + step;
  const bounds = new Map([[bound.field, { min: first.min, max: last > first.max ? last : first.max }]]);
  const within = new Map<FieldDef, Range>();
  const counters = new Map<FieldDef, bigint>();
  for (const [field, by] of steps) {
    if (writtenOutside(nodes, field, inLoop, program, ranges)) continue;
    counters.set(field, by);
    const start = entry.get(field) ?? fieldRange(field);
    const end = start.max + by * trips;
    if (end > unsignedRange(field.width).max) continue;
    bounds.set(field, { min: start.min, max: end });
    within.set(field, { min: start.min, max: trips > 0n ? end - by : end });
  }
  return { head, trips, counters, steps, bound, before, limits: { nodes: inLoop, bounds, head, within } };
}

/** The condition `field < limit`. */
function boundOf(e: Expression | undefined): { field: FieldDef; limit: bigint } | undefined {
  if (e === undefined) return undefined;
  if (e.op === 'fromBool' || e.op === 'toBool') return boundOf(e.of);
  if (
    e.op !== 'compare' ||
    (e.operator !== '<' && e.operator !== '<=') ||
    e.left.op !== 'field' ||
    e.right.op !== 'constant'
  )
    return undefined;
  if (!('field' in e.left.ref) || e.left.ref.field.signed || e.left.ref.field.width > 64) return undefined;
  return { field: e.left.ref.field, limit: e.operator === '<' ? e.right.value : e.right.value + 1n };
}

/** Unsigned fields that the loop changes by adding a constant in the node that closes it, once and nowhere else. */
function stepsOf(
  nodes: readonly FlowNode[],
  latch: number,
  inLoop: ReadonlySet<number>,
  program: Program,
  ranges: Ranges,
): Map<FieldDef, bigint> {
  const steps = new Map<FieldDef, bigint>();
  const changed = new Set<FieldDef>();
  for (const at of inLoop) {
    for (const step of nodes[at]!.steps) {
      const target =
        'primitive' in step && at === latch && step.primitive.args[0] !== undefined
          ? placeOf(step.primitive.args[0])
          : undefined;
      const from = 'primitive' in step ? assignedBy(step.primitive) : undefined;
      const by = target === undefined || from === undefined ? undefined : increment(target, from);
      if (target !== undefined && by !== undefined && !changed.has(target)) {
        steps.set(target, by);
        changed.add(target);
        continue;
      }
      const effects =
        'primitive' in step
          ? [effectOf(step.primitive, ranges, program)]
          : step.assignments.map((a) => effectOfAssignment(a, ranges));
      for (const { field } of effects.flatMap(({ writes }) => writes)) {
        steps.delete(field);
        changed.add(field);
      }
    }
  }
  return steps;
}

function writtenOutside(
  nodes: readonly FlowNode[],
  field: FieldDef,
  inLoop: ReadonlySet<number>,
  program: Program,
  ranges: Ranges,
): boolean {
  return nodes.some(
    (node, at) =>
      !inLoop.has(at) &&
      node.steps.some((step) => {
        const effects =
          'primitive' in step
            ? [effectOf(step.primitive, ranges, program)]
            : step.assignments.map((a) => effectOfAssignment(a, ranges));
        return effects.some(({ writes }) => writes.some((write) => write.field === field));
      }),
  );
}

/** The constant that is added, with or without a mask to the width of the field. */
function increment(field: FieldDef, e: Expression): bigint | undefined {
  if (field.signed || field.saturating || field.width > 64) return undefined;
  if (e.op !== 'arithmetic') return undefined;
  if (e.operator === '&' && e.right.op === 'constant' && e.right.value === unsignedRange(field.width).max)
    return increment(field, e.left);
  if (e.operator !== '+' || e.left.op !== 'field' || !('field' in e.left.ref) || e.left.ref.field !== field)
    return undefined;
  return e.right.op === 'constant' && e.right.value > 0n ? e.right.value : undefined;
}

/** Jump threading: an edge into the loop leads directly to its first pass, or past it, where the condition is known. */
export function threaded(nodes: readonly FlowNode[], loop: CountedLoop): FlowNode[] {
  const { steps, condition, next, otherwise } = nodes[loop.head]!;
  if (steps.length > 0 || condition === undefined || otherwise === undefined) return [...nodes];
  return nodes.map((node, at): FlowNode => {
    if (
      node.condition !== undefined ||
      node.next.counted ||
      node.next.to !== loop.head ||
      loop.before.at(at) === undefined
    )
      return node;
    const holds = loop.before.decide(condition, loop.before.after(at));
    if (holds === undefined) return node;
    const to: Edge = { to: (holds ? next : otherwise).to, counted: false };
    return { ...node, next: to };
  });
}
