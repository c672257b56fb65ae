import type { Expression, FieldDef } from '../json/data.js';
import {
  contains,
  kindOf,
  signedRange,
  union,
  unsignedRange,
  type Range,
  type ScalarKind,
} from '../machine/value-representation.js';
import type { Ref } from './binaryen.js';
import type { ExpressionCompiler } from './expression.js';
import type { CompileScope } from './scope.js';

/** A value that is about to be stored. */
export interface Source {
  readonly range: Range;
  /** The value modulo 2^32 or 2^64. Called at most once, and only if {@link wide} is not called. */
  low(kind: ScalarKind): Ref;
  /** Address and number of limbs, negative if signed. */
  wide(): readonly [Ref, number];
}

export function sourceOf(e: Expression, expressions: ExpressionCompiler): Source {
  return {
    range: expressions.range(e),
    low: (kind) => expressions.low(e, kind),
    wide: () => expressions.wide.operand(e),
  };
}

/** A value of at most 64 bits that has been computed exactly. */
export function scalarSource(value: Ref, range: Range, scope: CompileScope, expressions: ExpressionCompiler): Source {
  const { m, b } = scope.unit;
  const own = kindOf(range) as ScalarKind;
  return {
    range,
    low: (kind) => (own === kind ? value : own === 'i32' ? expressions.widen(value, range) : m.i32.wrap(value)),
    wide: () => {
      const address = scope.scratch(1);
      const store = m.i64.store(0, 8, m.i32.const(address), own === 'i64' ? value : expressions.widen(value, range));
      return [m.block(null, [store, m.i32.const(address)], b.i32), range.min < 0n ? -1 : 1];
    },
  };
}

/** Stores to fields, with what BMv2 does to values that do not fit (see the interpreter's stores). */
export class StoreCompiler {
  constructor(
    private readonly scope: CompileScope,
    private readonly expressions: ExpressionCompiler,
  ) {}

  /** Undefined for a varbit field, whose width is only known at run time. */
  store(field: FieldDef, source: Source): Ref | undefined {
    if (field.varbit) return undefined;
    return this.scope.slot(field).kind === 'wide'
      ? this.storeWide(field, source)
      : this.scope.writeField(field, this.fitted(field, source));
  }

  /** The value that a field of at most 64 bits gets. */
  fitted(field: FieldDef, source: Source): Ref {
    const { m } = this.scope.unit;
    const { width, signed, saturating } = field;
    const { range } = source;
    const kind = this.scope.kindOf(field);
    const mask = unsignedRange(width);
    const allowed = signed
      ? { min: signedRange(width).min, max: saturating ? signedRange(width).max : mask.max }
      : mask;
    if (contains(allowed, range)) return source.low(kind);
    if (saturating) {
      if (kindOf(union(range, allowed)) === 'wide')
        return this.byHost(signed ? 'sat_cast' : 'usat_cast', source, width, kind);
      return this.expressions.clampValue(range, (own) => source.low(own), allowed, kind);
    }
    if (!signed) return m[kind].and(source.low(kind), this.expressions.constant(mask.max, kind));
    if (kindOf(union(range, allowed)) === 'wide') return this.byHost('storeSigned', source, width, kind);
    return this.wrapped(source, allowed, width, kind);
  }

  /**
   * A value outside of the signed and unsigned ranges of the width is wrapped to two's complement; any other stays as
   * it is.
   */
  private wrapped(source: Source, allowed: Range, width: number, kind: ScalarKind): Ref {
    const { m, b } = this.scope.unit;
    const { range } = source;
    const own = kindOf(union(range, allowed)) as ScalarKind;
    const type = own === 'i32' ? b.i32 : b.i64;
    const local = this.scope.local(own);
    const value = (): Ref => m.local.get(local, type);
    const constant = (of: bigint): Ref => this.expressions.constant(of, own);
    const outside = m.i32.or(m[own].lt_s(value(), constant(allowed.min)), m[own].gt_s(value(), constant(allowed.max)));
    const wrapped = m.select(outside, this.expressions.signExtend(value(), width, own), value());
    const result = m.block(null, [m.local.set(local, source.low(own)), wrapped], type);
    return own === kind ? result : own === 'i64' ? m.i32.wrap(result) : m.i64.extend_s(result);
  }

  private byHost(op: 'sat_cast' | 'usat_cast' | 'storeSigned', source: Source, width: number, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    const address = this.expressions.wide.callOn(op, source.wide(), this.widthOperand(width), 1);
    return kind === 'i32' ? m.i32.load(0, 4, address) : m.i64.load(0, 8, address);
  }

  private widthOperand(width: number): [Ref, number] {
    return this.expressions.wide.operand({ op: 'constant', type: 'data', value: BigInt(width) });
  }

  private storeWide(field: FieldDef, source: Source): Ref {
    const { m, b } = this.scope.unit;
    const { width, signed, saturating } = field;
    const { offset, limbs } = this.scope.slot(field);
    this.scope.needsMemory();
    let [from, count] = source.wide();
    if (saturating || signed) {
      from = this.expressions.wide.callOn(
        saturating ? (signed ? 'sat_cast' : 'usat_cast') : 'storeSigned',
        [from, count],
        this.widthOperand(width),
        limbs,
      );
      count = -limbs;
    }
    const local = this.scope.local('i32');
    const get = (): Ref => m.local.get(local, b.i32);
    const have = Math.abs(count);
    const fill = (): Ref =>
      count < 0 ? m.i64.shr_s(m.i64.load(8 * (have - 1), 8, get()), m.i64.const(63n)) : m.i64.const(0n);
    const steps = [m.local.set(local, from)];
    const topBits = width % 64;
    const cut = !signed && topBits !== 0 && (count < 0 || !contains(unsignedRange(width), source.range));
    if (limbs > 8 && have >= limbs) {
      steps.push(m.memory.copy(this.scope.offset(offset), get(), m.i32.const(limbs * 8)));
      if (cut) {
        const top = offset + 8 * (limbs - 1);
        const mask = m.i64.const((1n << BigInt(topBits)) - 1n);
        steps.push(m.i64.store(top, 8, this.scope.frame, m.i64.and(m.i64.load(top, 8, this.scope.frame), mask)));
      }
      return m.block(null, steps, b.none);
    }
    for (let i = 0; i < limbs; i++) {
      let limb = i < have ? m.i64.load(8 * i, 8, get()) : fill();
      if (i === limbs - 1 && cut) limb = m.i64.and(limb, m.i64.const((1n << BigInt(topBits)) - 1n));
      steps.push(m.i64.store(offset + 8 * i, 8, this.scope.frame, limb));
    }
    return m.block(null, steps, b.none);
  }
}
