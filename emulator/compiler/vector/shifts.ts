import type { Range } from '../../machine/value-representation.js';
import { dependsOn, type Node } from './graph.js';
import type { LaneBuilder, Lanes } from './lanes.js';

/** Conditions on the way to a part of the loop, and which side of them it is on. */
export interface Turn {
  readonly mask: Node;
  readonly holds: boolean;
}

/** A shift that only some lanes may use: those that take these turns. */
interface Used {
  readonly nodes: readonly Node[];
  readonly name: string;
  path: readonly Turn[];
}

/**
 * Shifts of each lane by its own distance, which cost about as much as fifteen other operations. Of two that no lane
 * needs both of, because they are on different sides of a condition, one is made that does the work of both.
 */
export class ShiftMerger {
  /** The way to the expressions that are being compiled. */
  path: readonly Turn[] = [];
  private readonly made: Used[] = [];

  constructor(private readonly build: LaneBuilder) {}

  /** @param by range of the distances, which are lanes of the same kind as the value. */
  shift(direction: 'shl' | 'shr_s' | 'shr_u', value: Lanes, distance: Lanes, by: Range): Lanes {
    const { graph } = this.build;
    const { kind } = value;
    const capped = this.capped(distance, by);
    if (kind === 'i64') {
      return this.build.of('i64', (part) =>
        graph.node({ kind: 'shiftEach', name: `i64x2.${direction}` }, [value.parts[part]!, capped.parts[part]!]),
      );
    }
    const [a, d] = [value.parts[0]!, capped.parts[0]!];
    const name = `i32x4.${direction}` as const;
    const same = this.made.find(({ nodes: [node] }) => node!.args[0] === a && node!.args[1] === d);
    if (same !== undefined && same.name === name) {
      same.path = common(same.path, this.path);
      return { kind, parts: same.nodes };
    }
    const merged = this.merged(name, a, d);
    if (merged !== undefined) return { kind, parts: [merged] };
    const node = graph.node({ kind: 'shiftEach', name }, [a, d]);
    this.made.push({ nodes: [node], name, path: this.path });
    return { kind, parts: [node] };
  }

  /** Distances beyond the width all do the same. The distance then fits a byte. */
  private capped(distance: Lanes, by: Range): Lanes {
    if (by.max <= 255n) return distance;
    if (distance.kind === 'i64') return distance;
    const most = this.build.constant(64n, 'i32');
    return { kind: 'i32', parts: [this.build.graph.apply('i32x4.min_u', distance.parts[0]!, most.parts[0]!)] };
  }

  private merged(name: string, value: Node, distance: Node): Node | undefined {
    const { graph } = this.build;
    for (const other of this.made) {
      if (other.name !== name) continue;
      const turn = parting(other.path, this.path);
      const [node] = other.nodes;
      if (turn === undefined || node === undefined || node.invariant) continue;
      const { mask, holds } = other.path[turn]!;
      if ([mask, value, distance].some((needed) => dependsOn(needed, node))) continue;
      const [theirs, theirDistance] = node.args as [Node, Node];
      const choose = (a: Node, b: Node): Node => (holds ? graph.select(mask, a, b) : graph.select(mask, b, a));
      const args = [choose(theirs, value), choose(theirDistance, distance)];
      // Choosing between values may itself have made use of the shift that is about to change.
      if (args.some((arg) => dependsOn(arg, node))) continue;
      graph.forget(node);
      node.args = args;
      other.path = other.path.slice(0, turn);
      return node;
    }
    return undefined;
  }
}

/** Where two ways part: the first turn that they take differently, after the same ones. */
function parting(a: readonly Turn[], b: readonly Turn[]): number | undefined {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i]!.mask !== b[i]!.mask) return undefined;
    if (a[i]!.holds !== b[i]!.holds) return i;
  }
  return undefined;
}

function common(a: readonly Turn[], b: readonly Turn[]): readonly Turn[] {
  let length = 0;
  while (length < a.length && length < b.length && sameTurn(a[length]!, b[length]!)) length++;
  return a.slice(0, length);
}

function sameTurn(a: Turn, b: Turn): boolean {
  return a.mask === b.mask && a.holds === b.holds;
}
