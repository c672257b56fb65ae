import type { FlowFacts } from '../analysis/facts.js';
import { edgesOf, EXIT, type Edge, type FlowNode } from '../analysis/flow.js';
import type { CountedLoop } from '../analysis/induction.js';
import { VectorRefusal } from './refusal.js';

/** The nodes of one pass: from the first one after the loop's test to the one that jumps back. */
export interface LoopShape {
  readonly head: number;
  readonly first: number;
  readonly body: ReadonlySet<number>;
  /** By node of the body: where all ways from it meet again, which is the head if they do not meet before. */
  readonly join: ReadonlyMap<number, number>;
}

/** @throws VectorRefusal if a pass can end in another way than by the jump back to the loop's test */
export function shapeOf(nodes: readonly FlowNode[], loop: CountedLoop, facts: FlowFacts): LoopShape {
  const { head } = loop;
  const first = nodes[head]!.next.to;
  if (nodes[head]!.steps.length > 0) throw new VectorRefusal('something is computed before the test of each pass');
  const order: number[] = [];
  const seen = new Set<number>();
  const visit = (at: number): void => {
    if (at === head || seen.has(at)) return;
    if (at === EXIT) throw new VectorRefusal('a pass can leave the loop early');
    seen.add(at);
    for (const { to } of taken(nodes[at]!, facts)) visit(to);
    order.push(at);
  };
  visit(first);
  if (first === head || order.length === 0) throw new VectorRefusal('the loop does nothing');
  return { head, first, body: seen, join: joins(nodes, order, head, facts) };
}

/** The edges of a node that can be taken. */
export function taken(node: FlowNode, facts: FlowFacts): Edge[] {
  const edges = edgesOf(node).filter(({ to }) => to === EXIT || facts.at(to) !== undefined);
  return edges.length === 2 && edges[0]!.to === edges[1]!.to ? [edges[0]!] : edges;
}

/** Immediate postdominators. @param order the nodes, each one after those that it leads to. */
function joins(
  nodes: readonly FlowNode[],
  order: readonly number[],
  head: number,
  facts: FlowFacts,
): Map<number, number> {
  const join = new Map<number, number>();
  const depth = new Map([[head, 0]]);
  for (const at of order) {
    const ways = taken(nodes[at]!, facts).map(({ to }) => to);
    let [meet] = ways as [number];
    for (const other of ways.slice(1)) {
      let way = other;
      while (meet !== way) {
        if (depth.get(meet)! >= depth.get(way)!) meet = join.get(meet)!;
        else way = join.get(way)!;
      }
    }
    join.set(at, meet);
    depth.set(at, depth.get(meet)! + 1);
  }
  return join;
}
