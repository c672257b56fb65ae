import type { ConditionalDef, ControlNode, KeyDef, PipelineDef, TableDef } from '../json/program.js';
import { MeterState } from '../externs/meter.js';
import type { StoredEntry } from '../tables/entry.js';
import type { Table } from '../tables/table.js';
import { compileCalculation } from './calculations.js';
import type { Context } from './context.js';
import { compileBool, compileField, type DataFn } from './expressions.js';
import type { Packet } from './packet.js';
import type { Run } from './primitives.js';
import { storeTo } from './stores.js';

/** Runs one node of the control flow. @returns the next node, -1 at the end. */
type NodeFn = (p: Packet) => number;
const END = -1;

/** @param actions compiled actions by their index. */
export function compilePipeline(pipeline: PipelineDef, actions: readonly Run[], context: Context): Run {
  const indexOf = new Map(pipeline.nodes.map((node, index) => [node, index]));
  const target = (node: ControlNode | null): number => (node === null ? END : indexOf.get(node)!);
  const nodes = pipeline.nodes.map((node): NodeFn => {
    switch (node.kind) {
      case 'table':
        return compileTable(node, actions, target, context);
      case 'conditional':
        return compileConditional(node, target, context);
      case 'call': {
        const run = actions[node.action.index]!;
        const next = target(node.next);
        return (p) => {
          run(p);
          return next;
        };
      }
    }
  });
  const start = target(pipeline.start);
  return (p) => {
    for (let at = start; at >= 0 && !p.exit;) at = nodes[at]!(p);
  };
}

function compileConditional(
  node: ConditionalDef,
  target: (node: ControlNode | null) => number,
  context: Context,
): NodeFn {
  const condition = compileBool(node.expression, context);
  const onTrue = target(node.onTrue);
  const onFalse = target(node.onFalse);
  if (!context.traced) return (p) => (condition(p) ? onTrue : onFalse);
  return (p) => {
    const result = condition(p);
    p.trace!.add({ kind: 'condition', name: node.name, source: node.source, result });
    return result ? onTrue : onFalse;
  };
}

/** A field of an invalid header counts as zero in a key, unlike anywhere else. */
function compileKeyPart(key: KeyDef): DataFn {
  const value = compileField(key.ref);
  if (!('field' in key.ref)) return value;
  const { field } = key.ref;
  const header = field.header.index;
  const { mask } = key;
  if (mask !== null) return (p) => (p.valid[header] === 0 ? 0n : BigInt.asUintN(field.width, value(p)) & mask);
  if (field.signed) return (p) => (p.valid[header] === 0 ? 0n : BigInt.asUintN(field.width, value(p)));
  const { index } = field;
  return (p) => (p.valid[header] === 0 ? 0n : p.fields[index]!);
}

function compileKey(keys: readonly KeyDef[]): DataFn {
  const parts = keys.map(compileKeyPart);
  const widths = keys.map((key) => BigInt(key.width));
  const [first] = parts;
  if (first === undefined) return () => 0n;
  if (parts.length === 1) return first;
  return (p) => {
    let key = first(p);
    for (let i = 1; i < parts.length; i++) key = (key << widths[i]!) | parts[i]!(p);
    return key;
  };
}

function compileTable(
  def: TableDef,
  actions: readonly Run[],
  target: (node: ControlNode | null) => number,
  context: Context,
): NodeFn {
  const table = context.host.state.tables[def.index]!;
  const nextByAction = new Int32Array(actions.length).fill(END);
  for (const [action, node] of def.nextByAction) nextByAction[action] = target(node);
  const { hitMiss } = def;
  const onHit = hitMiss === undefined ? undefined : target(hitMiss.hit);
  const onMiss = hitMiss === undefined ? undefined : target(hitMiss.miss);
  const withoutAction = onMiss ?? target(def.defaultNext);
  const key = compileKey(def.keys);
  const keyless = def.keys.length === 0;
  const onEntry = compileEntrySideEffects(def, context);
  const choose = compileProfile(def, context);
  const { traced } = context;

  return (p) => {
    const entry = keyless ? undefined : table.lookup(key(p));
    if (entry === undefined) {
      const action = table.defaultAction;
      if (traced) traceTable(p, table, key(p), undefined, action, table.defaultArgs);
      if (action === null) return withoutAction;
      p.args = table.defaultArgs;
      actions[action.index]!(p);
      return onMiss ?? nextByAction[action.index]!;
    }
    if (onEntry !== undefined) onEntry(p, entry);
    const chosen = choose === undefined ? entry : choose(p, entry);
    const action = chosen?.action ?? null;
    if (traced) traceTable(p, table, key(p), entry, action, chosen?.args ?? []);
    // The chosen group is empty: BMv2 logs an error and runs nothing.
    if (action === null) return onHit ?? target(def.defaultNext);
    p.args = chosen!.args;
    actions[action.index]!(p);
    return onHit ?? nextByAction[action.index]!;
  };
}

/** Direct counter, direct meter and time of the last hit: they work on hits only, before the action. */
function compileEntrySideEffects(
  def: TableDef,
  { host }: Context,
): ((p: Packet, entry: StoredEntry) => void) | undefined {
  const { directMeter, withCounters, supportsTimeout } = def;
  const setColor = directMeter?.directTarget === undefined ? undefined : storeTo(directMeter.directTarget);
  if (!withCounters && !supportsTimeout && setColor === undefined) return undefined;
  const origin = host.clock();
  return (p, entry) => {
    if (withCounters) {
      entry.packets++;
      entry.bytes += p.ingressLength;
    }
    if (supportsTimeout) entry.lastHit = host.clock();
    if (setColor !== undefined) {
      const meter = (entry.meter ??= new MeterState(origin));
      setColor(p, BigInt(meter.execute(host.clock(), directMeter!.unit === 'packets' ? 1 : p.ingressLength)));
    }
  };
}

type Choice = { readonly action: StoredEntry['action']; readonly args: readonly bigint[] };

function compileProfile(
  def: TableDef,
  context: Context,
): ((p: Packet, entry: StoredEntry) => Choice | undefined) | undefined {
  if (def.profile === undefined) return undefined;
  const profile = context.host.state.profiles[def.profile.index]!;
  const hash = def.profile.selector === undefined ? () => 0n : compileCalculation(def.profile.selector, context);
  return (p, entry) => (entry.reference === undefined ? undefined : profile.choose(entry.reference, () => hash(p)));
}

function traceTable(
  p: Packet,
  table: Table,
  key: bigint,
  entry: StoredEntry | undefined,
  action: StoredEntry['action'],
  args: readonly bigint[],
): void {
  p.trace!.add({
    kind: 'table',
    table: table.def.name,
    key: table.def.keys.map(({ name }, i) => ({ name, value: table.layout.part(key, i) })),
    hit: entry !== undefined,
    entry: entry === undefined ? undefined : { keys: entry.keys, priority: entry.priority },
    action: action?.name,
    args: (action?.params ?? []).map(({ name }, i) => ({ name, value: args[i]! })),
  });
}
