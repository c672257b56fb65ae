import { kindOf, union, type Range, type ScalarKind } from '../../machine/value-representation.js';
import { LOW_WORDS, type Graph, type Node, type VectorShift } from './graph.js';
import { VectorRefusal } from './refusal.js';

/**
 * The values of four passes: four lanes of 32 bits, or two vectors with two lanes of 64 bits each. As elsewhere, a
 * value whose range begins at 0 or above is read as unsigned, any other as two's complement.
 */
export interface Lanes {
  readonly kind: ScalarKind;
  readonly parts: readonly Node[];
}

export type Comparison = '<' | '>' | '<=' | '>=' | '==' | '!=';

/** Kind of values that vectors can hold. */
export function vectorKind(range: Range): ScalarKind {
  const kind = kindOf(range);
  if (kind === 'wide') throw new VectorRefusal('a number needs more than 64 bits');
  return kind;
}

/** Operations on the values of four passes, whatever their width. */
export class LaneBuilder {
  constructor(readonly graph: Graph) {}

  constant(value: bigint, kind: ScalarKind): Lanes {
    if (kind === 'i32') return { kind, parts: [this.graph.constant32(Number(BigInt.asIntN(32, value)))] };
    const part = this.graph.constant64(BigInt.asIntN(64, value));
    return { kind, parts: [part, part] };
  }

  of(kind: ScalarKind, make: (part: 0 | 1) => Node): Lanes {
    return { kind, parts: kind === 'i32' ? [make(0)] : [make(0), make(1)] };
  }

  /** To the other kind, if it is not of this one already. */
  as(lanes: Lanes, kind: ScalarKind, range: Range): Lanes {
    if (lanes.kind === kind) return lanes;
    return kind === 'i32' ? this.narrow(lanes) : this.widen(lanes, range.min < 0n);
  }

  private widen({ parts: [value] }: Lanes, signed: boolean): Lanes {
    const { graph } = this;
    return this.of('i64', (part) => {
      const end = signed ? 's' : 'u';
      return graph.apply(`i64x2.extend_${part === 0 ? 'low' : 'high'}_i32x4_${end}`, value!);
    });
  }

  private narrow({ parts: [low, high] }: Lanes): Lanes {
    return { kind: 'i32', parts: [this.graph.shuffle(low!, high!, LOW_WORDS)] };
  }

  ring(operator: '+' | '-' | '*', a: Lanes, b: Lanes): Lanes {
    const name = ({ '+': 'add', '-': 'sub', '*': 'mul' } as const)[operator];
    const shape = a.kind === 'i32' ? 'i32x4' : 'i64x2';
    return this.of(a.kind, (part) => this.graph.apply(`${shape}.${name}`, a.parts[part]!, b.parts[part]!));
  }

  bits(operator: '&' | '|' | '^', a: Lanes, b: Lanes): Lanes {
    const name = ({ '&': 'and', '|': 'or', '^': 'xor' } as const)[operator];
    return this.of(a.kind, (part) => this.graph.apply(`v128.${name}`, a.parts[part]!, b.parts[part]!));
  }

  /** @param by less than the width. */
  shift(direction: 'shl' | 'shr_s' | 'shr_u', a: Lanes, by: Parameters<Graph['shift']>[2]): Lanes {
    const name: VectorShift = `${a.kind === 'i32' ? 'i32x4' : 'i64x2'}.${direction}`;
    return this.of(a.kind, (part) => this.graph.shift(name, a.parts[part]!, by));
  }

  /** The lowest `bits` bits as a number in two's complement. */
  signExtend(a: Lanes, bits: number): Lanes {
    const width = a.kind === 'i32' ? 32 : 64;
    if (bits === width) return a;
    if (bits === 0) return this.constant(0n, a.kind);
    return this.shift('shr_s', this.shift('shl', a, width - bits), width - bits);
  }

  select(mask: Node, a: Lanes, b: Lanes): Lanes {
    const masks = this.masks(mask, a.kind);
    return this.of(a.kind, (part) => this.graph.select(masks[part]!, a.parts[part]!, b.parts[part]!));
  }

  /** The same for several values, when the mask is set in few lanes. */
  rare(mask: Node, values: readonly { readonly a: Lanes; readonly b: Lanes }[]): Lanes[] {
    const choices = values.flatMap(({ a, b }) => {
      const masks = this.masks(mask, a.kind);
      return a.parts.map((part, i) => ({ mask: masks[i]!, a: part, b: b.parts[i]! }));
    });
    const chosen = this.graph.rare(mask, choices);
    let next = 0;
    return values.map(({ a: { kind, parts } }) => ({ kind, parts: parts.map(() => chosen[next++]!) }));
  }

  private masks(mask: Node, kind: ScalarKind): readonly Node[] {
    return kind === 'i32' ? [mask] : this.widen({ kind: 'i32', parts: [mask] }, true).parts;
  }

  /** The mask of the lanes where it holds; both sides are within `range`. */
  compare(operator: Comparison, a: Lanes, b: Lanes, range: Range): Node {
    const { graph } = this;
    switch (operator) {
      case '==':
        return this.test(a, b, (x, y) => graph.apply(a.kind === 'i32' ? 'i32x4.eq' : 'i64x2.eq', x, y));
      case '!=':
        return graph.not(this.compare('==', a, b, range));
      case '>':
        return this.greater(a, b, range);
      case '<':
        return this.greater(b, a, range);
      case '<=':
        return graph.not(this.greater(a, b, range));
      case '>=':
        return graph.not(this.greater(b, a, range));
    }
  }

  private greater(a: Lanes, b: Lanes, range: Range): Node {
    const { graph } = this;
    if (a.kind === 'i32') {
      const [x, y] = [a.parts[0]!, b.parts[0]!];
      // Numbers without the highest bit have the same order in both readings.
      return range.min < 0n || range.max < 1n << 31n
        ? graph.apply('i32x4.gt_s', x, y)
        : graph.not(graph.apply('i32x4.ge_u', y, x));
    }
    if (range.min < 0n || range.max < 1n << 63n) return this.test(a, b, (x, y) => graph.apply('i64x2.gt_s', x, y));
    const flip = this.constant(1n << 63n, 'i64');
    return this.test(this.bits('^', a, flip), this.bits('^', b, flip), (x, y) => graph.apply('i64x2.gt_s', x, y));
  }

  private test(a: Lanes, b: Lanes, make: (x: Node, y: Node) => Node): Node {
    const made = this.of(a.kind, (part) => make(a.parts[part]!, b.parts[part]!));
    return made.kind === 'i32' ? made.parts[0]! : this.narrow(made).parts[0]!;
  }

  /** @param range of the value, which is of the kind of `union(range, to)`. */
  clamp(value: Lanes, range: Range, to: Range): Lanes {
    const { graph } = this;
    const { kind } = value;
    const signed = range.min < 0n;
    let clamped = value;
    const limit = (end: 'min' | 'max', bound: bigint): void => {
      const limits = this.constant(bound, kind);
      if (kind === 'i32') {
        const name = `i32x4.${end === 'min' ? 'max' : 'min'}_${signed ? 's' : 'u'}` as const;
        clamped = { kind, parts: [graph.apply(name, clamped.parts[0]!, limits.parts[0]!)] };
      } else {
        const beyond = this.compare(end === 'min' ? '<' : '>', clamped, limits, union(range, to));
        clamped = this.select(beyond, limits, clamped);
      }
    };
    if (range.min < to.min) limit('min', to.min);
    if (range.max > to.max) limit('max', to.max);
    return clamped;
  }
}
