import type { Expression } from '../json/data.js';
import { kindOf, limbsOf, type Kind, type Range, type ScalarKind } from '../machine/value-representation.js';
import { WIDE_OPS, type WideOp } from '../machine/wide.js';
import type { Ref } from './binaryen.js';
import type { CompileScope } from './scope.js';

type Arithmetic = Extract<Expression, { op: 'arithmetic' }>;

/** Compiles operands of at most 64 bits, and conditions. */
export interface ScalarExpressions {
  range(e: Expression): Range;
  kind(e: Expression): Kind;
  /** An i64 that has the exact value. */
  exact64(e: Expression): Ref;
  bool(e: Expression): Ref;
}

/**
 * Numbers of more than 64 bits, as limbs of 64 bits in scratch memory; little-endian, as unsigned numbers where their
 * range is not negative and in two's complement otherwise. Operations without a WebAssembly operator are calls of the
 * host.
 */
export class WideExpressions {
  constructor(
    private readonly scope: CompileScope,
    private readonly expressions: ScalarExpressions,
  ) {}

  /** Address of the exact value, and its limbs: negative if it is read as signed. */
  operand(e: Expression): [Ref, number] {
    const range = this.expressions.range(e);
    const sign = range.min < 0n ? -1 : 1;
    if (kindOf(range) === 'wide') return [this.exact(e), limbsOf(range) * sign];
    const { m, b } = this.scope.unit;
    const address = this.scope.scratch(1);
    const store = m.i64.store(0, 8, m.i32.const(address), this.expressions.exact64(e));
    return [m.block(null, [store, m.i32.const(address)], b.i32), sign];
  }

  /** Address of the exact value, in the limbs of its range, which is wide. */
  exact(e: Expression): Ref {
    const { m, b } = this.scope.unit;
    const range = this.expressions.range(e);
    const limbs = limbsOf(range);
    switch (e.op) {
      case 'constant': {
        const address = this.scope.scratch(limbs);
        const stores = Array.from({ length: limbs }, (_, i) =>
          m.i64.store(0, 8, m.i32.const(address + 8 * i), m.i64.const(BigInt.asIntN(64, e.value >> BigInt(64 * i)))),
        );
        return m.block(null, [...stores, m.i32.const(address)], b.i32);
      }
      case 'field':
        if ('field' in e.ref) return this.scope.fieldAddress(e.ref.field);
        break;
      case 'argument':
        return m.i32.add(this.scope.args, m.i32.const(this.scope.argumentSlot(e.index).offset));
      case 'choose':
        if (e.type === 'data') {
          const side = (of: Expression): Ref => this.toLimbs(of, limbs, range.min < 0n);
          return m.if(this.expressions.bool(e.condition), side(e.left), side(e.right));
        }
        break;
      case 'arithmetic':
        if (e.right.op === 'constant' || e.operator !== 'two_comp_mod') return this.arithmetic(e, limbs);
        break;
      case 'invert':
        return this.call('^', e.of, { op: 'constant', type: 'data', value: -1n }, limbs);
      default:
        break;
    }
    return this.fallback(e);
  }

  /** The address of a value as a given number of limbs. */
  private toLimbs(e: Expression, limbs: number, signed: boolean): Ref {
    const range = this.expressions.range(e);
    if (kindOf(range) === 'wide' && limbsOf(range) === limbs && range.min < 0n === signed) return this.exact(e);
    return this.call('+', e, { op: 'constant', type: 'data', value: 0n }, limbs);
  }

  private arithmetic(e: Arithmetic, limbs: number): Ref {
    const native = this.bitwise(e, limbs);
    return native ?? this.call(e.operator, e.left, e.right, limbs);
  }

  /** `&`, `|` and `^` limb by limb, where both sides are non-negative. */
  private bitwise(e: Arithmetic, limbs: number): Ref | undefined {
    if ((e.operator !== '&' && e.operator !== '|' && e.operator !== '^') || limbs > 8) return undefined;
    if (this.expressions.range(e.left).min < 0n || this.expressions.range(e.right).min < 0n) return undefined;
    const { m, b } = this.scope.unit;
    const operand = (side: Expression): { before: Ref[]; limb: (i: number) => Ref } => {
      if (side.op === 'constant')
        return { before: [], limb: (i) => m.i64.const(BigInt.asIntN(64, side.value >> BigInt(64 * i))) };
      const [address, n] = this.operand(side);
      const local = this.scope.local('i32');
      return {
        before: [m.local.set(local, address)],
        limb: (i) => (i < n ? m.i64.load(8 * i, 8, m.local.get(local, b.i32)) : m.i64.const(0n)),
      };
    };
    const [left, right] = [operand(e.left), operand(e.right)];
    const to = this.scope.scratch(limbs);
    const ops = { '&': m.i64.and, '|': m.i64.or, '^': m.i64.xor };
    const operate = ops[e.operator as '&' | '|' | '^'];
    const stores = Array.from({ length: limbs }, (_, i) =>
      m.i64.store(0, 8, m.i32.const(to + 8 * i), operate(left.limb(i), right.limb(i))),
    );
    return m.block(null, [...left.before, ...right.before, ...stores, m.i32.const(to)], b.i32);
  }

  /** A host call on numbers of any width; the result is cut to `limbs`. @returns its address. */
  call(op: WideOp, left: Expression, right: Expression, limbs: number): Ref {
    return this.callOn(op, this.operand(left), this.operand(right), limbs);
  }

  callOn(op: WideOp, [x, xn]: readonly [Ref, number], [y, yn]: readonly [Ref, number], limbs: number): Ref {
    const { m, b } = this.scope.unit;
    const to = this.scope.scratch(limbs);
    const call = m.call(
      'wide',
      [m.i32.const(WIDE_OPS.indexOf(op)), m.i32.const(to), m.i32.const(limbs), x, m.i32.const(xn), y, m.i32.const(yn)],
      b.none,
    );
    return m.block(null, [call, m.i32.const(to)], b.i32);
  }

  /** A result of at most 64 bits of an operation on wider operands. */
  low(e: Arithmetic, kind: ScalarKind): Ref | undefined {
    if (e.operator === 'two_comp_mod' && e.right.op !== 'constant') return undefined;
    const { m } = this.scope.unit;
    const shifted = this.slice(e);
    if (shifted !== undefined) return kind === 'i32' ? m.i32.wrap(shifted) : shifted;
    const address = this.call(e.operator, e.left, e.right, 1);
    return kind === 'i32' ? m.i32.load(0, 4, address) : m.i64.load(0, 8, address);
  }

  /** The low 64 bits of a wide non-negative number shifted right by a constant, as p4c writes slices. */
  private slice(e: Arithmetic): Ref | undefined {
    if (
      e.operator !== '>>' ||
      e.right.op !== 'constant' ||
      this.expressions.range(e.left).min < 0n ||
      this.expressions.kind(e.left) !== 'wide'
    )
      return undefined;
    const { m, b } = this.scope.unit;
    const limbs = limbsOf(this.expressions.range(e.left));
    const limb = Number(e.right.value / 64n);
    const bits = Number(e.right.value % 64n);
    if (limb >= limbs) return undefined;
    const local = this.scope.local('i32');
    const from = (i: number): Ref => (i < limbs ? m.i64.load(8 * i, 8, m.local.get(local, b.i32)) : m.i64.const(0n));
    const low = m.i64.shr_u(from(limb), m.i64.const(BigInt(bits)));
    const value = bits === 0 ? from(limb) : m.i64.or(low, m.i64.shl(from(limb + 1), m.i64.const(BigInt(64 - bits))));
    return m.block(null, [m.local.set(local, this.exact(e.left)), value], b.i64);
  }

  /** Lets the interpreter's code evaluate an expression. @returns the address of the result, in the limbs of its range. */
  fallback(e: Expression): Ref {
    const { m, b } = this.scope.unit;
    const number = this.scope.fallbackExpression(e);
    const limbs = limbsOf(this.expressions.range(e));
    const to = this.scope.scratch(limbs);
    const call = m.call(
      'expression',
      [m.i32.const(number), this.scope.frame, this.scope.args, m.i32.const(to), m.i32.const(limbs)],
      b.none,
    );
    return m.block(null, [call, m.i32.const(to)], b.i32);
  }
}
