import type { Expression } from '../json/data.js';
import { kindOf, union, type Kind, type Range, type ScalarKind } from '../machine/value-representation.js';
import type { Ref } from './binaryen.js';
import { byteSwappedField, byteSwap } from './byte-order.js';
import { compareWith, unsaturated } from './comparisons.js';
import { keepsAll, stackIn } from './analysis/ranges.js';
import type { CompileScope } from './scope.js';
import { WideExpressions } from './wide-expression.js';

type Arithmetic = Extract<Expression, { op: 'arithmetic' }>;
const BITS = { i32: 32, i64: 64 } as const;
/** Operators whose low bits depend on nothing but the low bits of their operands. */
const RING = new Set(['+', '-', '*', '&', '|', '^']);

/**
 * Expressions as WebAssembly. BMv2's numbers have no width, so each value is either computed exactly, in the narrowest
 * kind that holds its range, or modulo 2^32 or 2^64 where a store, a mask or a cast uses no more bits.
 */
export class ExpressionCompiler {
  readonly wide: WideExpressions;

  constructor(private readonly scope: CompileScope) {
    this.wide = new WideExpressions(scope, this);
  }

  range(e: Expression): Range {
    return this.scope.ranges.of(e);
  }

  kind(e: Expression): Kind {
    return kindOf(this.range(e));
  }

  /** The exact value in the kind of its range; a wide one as the address of limbsOf(range) limbs. */
  exact(e: Expression): Ref {
    const kind = this.kind(e);
    return kind === 'wide' ? this.wide.exact(e) : this.exactScalar(e, kind);
  }

  /** The value modulo 2^32 or 2^64. */
  low(e: Expression, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    const own = this.kind(e);
    if (own === kind) return this.exactScalar(e, own);
    if (own === 'i32') return this.widen(this.exactScalar(e, 'i32'), this.range(e));
    const modular = this.modular(e, kind);
    if (modular !== undefined) return modular;
    if (own === 'i64') return m.i32.wrap(this.exactScalar(e, 'i64'));
    const address = this.wide.exact(e);
    return kind === 'i32' ? m.i32.load(0, 4, address) : m.i64.load(0, 8, address);
  }

  /** The exact value as i64; its range must fit. */
  exact64(e: Expression): Ref {
    return this.low(e, 'i64');
  }

  /** Converts an i32, signed if its range is, to i64. */
  widen(value: Ref, range: Range): Ref {
    const { m } = this.scope.unit;
    return range.min < 0n ? m.i64.extend_s(value) : m.i64.extend_u(value);
  }

  /** A truth value as 0 or 1. */
  bool(e: Expression): Ref {
    const { m } = this.scope.unit;
    switch (e.op) {
      case 'boolean':
        return m.i32.const(e.value ? 1 : 0);
      case 'toBool':
        return this.notZero(e.of);
      case 'compare':
        return this.compare(e.operator, e.left, e.right);
      case 'equal': {
        if (e.left.type !== 'bool' && e.left.type !== 'data')
          return m.i32.wrap(m.i64.load(0, 8, this.wide.fallback(e)));
        return this.compare(e.negated ? '!=' : '==', unsaturated(e.left, e.right), unsaturated(e.right, e.left));
      }
      case 'logic': {
        const left = this.bool(e.left);
        const right = this.bool(e.right);
        return e.operator === 'and' ? m.if(left, right, m.i32.const(0)) : m.if(left, m.i32.const(1), right);
      }
      case 'not':
        return m.i32.eqz(this.bool(e.of));
      case 'valid':
        if (e.of.op === 'header') return this.scope.isValid(e.of.header);
        if (e.of.op === 'union') {
          return e.of.union.members
            .map((member) => this.scope.isValid(member))
            .reduce((x, y) => m.i32.or(x, y), m.i32.const(0));
        }
        return m.i32.wrap(m.i64.load(0, 8, this.wide.fallback(e)));
      case 'choose':
        return m.if(this.bool(e.condition), this.bool(e.left), this.bool(e.right));
      default:
        return this.notZero(e);
    }
  }

  private notZero(e: Expression): Ref {
    const { m } = this.scope.unit;
    const kind = this.kind(e);
    if (kind === 'wide')
      return m.i32.ne(this.compareWide(e, { op: 'constant', type: 'data', value: 0n }), m.i32.const(0));
    return m[kind].ne(this.exactScalar(e, kind), this.constant(0n, kind));
  }

  private compare(operator: '<' | '>' | '<=' | '>=' | '==' | '!=', left: Expression, right: Expression): Ref {
    const { m } = this.scope.unit;
    const range = union(this.range(left), this.range(right));
    const kind = kindOf(range);
    const signed = range.min < 0n;
    if (kind === 'wide') {
      const order = this.compareWide(left, right);
      const zero = m.i32.const(0);
      return compareWith(m.i32, operator, true, order, zero);
    }
    // Both sides are within one range, so representing both by that range preserves their order.
    return compareWith(m[kind], operator, signed, this.low(left, kind), this.low(right, kind));
  }

  /** -1, 0 or 1. */
  private compareWide(left: Expression, right: Expression): Ref {
    const { m, b } = this.scope.unit;
    const [a, an] = this.wide.operand(left);
    const [c, cn] = this.wide.operand(right);
    return m.call('compare', [a, m.i32.const(an), c, m.i32.const(cn)], b.i32);
  }

  private exactScalar(e: Expression, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    switch (e.op) {
      case 'constant':
        return this.constant(e.value, kind);
      case 'field':
        return 'field' in e.ref ? this.scope.readField(e.ref.field, kind) : this.scope.isValid(e.ref.validOf);
      case 'argument': {
        const { offset } = this.scope.argumentSlot(e.index);
        return kind === 'i32' ? m.i32.load(offset, 4, this.scope.args) : m.i64.load(offset, 8, this.scope.args);
      }
      case 'fromBool':
        return this.bool(e.of);
      case 'choose':
        return m.if(this.bool(e.condition), this.low(e.left, kind), this.low(e.right, kind));
      case 'lastIndex': {
        const next = this.scope.word(this.scope.unit.layout.next[stackIn(e.stack).index]!);
        return m.i64.sub(m.i64.extend_s(next), m.i64.const(1n));
      }
      case 'stackSize':
        return this.scope.word(this.scope.unit.layout.next[stackIn(e.stack).index]!);
      case 'arithmetic':
      case 'invert': {
        const value = this.modular(e, kind) ?? (e.op === 'arithmetic' ? this.arithmetic(e, kind) : undefined);
        if (value !== undefined) return value;
        break;
      }
      case 'fieldAt':
        if (e.header.op === 'header') {
          const field = e.header.header.fields[e.offset];
          return field === undefined ? this.scope.isValid(e.header.header) : this.scope.readField(field, kind);
        }
        break;
      case 'lastField':
        break;
      default:
        if (e.type === 'bool') return this.bool(e);
    }
    const address = this.wide.fallback(e);
    return kind === 'i32' ? m.i32.load(0, 4, address) : m.i64.load(0, 8, address);
  }

  constant(value: bigint, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    return kind === 'i32' ? m.i32.const(Number(BigInt.asIntN(32, value))) : m.i64.const(BigInt.asIntN(64, value));
  }

  /**
   * An operation modulo 2^32 or 2^64 on operands that are only known modulo as much; undefined if it cannot be computed
   * that way.
   */
  private modular(e: Expression, kind: ScalarKind): Ref | undefined {
    const { m } = this.scope.unit;
    const ops = m[kind];
    if (e.op === 'constant') return this.constant(e.value, kind);
    if (e.op === 'invert') return ops.xor(this.low(e.of, kind), this.constant(-1n, kind));
    if (e.op === 'choose' && e.type === 'data')
      return m.if(this.bool(e.condition), this.low(e.left, kind), this.low(e.right, kind));
    if (e.op !== 'arithmetic') return undefined;
    if (e.operator === '&' && e.right.op === 'constant' && keepsAll(e.right.value, this.range(e.left)))
      return this.low(e.left, kind);
    const swapped = kind === 'i32' ? byteSwappedField(e) : undefined;
    if (swapped !== undefined) return byteSwap(this.scope.readField(swapped, 'i32'), this.scope);
    if (RING.has(e.operator)) {
      const left = this.low(e.left, kind);
      const right = this.low(e.right, kind);
      switch (e.operator) {
        case '+':
          return ops.add(left, right);
        case '-':
          return ops.sub(left, right);
        case '*':
          return ops.mul(left, right);
        case '&':
          return ops.and(left, right);
        case '|':
          return ops.or(left, right);
        default:
          return ops.xor(left, right);
      }
    }
    if (e.operator === '<<') return this.shiftLeft(e, kind);
    if (e.operator === 'two_comp_mod' && e.right.op === 'constant') {
      const bits = Number(e.right.value);
      // The low bits of a wider two's complement are those of the number itself.
      if (bits >= BITS[kind]) return this.low(e.left, kind);
      return this.signExtend(this.low(e.left, kind), bits, kind);
    }
    return undefined;
  }

  signExtend(value: Ref, bits: number, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    if (bits === BITS[kind]) return value;
    if (bits === 0)
      return m.block(
        null,
        [m.drop(value), this.constant(0n, kind)],
        kind === 'i32' ? this.scope.unit.b.i32 : this.scope.unit.b.i64,
      );
    if (kind === 'i64' && bits === 32) return m.i64.extend32_s(value);
    const shift = this.constant(BigInt(BITS[kind] - bits), kind);
    return m[kind].shr_s(m[kind].shl(value, shift), this.constant(BigInt(BITS[kind] - bits), kind));
  }

  private shiftLeft(e: Arithmetic, kind: ScalarKind): Ref | undefined {
    const amount = this.range(e.right);
    if (amount.min < 0n || this.kind(e.right) === 'wide') return undefined;
    const left = this.low(e.left, kind);
    // A left side that is shifted out is still evaluated: it may divide by zero.
    if (amount.min >= BigInt(BITS[kind]))
      return this.after([left, this.low(e.right, kind)], this.constant(0n, kind), kind);
    return this.shift(
      e.right,
      BITS[kind],
      kind,
      (by) => this.scope.unit.m[kind].shl(left, by),
      () => this.constant(0n, kind),
    );
  }

  /** A value, after others were evaluated only because they may abort the packet. */
  private after(first: readonly Ref[], value: Ref, kind: ScalarKind): Ref {
    const { m, b } = this.scope.unit;
    return m.block(null, [...first.map((e) => m.drop(e)), value], kind === 'i32' ? b.i32 : b.i64);
  }

  /**
   * Shifts with WebAssembly's operator, which uses only the low bits of the amount; all larger amounts give `beyond`.
   */
  private shift(by: Expression, bits: number, kind: ScalarKind, make: (by: Ref) => Ref, beyond: () => Ref): Ref {
    const { m, b } = this.scope.unit;
    const amount = this.range(by);
    if (amount.max < BigInt(bits)) return make(this.low(by, kind));
    if (amount.min >= BigInt(bits)) return this.after([this.low(by, kind)], beyond(), kind);
    const own = this.kind(by) as ScalarKind;
    const local = this.scope.local(own);
    const type = own === 'i32' ? b.i32 : b.i64;
    const get = (): Ref => m.local.get(local, type);
    const sized = own === kind ? get() : own === 'i32' ? m.i64.extend_u(get()) : m.i32.wrap(get());
    const set = m.local.set(local, this.exactScalar(by, own));
    return m.block(
      null,
      [set, m.select(m[own].lt_u(get(), this.constant(BigInt(bits), own)), make(sized), beyond())],
      kind === 'i32' ? b.i32 : b.i64,
    );
  }

  /** The amount of a shift, capped at `most`: a negative number shifted that far is already -1. */
  private cappedAmount(by: Expression, most: number, kind: ScalarKind): Ref {
    const { m, b } = this.scope.unit;
    if (this.range(by).max <= BigInt(most)) return this.low(by, kind);
    const own = this.kind(by) as ScalarKind;
    const local = this.scope.local(own);
    const get = (): Ref => m.local.get(local, own === 'i32' ? b.i32 : b.i64);
    const limit = this.constant(BigInt(most), own);
    const test = m[own].lt_u(
      m.local.tee(local, this.exactScalar(by, own), own === 'i32' ? b.i32 : b.i64),
      this.constant(BigInt(most), own),
    );
    // The condition of a select is evaluated last, so the local is set before.
    const capped = m.block(null, [m.local.set(local, m.if(test, get(), limit)), get()], own === 'i32' ? b.i32 : b.i64);
    return own === kind ? capped : own === 'i32' ? m.i64.extend_u(capped) : m.i32.wrap(capped);
  }

  /** Operations that need their operands exactly; `kind` holds the result. */
  private arithmetic(e: Arithmetic, kind: ScalarKind): Ref | undefined {
    const { m, b } = this.scope.unit;
    const left = this.range(e.left);
    const right = this.range(e.right);
    const operands = union(left, right);
    switch (e.operator) {
      case '>>': {
        const own = kindOf(left);
        if (right.min < 0n || own === 'wide' || this.kind(e.right) === 'wide') return this.wide.low(e, kind);
        const signed = left.min < 0n;
        const bits = BITS[own];
        const local = this.scope.local(own);
        const type = own === 'i32' ? b.i32 : b.i64;
        const value = (): Ref => m.local.get(local, type);
        const shifted = signed
          ? m[own].shr_s(value(), this.cappedAmount(e.right, bits - 1, own))
          : this.shift(
              e.right,
              bits,
              own,
              (by) => m[own].shr_u(value(), by),
              () => this.constant(0n, own),
            );
        const result = m.block(null, [m.local.set(local, this.exactScalar(e.left, own)), shifted], type);
        return own === kind ? result : own === 'i64' ? m.i32.wrap(result) : this.widen(result, left);
      }
      case '/':
      case '%': {
        // One bit is kept free: the lowest i64 divided by -1 traps.
        const own = kindOf({ min: operands.min < 0n ? operands.min - 1n : 0n, max: operands.max });
        if (own === 'wide') return this.wide.low(e, kind);
        const signed = operands.min < 0n;
        const type = own === 'i32' ? b.i32 : b.i64;
        const dividend = this.scope.local(own);
        const divisor = this.scope.local(own);
        const zero = m[own].eqz(m.local.tee(divisor, this.low(e.right, own), type));
        const [x, y] = [m.local.get(dividend, type), m.local.get(divisor, type)];
        const ops = m[own];
        const quotient =
          e.operator === '/'
            ? signed
              ? ops.div_s(x, y)
              : ops.div_u(x, y)
            : signed
              ? ops.rem_s(x, y)
              : ops.rem_u(x, y);
        const steps = [m.local.set(dividend, this.low(e.left, own))];
        steps.push(
          right.min > 0n || right.max < 0n
            ? m.local.set(divisor, this.low(e.right, own))
            : m.if(zero, this.scope.unit.abort('division by zero')),
        );
        const result = m.block(null, [...steps, quotient], type);
        return own === kind ? result : own === 'i64' ? m.i32.wrap(result) : this.widen(result, this.range(e));
      }
      case 'usat_cast':
      case 'sat_cast': {
        if (e.right.op !== 'constant' || kindOf(left) === 'wide') return this.wide.low(e, kind);
        return this.clamp(e.left, this.range(e), kind);
      }
      default:
        return this.wide.low(e, kind);
    }
  }

  /** The value of `e` clamped to `to`, whose values fit `kind`. */
  private clamp(e: Expression, to: Range, kind: ScalarKind): Ref {
    return this.clampValue(this.range(e), (own) => this.low(e, own), to, kind);
  }

  /** @param low gives the value modulo 2^32 or 2^64. */
  clampValue(range: Range, low: (kind: ScalarKind) => Ref, to: Range, kind: ScalarKind): Ref {
    const { m, b } = this.scope.unit;
    const own = kindOf(union(range, to));
    if (own === 'wide') throw new Error('clamp supports at most 64 bits');
    const type = own === 'i32' ? b.i32 : b.i64;
    const signed = range.min < 0n;
    const local = this.scope.local(own);
    const value = (): Ref => m.local.get(local, type);
    const steps: Ref[] = [m.local.set(local, low(own))];
    const limit = (test: (x: Ref, y: Ref) => Ref, bound: bigint): void => {
      steps.push(
        m.local.set(local, m.select(test(value(), this.constant(bound, own)), this.constant(bound, own), value())),
      );
    };
    if (range.min < to.min) limit(signed ? m[own].lt_s : m[own].lt_u, to.min);
    if (range.max > to.max) limit(signed ? m[own].gt_s : m[own].gt_u, to.max);
    const result = m.block(null, [...steps, value()], type);
    return own === kind ? result : own === 'i64' ? m.i32.wrap(result) : this.widen(result, range);
  }
}
