import type { Expression, FieldDef, HeaderDef } from '../json/data.js';
import { kindOf, type Range, type ScalarKind } from '../machine/value-representation.js';
import type { ActionDef } from '../json/program.js';
import type { Ref } from './binaryen.js';
import type { Slot } from '../machine/layout.js';
import { Ranges } from './analysis/ranges.js';
import { NeedsMemory, type Unit } from './unit.js';

/** A field that lives in a local while a version of an action with loops runs. */
export interface Promoted {
  readonly local: number;
  /** The range of all values that the local ever holds; its kind follows from it. */
  readonly range: Range;
}

/**
 * One function under construction. Local 0 is always the frame of the packet; in an action, local 1 is the address of
 * its arguments.
 */
export class CompileScope {
  readonly ranges: Ranges;
  readonly vars: number[] = [];
  /**
   * Fields held in locals instead of memory; they include all that are written while this is set. Undefined: every
   * field is in memory.
   */
  promoted: ReadonlyMap<FieldDef, Promoted> | undefined;
  private scratchAt: number;

  constructor(
    readonly unit: Unit,
    readonly params: number,
    readonly action: ActionDef | undefined,
  ) {
    this.ranges = new Ranges((index) => this.argumentSlot(index).range);
    this.scratchAt = unit.layout.scratch;
  }

  get frame(): Ref {
    return this.unit.m.local.get(0, this.unit.b.i32);
  }

  get args(): Ref {
    return this.action === undefined ? this.unit.m.i32.const(0) : this.unit.m.local.get(1, this.unit.b.i32);
  }

  argumentSlot(index: number): Slot {
    const slot = this.action === undefined ? undefined : this.unit.layout.params[this.action.index]![index];
    if (slot === undefined) throw new Error(`action argument ${index} does not exist in this scope`);
    return slot;
  }

  local(kind: ScalarKind): number {
    return this.params + this.vars.push(kind === 'i32' ? this.unit.b.i32 : this.unit.b.i64) - 1;
  }

  /** Scratch memory for an intermediate value until the end of the statement. */
  scratch(limbs: number): number {
    const address = this.scratchAt;
    this.scratchAt += limbs * 8;
    this.unit.scratchUsed = Math.max(this.unit.scratchUsed, this.scratchAt - this.unit.layout.scratch);
    return address;
  }

  endStatement(): void {
    this.scratchAt = this.unit.layout.scratch;
  }

  /** The code that follows accesses fields in memory. */
  needsMemory(): void {
    if (this.promoted !== undefined) throw new NeedsMemory();
  }

  slot(field: FieldDef): Slot {
    return this.unit.layout.fields[field.index]!;
  }

  /** How a field of at most 64 bits is held. */
  kindOf(field: FieldDef): ScalarKind {
    const promoted = this.promoted?.get(field);
    const kind = promoted === undefined ? this.slot(field).kind : kindOf(promoted.range);
    if (kind === 'wide') throw new Error(`field ${field.name} does not fit in 64 bits`);
    return kind;
  }

  /** The value of a field of at most 64 bits, modulo 2^32 or 2^64. */
  readField(field: FieldDef, as: ScalarKind): Ref {
    const {
      unit: { m, b },
    } = this;
    const own = this.kindOf(field);
    const { offset, range } = this.slot(field);
    const promoted = this.promoted?.get(field);
    const value =
      promoted !== undefined
        ? m.local.get(promoted.local, own === 'i32' ? b.i32 : b.i64)
        : own === 'i32'
          ? m.i32.load(offset, 4, this.frame)
          : m.i64.load(offset, 8, this.frame);
    if (own === as) return value;
    if (own === 'i64') return m.i32.wrap(value);
    return (promoted?.range ?? range).min < 0n ? m.i64.extend_s(value) : m.i64.extend_u(value);
  }

  /** @param value of the kind that {@link kindOf} returns. */
  writeField(field: FieldDef, value: Ref): Ref {
    const {
      unit: { m },
    } = this;
    const kind = this.kindOf(field);
    const promoted = this.promoted?.get(field);
    if (promoted !== undefined) return m.local.set(promoted.local, value);
    this.needsMemory();
    const { offset } = this.slot(field);
    return kind === 'i32' ? m.i32.store(offset, 4, this.frame, value) : m.i64.store(offset, 8, this.frame, value);
  }

  fieldAddress(field: FieldDef): Ref {
    this.needsMemory();
    return this.offset(this.slot(field).offset);
  }

  offset(bytes: number): Ref {
    const { m } = this.unit;
    return m.i32.add(this.frame, m.i32.const(bytes));
  }

  isValid(header: HeaderDef): Ref {
    return this.unit.m.i32.load8_u(this.unit.layout.valid[header.index]!, 1, this.frame);
  }

  setValid(header: HeaderDef, valid: 0 | 1): Ref {
    const { m } = this.unit;
    return m.i32.store8(this.unit.layout.valid[header.index]!, 1, this.frame, m.i32.const(valid));
  }

  word(offset: number): Ref {
    return this.unit.m.i32.load(offset, 4, this.frame);
  }

  setWord(offset: number, value: Ref): Ref {
    return this.unit.m.i32.store(offset, 4, this.frame, value);
  }

  /** Number of an expression that the host evaluates. */
  fallbackExpression(expression: Expression): number {
    this.needsMemory();
    return this.unit.fallbacks.expressions.push({ expression, action: this.action }) - 1;
  }
}
