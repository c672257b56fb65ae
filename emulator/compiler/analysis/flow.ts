import type { Expression } from '../../json/data.js';
import type { Block, Step } from './blocks.js';

/** Number of the node after the last one, where an action ends. */
export const EXIT = -1;

export interface Edge {
  readonly to: number;
  /** A backward jump; the interpreter limits how many are taken. */
  readonly counted: boolean;
}

/** A basic block of an action with jumps. */
export interface FlowNode {
  readonly steps: readonly Step[];
  /** Undefined: the node always continues at `next`. */
  readonly condition: Expression | undefined;
  /** Where the action continues; after a conditional node, if the condition holds. */
  readonly next: Edge;
  /** Where it continues if the condition does not hold. */
  readonly otherwise: Edge | undefined;
}

/** The nodes of the blocks; the first one is empty and leads to where the action begins. */
export function flowOf(blocks: readonly Block[]): FlowNode[] {
  const numbers = new Map(blocks.map(({ start }, i) => [start, i + 1]));
  const edge = (to: number, counted: boolean): Edge => ({ to: numbers.get(to) ?? EXIT, counted });
  const entry: FlowNode = { steps: [], condition: undefined, next: edge(0, false), otherwise: undefined };
  return [
    entry,
    ...blocks.map(({ steps, condition, jump, loops, next }): FlowNode => {
      if (jump === undefined) return { steps, condition: undefined, next: edge(next, false), otherwise: undefined };
      if (condition === undefined)
        return { steps, condition: undefined, next: edge(jump, loops), otherwise: undefined };
      return { steps, condition, next: edge(next, false), otherwise: edge(jump, loops) };
    }),
  ];
}

export function edgesOf({ next, otherwise }: FlowNode): readonly Edge[] {
  return otherwise === undefined ? [next] : [next, otherwise];
}

/** Nodes that can be reached from one; that node itself is included only if it lies on a cycle. */
export function reachableFrom(nodes: readonly FlowNode[], from: number): Set<number> {
  const reached = new Set<number>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { to } of edgesOf(nodes[at]!)) {
      if (to === EXIT || reached.has(to)) continue;
      reached.add(to);
      open.push(to);
    }
  }
  return reached;
}
