import type { ActionDef, Program } from '../../json/program.js';
import type { FieldDef } from '../../json/data.js';
import { blocksOf } from './blocks.js';
import { mentioned } from '../../json/mentioned.js';
import { FlowFacts, NO_LIMITS } from './facts.js';
import { edgesOf, EXIT, flowOf, type FlowNode } from './flow.js';
import type { Layout } from '../../machine/layout.js';
import { Ranges } from './ranges.js';

/** Fields that may be read before they are written, by place in an action. */
export interface Liveness {
  readonly atEntry: (node: number) => ReadonlySet<FieldDef>;
}

/** @param atExit whether a field that the action writes is read after it. */
export function livenessOf(
  nodes: readonly FlowNode[],
  facts: FlowFacts,
  atExit: (field: FieldDef) => boolean,
): Liveness {
  const written = new Set<FieldDef>();
  /** By node: fields that it reads before it writes them, and fields that it certainly writes. */
  const uses = nodes.map((node, at) => {
    const reads = new Set<FieldDef>();
    const kills = new Set<FieldDef>();
    const read = (fields: Iterable<FieldDef>): void => {
      for (const field of fields) if (!kills.has(field)) reads.add(field);
    };
    const known = facts.at(at);
    if (known === undefined) return { reads, kills };
    const now = new Map(known);
    for (const step of node.steps) {
      if ('condition' in step) read(mentioned(step.condition));
      for (const effect of facts.effects(at, step, now)) {
        read(effect.reads);
        for (const { field, certain } of effect.writes) {
          written.add(field);
          if (certain) kills.add(field);
        }
      }
    }
    if (node.condition !== undefined) read(mentioned(node.condition));
    return { reads, kills };
  });
  const end = new Set([...written].filter(atExit));
  const live = uses.map(({ reads }) => new Set(reads));
  for (let changed = true; changed;) {
    changed = false;
    for (let at = nodes.length - 1; at >= 0; at--) {
      if (facts.at(at) === undefined) continue;
      for (const { to } of edgesOf(nodes[at]!)) {
        for (const field of to === EXIT ? end : live[to]!) {
          if (uses[at]!.kills.has(field) || live[at]!.has(field)) continue;
          live[at]!.add(field);
          changed = true;
        }
      }
    }
  }
  return { atEntry: (node) => (node === EXIT ? end : live[node]!) };
}

/** Fields that may be read before they are written when the action begins. */
export function liveAtEntry(
  nodes: readonly FlowNode[],
  facts: FlowFacts,
  atExit: (field: FieldDef) => boolean,
): ReadonlySet<FieldDef> {
  return livenessOf(nodes, facts, atExit).atEntry(0);
}

/**
 * Fields that are live at the end of any action: all but metadata fields that every action writes before it reads them,
 * and that nothing but actions reads.
 */
export function liveOutFields(program: Program, layout: Layout): Set<FieldDef> {
  const { headers, actions, ...others } = program;
  const fields = mentioned(others, actions);
  for (const { metadata, fields: own } of headers) if (!metadata) for (const field of own) fields.add(field);
  for (const action of actions) for (const field of readFirst(action, program, layout)) fields.add(field);
  return fields;
}

function readFirst(action: ActionDef, program: Program, layout: Layout): ReadonlySet<FieldDef> {
  const nodes = flowOf(blocksOf(action));
  const ranges = new Ranges((index) => layout.params[action.index]![index]!.range);
  return liveAtEntry(nodes, new FlowFacts(nodes, program, ranges, new Map(), NO_LIMITS, true), () => false);
}
