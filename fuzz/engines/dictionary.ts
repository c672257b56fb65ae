import type { Expression, FieldDef, FieldRef } from '../../emulator/json/data.js';
import type { Operand, Primitive, Program } from '../../emulator/json/program.js';

const MAX_VALUES = 64;

/**
 * What a program reveals about its fields: the constants that they are compared with, and the fields that they are
 * copied from. Packets whose fields have such values get further than random ones.
 */
export class Dictionary {
  private readonly values = new Map<FieldDef, bigint[]>();
  private readonly sources = new Map<FieldDef, Set<FieldDef>>();
  private readonly origins = new Map<FieldDef, readonly FieldDef[]>();
  /** Collected before all copies are known. */
  private readonly comparisons: (readonly [FieldRef, bigint])[] = [];

  constructor(program: Program) {
    for (const state of program.parser.states) {
      for (const op of state.ops) {
        if (op.op === 'set') this.copied(op.field, op.from);
        if (op.op === 'verify') this.visit(op.condition);
        if (op.op === 'primitive') this.visitPrimitive(op.primitive);
      }
    }
    for (const action of program.actions) action.primitives.forEach((primitive) => this.visitPrimitive(primitive));
    for (const { nodes } of [program.ingress, program.egress]) {
      for (const node of nodes) if (node.kind === 'conditional') this.visit(node.expression);
    }
    for (const table of program.tables) {
      for (const entry of table.entries ?? []) {
        entry.keys.forEach((key, i) =>
          this.comparisons.push([table.keys[i]!.ref, key.kind === 'range' ? key.low : key.value]),
        );
      }
    }
    for (const [ref, value] of this.comparisons) this.compared(ref, value);
  }

  /** Constants that the field, or one it is copied to, is compared with. */
  valuesOf(field: FieldDef): readonly bigint[] {
    return this.values.get(field) ?? [];
  }

  /** The packet fields from which this one may have its value, including itself if it is one. */
  originsOf(field: FieldDef): readonly FieldDef[] {
    const known = this.origins.get(field);
    if (known !== undefined) return known;
    const seen = new Set([field]);
    for (const each of seen) for (const source of this.sources.get(each) ?? []) seen.add(source);
    const origins = [...seen].filter(({ header }) => !header.metadata);
    this.origins.set(field, origins);
    return origins;
  }

  private visitPrimitive({ op, args }: Primitive): void {
    const [to, from] = args.map(expressionOf);
    if (op === 'assign' && to?.op === 'field' && 'field' in to.ref && from !== undefined)
      this.copied(to.ref.field, from);
    for (const arg of args) {
      const expression = expressionOf(arg);
      if (expression !== undefined) this.visit(expression);
    }
  }

  private copied(to: FieldDef, from: Expression): void {
    this.visit(from);
    let source = from;
    // A copy to another width wraps the field in a mask or a modulus.
    while (
      source.op === 'arithmetic' &&
      source.right.op === 'constant' &&
      (source.operator === '&' || source.operator === 'two_comp_mod')
    )
      source = source.left;
    if (source.op !== 'field' || !('field' in source.ref)) return;
    const known = this.sources.get(to) ?? new Set();
    known.add(source.ref.field);
    this.sources.set(to, known);
  }

  private compared(ref: FieldRef, value: bigint): void {
    if (!('field' in ref)) return;
    for (const field of [ref.field, ...this.originsOf(ref.field)]) {
      const values = this.values.get(field) ?? [];
      if (values.length < MAX_VALUES && !values.includes(value)) values.push(value);
      this.values.set(field, values);
    }
  }

  private visit(e: Expression): void {
    if (e.op === 'equal' || e.op === 'compare') {
      for (const [field, constant] of [
        [e.left, e.right],
        [e.right, e.left],
      ] as const) {
        if (field.op === 'field' && constant.op === 'constant') this.comparisons.push([field.ref, constant.value]);
      }
    }
    for (const key of ['left', 'right', 'of', 'condition', 'index'] as const) {
      const child = (e as unknown as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null && 'op' in child) this.visit(child as Expression);
    }
  }
}

function expressionOf(operand: Operand): Expression | undefined {
  return operand.kind === 'expression' ? operand.expression : undefined;
}
