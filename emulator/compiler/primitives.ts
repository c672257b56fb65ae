import type { Expression, FieldDef, HeaderDef } from '../json/data.js';
import { contains, kindOf, unsignedRange, type Range } from '../machine/value-representation.js';
import type { Operand, Primitive } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { CalculationCompiler } from './calculations.js';
import { assignedBy, placeOf } from './analysis/effects.js';
import { ExpressionCompiler } from './expression.js';
import { HeaderCompiler } from './headers.js';
import { FRAME, NOT_TRUNCATED } from '../machine/layout.js';
import type { CompileScope } from './scope.js';
import { scalarSource, sourceOf, StoreCompiler, type Source } from './stores.js';

/** Primitives as WebAssembly; all others are run by the interpreter's code on the packet's frame. */
export class PrimitiveCompiler {
  readonly expressions: ExpressionCompiler;
  private readonly stores: StoreCompiler;
  private readonly headers: HeaderCompiler;

  constructor(private readonly scope: CompileScope) {
    this.expressions = new ExpressionCompiler(scope);
    this.stores = new StoreCompiler(scope, this.expressions);
    this.headers = new HeaderCompiler(scope);
  }

  compile(primitive: Primitive): Ref {
    const compiled = this.native(primitive) ?? this.byHost(primitive);
    this.scope.endStatement();
    return compiled;
  }

  /** Stores to a field outside of any primitive. */
  store(field: FieldDef, source: Source): Ref {
    const stored = this.stores.store(field, source);
    if (stored === undefined) throw new Error(`field ${field.name} of variable width cannot be stored to`);
    return stored;
  }

  setFrom(field: FieldDef, from: Expression): Ref | undefined {
    return this.stores.store(field, sourceOf(from, this.expressions));
  }

  /** Assigns to a field of at most 64 bits if the condition is 1; the value is computed in any case. */
  assignIf(field: FieldDef, from: Expression, condition: () => Ref): Ref {
    const { m } = this.scope.unit;
    const value = this.stores.fitted(field, sourceOf(from, this.expressions));
    return this.scope.writeField(
      field,
      m.select(condition(), value, this.scope.readField(field, this.scope.kindOf(field))),
    );
  }

  private byHost(primitive: Primitive): Ref {
    const { m, b, fallbacks } = this.scope.unit;
    this.scope.needsMemory();
    const number = fallbacks.primitives.push({ primitive, action: this.scope.action }) - 1;
    return m.call('primitive', [m.i32.const(number), this.scope.frame, this.scope.args], b.none);
  }

  /** Undefined: the host has to do it. */
  private native(primitive: Primitive): Ref | undefined {
    const { op, args } = primitive;
    const { m, unit } = { m: this.scope.unit.m, unit: this.scope.unit };
    const place = (i: number): FieldDef | undefined => placeOf(args[i]!);
    const expression = (i: number): Expression => (args[i] as Extract<Operand, { kind: 'expression' }>).expression;
    const assigned = assignedBy(primitive);
    if (assigned !== undefined) return this.assign(place(0), assigned);
    switch (op) {
      case 'no_op':
        return m.nop();
      case 'exit':
        return this.scope.setWord(FRAME.exit, m.i32.const(1));
      case 'assert':
      case 'assume':
        return m.if(m.i32.eqz(this.expressions.bool(expression(0))), unit.abort(`${op} failed in the program`));
      case 'register_read':
        return this.registerRead(place(0), args[1]!, expression(2));
      case 'register_write':
        return this.registerWrite(args[0]!, expression(1), expression(2));
      case 'count':
        return this.count(args[0]!, expression(1));
      case 'execute_meter':
        return this.meter(args[0]!, expression(1), place(2));
      case 'modify_field_with_hash_based_offset':
        return this.hash(place(0), expression(1), args[2]!, expression(3));
      case 'mark_to_drop': {
        const header = headerOf(args[0]!);
        return header === undefined
          ? undefined
          : this.markToDrop(
              header.fields.filter((f) => f.name === 'egress_spec'),
              header.fields.filter((f) => f.name === 'mcast_grp'),
            );
      }
      case 'drop': {
        const field = (name: string): FieldDef[] =>
          [unit.program.architecture.get(name)].filter((f) => f !== undefined);
        return this.markToDrop(field('standard_metadata.egress_spec'), field('intrinsic_metadata.mcast_grp'));
      }
      case 'add_header':
        return this.onHeader(args[0]!, (header) => this.headers.add(header));
      case 'add_header_fast':
        return this.onHeader(args[0]!, (header) => this.block(this.headers.makeValid(header)));
      case 'remove_header':
        return this.onHeader(args[0]!, (header) => this.headers.remove(header));
      case 'assign_header':
      case 'copy_header':
        return this.onHeader(args[0]!, (to) => this.onHeader(args[1]!, (from) => this.headers.assign(to, from)));
      case 'clone_ingress_pkt_to_egress':
      case 'clone_egress_pkt_to_egress':
        return this.block([
          this.setWord(FRAME.cloneSession, expression(0), 15),
          this.setWord(FRAME.cloneFieldList, expression(1), 16),
        ]);
      case 'resubmit':
        return this.setWord(FRAME.resubmitList, expression(0), 16);
      case 'recirculate':
        return this.setWord(FRAME.recirculateList, expression(0), 16);
      case 'generate_digest':
        return this.setWord(FRAME.digestList, expression(1), 16);
      case 'truncate':
        return this.truncate(expression(0));
      default:
        return undefined;
    }
  }

  private block(steps: Ref[]): Ref {
    return this.scope.unit.m.block(null, steps, this.scope.unit.b.none);
  }

  private assign(to: FieldDef | undefined, from: Expression): Ref | undefined {
    return to === undefined ? undefined : this.stores.store(to, sourceOf(from, this.expressions));
  }

  private setWord(offset: number, value: Expression, bits: number): Ref {
    const { m } = this.scope.unit;
    return this.scope.setWord(offset, m.i32.and(this.expressions.low(value, 'i32'), m.i32.const(2 ** bits - 1)));
  }

  private truncate(length: Expression): Ref | undefined {
    const { m, b } = this.scope.unit;
    if (this.expressions.kind(length) === 'wide') return undefined;
    const local = this.scope.local('i32');
    const limit = { min: 0n, max: BigInt(NOT_TRUNCATED) };
    const wanted = this.expressions.clampValue(
      this.expressions.range(length),
      (kind) => this.expressions.low(length, kind),
      limit,
      'i32',
    );
    const get = (): Ref => m.local.get(local, b.i32);
    return this.block([
      m.local.set(local, wanted),
      m.if(m.i32.lt_s(get(), this.scope.word(FRAME.truncated)), this.scope.setWord(FRAME.truncated, get())),
    ]);
  }

  private onHeader(operand: Operand, make: (header: HeaderDef) => Ref | undefined): Ref | undefined {
    const header = headerOf(operand);
    return header === undefined ? undefined : make(header);
  }

  private markToDrop(specs: readonly FieldDef[], groups: readonly FieldDef[]): Ref {
    const constant = (value: number): Expression => ({ op: 'constant', type: 'data', value: BigInt(value) });
    return this.block([
      ...specs.map((field) => this.store(field, sourceOf(constant(this.scope.unit.dropPort), this.expressions))),
      ...groups.map((field) => this.store(field, sourceOf(constant(0), this.expressions))),
    ]);
  }

  /**
   * Runs `body` if the index is within 0..size-1. Undefined if the index can have more than 64 bits.
   * @param body gets the index as i32; it may evaluate it more than once.
   */
  private within(index: Expression, size: number, body: (index: () => Ref) => Ref | undefined): Ref | undefined {
    const { m, b } = this.scope.unit;
    const range = this.expressions.range(index);
    const kind = kindOf(range);
    if (kind === 'wide') return undefined;
    if (index.op === 'constant' && contains({ min: 0n, max: BigInt(size) - 1n }, range))
      return body(() => m.i32.const(Number(index.value)));
    const local = this.scope.local(kind);
    const get = (): Ref => m.local.get(local, kind === 'i32' ? b.i32 : b.i64);
    const inside = body(() => (kind === 'i32' ? get() : m.i32.wrap(get())));
    if (inside === undefined) return undefined;
    const set = m.local.set(local, this.expressions.exact(index));
    if (contains({ min: 0n, max: BigInt(size) - 1n }, range)) return this.block([set, inside]);
    // A negative index is a large one when it is read as unsigned.
    return this.block([set, m.if(m[kind].lt_u(get(), this.expressions.constant(BigInt(size), kind)), inside)]);
  }

  private registerRead(to: FieldDef | undefined, operand: Operand, index: Expression): Ref | undefined {
    if (to === undefined || operand.kind !== 'register') return undefined;
    const { m, layout } = this.scope.unit;
    const { register } = operand;
    const base = layout.registers[register.index]!;
    const range = unsignedRange(register.width);
    return this.within(index, register.size, (i) => {
      if (register.width <= 32) {
        return this.stores.store(
          to,
          scalarSource(m.i32.load(base, 4, m.i32.shl(i(), m.i32.const(2))), range, this.scope, this.expressions),
        );
      }
      if (register.width <= 64) {
        const value = m.i64.load(base, 8, m.i32.shl(i(), m.i32.const(3)));
        return this.stores.store(to, scalarSource(value, range, this.scope, this.expressions));
      }
      const limbs = Math.ceil(register.width / 64);
      const address = (): Ref => m.i32.add(m.i32.const(base), m.i32.mul(i(), m.i32.const(limbs * 8)));
      const low = (kind: 'i32' | 'i64'): Ref =>
        kind === 'i32' ? m.i32.load(0, 4, address()) : m.i64.load(0, 8, address());
      return this.stores.store(to, { range, low, wide: () => [address(), limbs] });
    });
  }

  private registerWrite(operand: Operand, index: Expression, value: Expression): Ref | undefined {
    if (operand.kind !== 'register') return undefined;
    const { m, layout } = this.scope.unit;
    const { register } = operand;
    const { width } = register;
    const base = layout.registers[register.index]!;
    const range: Range = unsignedRange(width);
    if (width > 64) return undefined;
    return this.within(index, register.size, (i) => {
      const kind = width <= 32 ? 'i32' : 'i64';
      const low = this.expressions.low(value, kind);
      const fits = width === 32 || width === 64 || contains(range, this.expressions.range(value));
      const cut = fits ? low : m[kind].and(low, this.expressions.constant(range.max, kind));
      return kind === 'i32'
        ? m.i32.store(base, 4, m.i32.shl(i(), m.i32.const(2)), cut)
        : m.i64.store(base, 8, m.i32.shl(i(), m.i32.const(3)), cut);
    });
  }

  private count(operand: Operand, index: Expression): Ref | undefined {
    if (operand.kind !== 'counter') return undefined;
    const { m, layout } = this.scope.unit;
    const { counter } = operand;
    const { packets, bytes } = layout.counters[counter.index]!;
    return this.within(index, counter.size, (i) => {
      const at = (): Ref => m.i32.shl(i(), m.i32.const(3));
      const add = (base: number, value: Ref): Ref =>
        m.f64.store(base, 8, at(), m.f64.add(m.f64.load(base, 8, at()), value));
      return this.block([
        add(packets, m.f64.const(1)),
        add(bytes, m.f64.convert_s.i32(this.scope.word(FRAME.ingressLength))),
      ]);
    });
  }

  private meter(operand: Operand, index: Expression, to: FieldDef | undefined): Ref | undefined {
    if (to === undefined || operand.kind !== 'meter') return undefined;
    const { m, b } = this.scope.unit;
    const { meter } = operand;
    return this.within(index, meter.size, (i) => {
      const color = m.call('meter', [m.i32.const(meter.index), i(), this.scope.frame], b.i32);
      return this.stores.store(to, scalarSource(color, { min: 0n, max: 255n }, this.scope, this.expressions));
    });
  }

  private hash(to: FieldDef | undefined, base: Expression, operand: Operand, size: Expression): Ref | undefined {
    if (to === undefined || operand.kind !== 'calculation') return undefined;
    const range = this.expressions.range(size);
    if (kindOf(range) === 'wide' || range.min < 0n) return undefined;
    const { m, b } = this.scope.unit;
    const modulus = this.scope.local('i64');
    const get = (): Ref => m.local.get(modulus, b.i64);
    const sum = new CalculationCompiler(this.scope).compute(operand.calculation);
    const reduced = m.i64.rem_u(sum, m.select(m.i64.eqz(get()), m.i64.const(1n), get()));
    const value = m.block(
      null,
      [m.local.set(modulus, this.expressions.low(size, 'i64')), m.i64.add(this.expressions.low(base, 'i64'), reduced)],
      b.i64,
    );
    return this.stores.store(to, scalarSource(value, unsignedRange(64), this.scope, this.expressions));
  }
}

function headerOf(operand: Operand): HeaderDef | undefined {
  return operand.kind === 'expression' && operand.expression.op === 'header' ? operand.expression.header : undefined;
}
