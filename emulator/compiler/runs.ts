import type { Primitive } from '../json/program.js';
import type { FieldDef, RegisterDef } from '../json/data.js';
import type { Ref } from './binaryen.js';
import { placeOf } from './analysis/effects.js';
import type { CompileScope } from './scope.js';

const WORD_BYTES = 4;
const VECTOR_WORDS = 4;

/** A 32-bit field and a register cell, one of which is copied to the other. */
interface Move {
  readonly op: 'register_read' | 'register_write';
  readonly field: FieldDef;
  readonly register: RegisterDef;
  readonly cell: number;
}

/**
 * Copies between consecutive fields and consecutive register cells, four at a time: the number of primitives, from
 * `from` on, that are compiled this way, and their code; undefined if there are fewer than four such copies.
 */
export function compileRun(
  primitives: readonly Primitive[],
  from: number,
  scope: CompileScope,
): { length: number; code: Ref } | undefined {
  const { m, b, layout, report, simd } = scope.unit;
  const first = simd ? moveOf(primitives[from]!) : undefined;
  if (first === undefined) return undefined;
  const start = scope.slot(first.field).offset;
  const follows = (primitive: Primitive | undefined, n: number): boolean => {
    const move = primitive === undefined ? undefined : moveOf(primitive);
    return (
      move?.op === first.op &&
      move.register === first.register &&
      move.cell === first.cell + n &&
      scope.slot(move.field).offset === start + n * WORD_BYTES
    );
  };
  let length = 1;
  while (follows(primitives[from + length], length)) length++;
  length -= length % VECTOR_WORDS;
  if (length === 0) return undefined;
  const ends = [`${first.field.header.name}.${first.field.name}`, `${first.register.name}[${first.cell}]`] as const;
  const [source, target] = first.op === 'register_write' ? ends : ([ends[1], ends[0]] as const);
  report.moves.push({ from: source, to: target, words: length });
  const cells = layout.registers[first.register.index]! + first.cell * WORD_BYTES;
  const code = Array.from({ length: length / VECTOR_WORDS }, (_, i) => {
    const at = i * VECTOR_WORDS * WORD_BYTES;
    return first.op === 'register_write'
      ? m.v128.store(cells + at, WORD_BYTES, m.i32.const(0), m.v128.load(start + at, WORD_BYTES, scope.frame))
      : m.v128.store(start + at, WORD_BYTES, scope.frame, m.v128.load(cells + at, WORD_BYTES, m.i32.const(0)));
  });
  return { length, code: m.block(null, code, b.none) };
}

function moveOf({ op, args }: Primitive): Move | undefined {
  if (op !== 'register_read' && op !== 'register_write') return undefined;
  const [place, cells, index] = op === 'register_read' ? args : [args[2], args[0], args[1]];
  const field = place === undefined ? undefined : placeOf(place);
  if (field?.width !== 32 || field.signed || field.varbit || cells?.kind !== 'register' || cells.register.width !== 32)
    return undefined;
  if (index?.kind !== 'expression' || index.expression.op !== 'constant') return undefined;
  const { value } = index.expression;
  return value < 0n || value >= BigInt(cells.register.size)
    ? undefined
    : { op, field, register: cells.register, cell: Number(value) };
}
