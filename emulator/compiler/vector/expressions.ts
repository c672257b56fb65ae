import type { Expression, FieldDef } from '../../json/data.js';
import {
  contains,
  kindOf,
  signedRange,
  union,
  unsignedRange,
  type Range,
  type ScalarKind,
} from '../../machine/value-representation.js';
import { keepsAll, type Ranges } from '../analysis/ranges.js';
import { byteSwappedField } from '../byte-order.js';
import { unsaturated } from '../comparisons.js';
import { argsOf, SWAP_BYTES, wordsOf, type Node, type Scalar } from './graph.js';
import { vectorKind, type Comparison, type LaneBuilder, type Lanes } from './lanes.js';
import { VectorRefusal } from './refusal.js';
import type { ShiftMerger } from './shifts.js';
import type { Uniforms } from './uniforms.js';

type Arithmetic = Extract<Expression, { op: 'arithmetic' }>;
const BITS = { i32: 32, i64: 64 } as const;
const S32 = signedRange(32);
const SIGN_BIT = 0x80000000 | 0;

/** What a field holds in each of four passes. */
export interface LaneValue {
  readonly lanes: Lanes;
  readonly range: Range;
}

/**
 * Expressions as vectors, in the same way as the ExpressionCompiler makes scalars of them: each value is computed
 * exactly in the narrowest kind that holds its range, or modulo 2^32 or 2^64. Lanes whose pass does not come to the
 * expression may hold anything: nothing here can fail, and no such lane is used.
 */
export class LaneExpressions {
  constructor(
    private readonly build: LaneBuilder,
    private readonly ranges: Ranges,
    private readonly uniforms: Uniforms,
    private readonly shifts: ShiftMerger,
    private readonly field: (field: FieldDef) => LaneValue,
  ) {}

  range(e: Expression): Range {
    return this.ranges.of(e);
  }

  kind(e: Expression): ScalarKind {
    return vectorKind(this.range(e));
  }

  low(e: Expression, kind: ScalarKind): Lanes {
    const range = this.range(e);
    const own = kindOf(range);
    const uniform = this.uniforms.lanes(e, own === 'i32' ? 'i32' : kind);
    if (uniform !== undefined) return this.build.as(uniform, kind, range);
    if (own === kind) return this.exact(e, own);
    if (own === 'i32') return this.build.as(this.exact(e, 'i32'), kind, range);
    const modular = this.modular(e, kind);
    if (modular !== undefined) return modular;
    return this.build.as(this.exact(e, vectorKind(range)), kind, range);
  }

  /** Lanes of all ones where it holds. */
  mask(e: Expression): Node {
    const { graph } = this.build;
    const uniform = this.uniforms.mask(e);
    if (uniform !== undefined) return uniform;
    switch (e.op) {
      case 'toBool':
        return this.notZero(e.of);
      case 'compare':
        return this.compare(e.operator, e.left, e.right);
      case 'equal':
        if (e.left.type === 'bool') {
          const different = graph.apply('v128.xor', this.mask(e.left), this.mask(e.right));
          return e.negated ? different : graph.not(different);
        }
        if (e.left.type !== 'data') break;
        return this.compare(e.negated ? '!=' : '==', unsaturated(e.left, e.right), unsaturated(e.right, e.left));
      case 'logic':
        return graph.apply(e.operator === 'and' ? 'v128.and' : 'v128.or', this.mask(e.left), this.mask(e.right));
      case 'not':
        return graph.not(this.mask(e.of));
      case 'choose':
        return graph.select(this.mask(e.condition), this.mask(e.left), this.mask(e.right));
      default:
        if (e.type === 'data') return this.notZero(e);
    }
    throw new VectorRefusal(`an expression with the operator "${e.op}"`);
  }

  private notZero(e: Expression): Node {
    if (e.op === 'fromBool') return this.mask(e.of);
    return this.compare('!=', e, { op: 'constant', type: 'data', value: 0n });
  }

  private compare(operator: Comparison, left: Expression, right: Expression): Node {
    const overflow = operator === '!=' || operator === '==' ? this.overflow(left, right) : undefined;
    if (overflow !== undefined) return operator === '!=' ? overflow : this.build.graph.not(overflow);
    const range = union(this.range(left), this.range(right));
    const kind = vectorKind(range);
    const [a, b] = [this.low(left, kind), this.low(right, kind)];
    return this.signTest(operator, a, b, range) ?? this.build.compare(operator, a, b, range);
  }

  /** Whether the highest bit of a word is set, which an arithmetic shift turns into a mask. */
  private signTest(operator: Comparison, a: Lanes, b: Lanes, range: Range): Node | undefined {
    const { graph } = this.build;
    if (a.kind !== 'i32') return undefined;
    const [x, y] = [a.parts[0]!, b.parts[0]!];
    const is = (node: Node, word: number): boolean => wordsOf(node)?.every((w) => w === word) === true;
    const sign = (node: Node): Node => graph.shift('i32x4.shr_s', node, 31);
    if (range.min >= 0n && (operator === '>=' || operator === '<') && is(y, SIGN_BIT))
      return operator === '>=' ? sign(x) : graph.not(sign(x));
    if (range.min < 0n && (operator === '>=' || operator === '<') && is(y, 0))
      return operator === '<' ? sign(x) : graph.not(sign(x));
    const masked = (operator === '==' || operator === '!=') && is(y, 0) ? argsOf(x, 'v128.and') : undefined;
    if (masked === undefined || !is(masked[1]!, SIGN_BIT)) return undefined;
    return operator === '!=' ? sign(masked[0]!) : graph.not(sign(masked[0]!));
  }

  /** Whether a sum or difference of two numbers of 32 bits does not fit: it is compared with its own low 32 bits. */
  private overflow(exact: Expression, wrapped: Expression): Node | undefined {
    if (exact.op === 'arithmetic' && exact.operator === 'two_comp_mod') return this.overflow(wrapped, exact);
    const sum = this.signedSum(exact);
    if (
      sum === undefined ||
      wrapped.op !== 'arithmetic' ||
      wrapped.operator !== 'two_comp_mod' ||
      wrapped.right.op !== 'constant' ||
      wrapped.right.value !== 32n ||
      this.signedSum(wrapped.left)?.result !== sum.result
    )
      return undefined;
    return sum.overflow();
  }

  /** The low 32 bits of a sum or difference of two's complement numbers of 32 bits, if the exact one needs more. */
  private signedSum(e: Expression): { result: Node; overflow: () => Node } | undefined {
    const { graph } = this.build;
    if (e.op !== 'arithmetic' || (e.operator !== '+' && e.operator !== '-') || this.kind(e) === 'i32') return undefined;
    if (!contains(S32, this.range(e.left)) || !contains(S32, this.range(e.right))) return undefined;
    const [a, b] = [this.low(e.left, 'i32'), this.low(e.right, 'i32')];
    const [x, y] = [a.parts[0]!, b.parts[0]!];
    const result = this.build.ring(e.operator, a, b).parts[0]!;
    // Addends of one sign and a sum of the other; a difference has the sign of neither the first one nor of minus the second.
    const wrong =
      e.operator === '+'
        ? (): Node => graph.apply('v128.and', graph.apply('v128.xor', x, result), graph.apply('v128.xor', y, result))
        : (): Node => graph.apply('v128.and', graph.apply('v128.xor', x, y), graph.apply('v128.xor', x, result));
    return { result, overflow: () => graph.shift('i32x4.shr_s', wrong(), 31) };
  }

  private exact(e: Expression, kind: ScalarKind): Lanes {
    switch (e.op) {
      case 'constant':
        return this.build.constant(e.value, kind);
      case 'field': {
        if (!('field' in e.ref)) break;
        const { lanes, range } = this.field(e.ref.field);
        return this.build.as(lanes, kind, range);
      }
      case 'fromBool': {
        const one = this.build.constant(1n, 'i32');
        const bit = { kind: 'i32', parts: [this.mask(e.of)] } as const;
        return this.build.as(this.build.bits('&', bit, one), kind, { min: 0n, max: 1n });
      }
      case 'choose':
        return this.build.select(this.mask(e.condition), this.low(e.left, kind), this.low(e.right, kind));
      case 'arithmetic':
      case 'invert': {
        const value = this.modular(e, kind) ?? (e.op === 'arithmetic' ? this.arithmetic(e, kind) : undefined);
        if (value !== undefined) return value;
        break;
      }
      default:
    }
    throw new VectorRefusal(`an expression with the operator "${e.op === 'arithmetic' ? e.operator : e.op}"`);
  }

  /** See ExpressionCompiler.modular. */
  private modular(e: Expression, kind: ScalarKind): Lanes | undefined {
    const { build } = this;
    if (e.op === 'constant') return build.constant(e.value, kind);
    if (e.op === 'invert') return build.bits('^', this.low(e.of, kind), build.constant(-1n, kind));
    if (e.op === 'choose' && e.type === 'data')
      return build.select(this.mask(e.condition), this.low(e.left, kind), this.low(e.right, kind));
    if (e.op !== 'arithmetic') return undefined;
    if (e.operator === '&' && e.right.op === 'constant' && keepsAll(e.right.value, this.range(e.left)))
      return this.low(e.left, kind);
    const swapped = kind === 'i32' ? byteSwappedField(e) : undefined;
    if (swapped !== undefined) return this.byteSwapped(swapped);
    switch (e.operator) {
      case '+':
      case '-':
      case '*':
        return build.ring(e.operator, this.low(e.left, kind), this.low(e.right, kind));
      case '&':
        // All bits of the kind are kept.
        if (e.right.op === 'constant' && BigInt.asUintN(BITS[kind], e.right.value) === unsignedRange(BITS[kind]).max)
          return this.low(e.left, kind);
        return build.bits('&', this.low(e.left, kind), this.low(e.right, kind));
      case '|':
      case '^':
        return build.bits(e.operator, this.low(e.left, kind), this.low(e.right, kind));
      case '<<':
        return this.shiftLeft(e, kind);
      case 'two_comp_mod': {
        if (e.right.op !== 'constant') return undefined;
        const bits = Number(e.right.value);
        const value = this.low(e.left, kind);
        return bits >= BITS[kind] ? value : build.signExtend(value, bits);
      }
      default:
        return undefined;
    }
  }

  private byteSwapped(field: FieldDef): Lanes {
    const { graph } = this.build;
    const { lanes, range } = this.field(field);
    const bytes = SWAP_BYTES.map((byte, i) => byte << (8 * (i % 4)));
    const order = [0, 4, 8, 12].map((i) => bytes.slice(i, i + 4).reduce((x, y) => x | y));
    const swizzle = graph.words(order[0]!, order[1]!, order[2]!, order[3]!);
    return {
      kind: 'i32',
      parts: [graph.apply('i8x16.swizzle', this.build.as(lanes, 'i32', range).parts[0]!, swizzle)],
    };
  }

  private shiftLeft(e: Arithmetic, kind: ScalarKind): Lanes | undefined {
    const by = this.range(e.right);
    if (by.min < 0n) return undefined;
    if (by.min >= BigInt(BITS[kind])) return this.build.constant(0n, kind);
    const left = this.low(e.left, kind);
    const same = this.uniforms.distance(e.right, BITS[kind], false);
    if (same !== undefined) return this.shiftedAlike(left, same);
    return this.shifts.shift('shl', left, this.distance(e.right, kind), by);
  }

  /** For 32 bits, a product takes less than a shift by a variable distance. */
  private shiftedAlike(value: Lanes, by: number | Scalar): Lanes {
    if (value.kind === 'i64' || typeof by === 'number') return this.build.shift('shl', value, by);
    const factors = this.build.graph.splat(this.uniforms.powerOfTwo(by));
    return { kind: 'i32', parts: [this.build.graph.apply('i32x4.mul', value.parts[0]!, factors)] };
  }

  /** The distance of each lane, as i32 lanes or i64 lanes like the value. */
  private distance(e: Expression, kind: ScalarKind): Lanes {
    if (kind === 'i32' && this.kind(e) === 'i64') throw new VectorRefusal('a shift distance of more than 32 bits');
    return this.low(e, kind);
  }

  private arithmetic(e: Arithmetic, kind: ScalarKind): Lanes | undefined {
    const { build } = this;
    const left = this.range(e.left);
    switch (e.operator) {
      case '>>': {
        const by = this.range(e.right);
        if (by.min < 0n) return undefined;
        const own = vectorKind(left);
        const direction = left.min < 0n ? 'shr_s' : 'shr_u';
        const value = this.low(e.left, own);
        const same = this.uniforms.distance(e.right, BITS[own], direction === 'shr_s');
        const shifted =
          same !== undefined
            ? build.shift(direction, value, same)
            : by.min >= BigInt(BITS[own]) && direction === 'shr_u'
              ? build.constant(0n, own)
              : this.shifts.shift(direction, value, this.distance(e.right, own), by);
        return build.as(shifted, kind, left);
      }
      case 'usat_cast':
      case 'sat_cast': {
        if (e.right.op !== 'constant') return undefined;
        const sum = e.operator === 'sat_cast' && e.right.value === 32n ? this.signedSum(e.left) : undefined;
        if (sum !== undefined && kind === 'i32') return { kind, parts: [this.saturated(sum.result, sum.overflow())] };
        const own = vectorKind(union(left, this.range(e)));
        return build.as(build.clamp(this.low(e.left, own), left, this.range(e)), kind, this.range(e));
      }
      default:
        return undefined;
    }
  }

  /** A sum that wrapped around has the wrong sign. */
  private saturated(sum: Node, overflow: Node): Node {
    const { graph } = this.build;
    const limit = graph.apply('v128.xor', graph.shift('i32x4.shr_s', sum, 31), graph.constant32(SIGN_BIT));
    return graph.rare(overflow, [{ mask: overflow, a: limit, b: sum }])[0]!;
  }
}
