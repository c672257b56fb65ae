import type { CalculationDef, CalculationInput } from '../json/program.js';
import type { HeaderDef } from '../json/data.js';
import type { Ref } from './binaryen.js';
import { aroundVarbit, BitCompiler, pieceOf, type Piece } from './bits.js';
import { hashFunction } from './hashes.js';
import type { CompileScope } from './scope.js';

/** Consecutive fields that are either all present or all absent. */
interface Run {
  readonly header: HeaderDef | undefined;
  readonly pieces: Piece[];
  readonly varbit: boolean;
}

/**
 * Hashes and checksums. Their input is assembled here if it falls on whole bytes whichever headers are valid, and most
 * algorithms are compiled as well (see hashes.ts); the host does the rest.
 */
export class CalculationCompiler {
  constructor(private readonly scope: CompileScope) {}

  /** An i64. */
  compute(calculation: CalculationDef): Ref {
    const { m, b } = this.scope.unit;
    this.scope.needsMemory();
    const runs = runsOf(calculation.input);
    if (runs === undefined) return m.call('calculate', [m.i32.const(calculation.index), this.scope.frame], b.i64);
    const pointer = this.scope.local('i32');
    const start = this.scope.scratch(mostBytes(runs) / 8 + 4);
    const steps: Ref[] = [m.local.set(pointer, m.i32.const(start))];
    for (const run of runs) steps.push(this.gather(run, pointer));
    const length = m.i32.sub(m.local.get(pointer, b.i32), m.i32.const(start));
    const compiled = hashFunction(calculation.algorithm);
    const sum =
      compiled !== undefined
        ? m.call(compiled, [m.i32.const(start), length], b.i64)
        : m.call('hash', [m.i32.const(calculation.index), m.i32.const(start), length], b.i64);
    return m.block(null, [...steps, sum], b.i64);
  }

  private gather(run: Run, pointer: number): Ref {
    const { m, b } = this.scope.unit;
    const get = (): Ref => m.local.get(pointer, b.i32);
    const steps: Ref[] = [];
    if (run.varbit) steps.push(...copyVarbit(this.scope, run.header!, pointer));
    else {
      const bytes = run.pieces.reduce((bits, p) => bits + p.width, 0) / 8;
      steps.push(
        ...new BitCompiler(this.scope).write(run.pieces, get, 0),
        m.local.set(pointer, m.i32.add(get(), m.i32.const(bytes))),
      );
    }
    const all = m.block(null, steps, b.none);
    return run.header === undefined ? all : m.if(this.scope.isValid(run.header), all);
  }
}

/** Writes the bytes of the varbit field of a header and moves the pointer past them. */
function copyVarbit(scope: CompileScope, header: HeaderDef, pointer: number): Ref[] {
  const { m, b, layout } = scope.unit;
  const length = (): Ref => m.i32.shr_s(scope.word(layout.varbits[header.index]!), m.i32.const(3));
  return [
    m.call('reverse', [m.local.get(pointer, b.i32), scope.offset(scope.slot(header.varbit!).offset), length()], b.none),
    m.local.set(pointer, m.i32.add(m.local.get(pointer, b.i32), length())),
  ];
}

/** Writes a header and moves the pointer past it. */
export function writeHeader(scope: CompileScope, header: HeaderDef, pointer: number): Ref[] {
  const { m, b } = scope.unit;
  const bits = new BitCompiler(scope);
  const get = (): Ref => m.local.get(pointer, b.i32);
  const advance = (bytes: number): Ref => m.local.set(pointer, m.i32.add(get(), m.i32.const(bytes)));
  const { before, after } = aroundVarbit(header);
  const steps: Ref[] = [];
  for (const [i, part] of [before, after].entries()) {
    if (i === 1 && header.varbit !== undefined) steps.push(...copyVarbit(scope, header, pointer));
    if (part.length === 0) continue;
    steps.push(...bits.write(part.map(pieceOf), get, 0), advance(part.reduce((sum, f) => sum + f.width, 0) / 8));
  }
  return steps;
}

/** Undefined if some part does not begin on a byte boundary, or the payload is part of the input. */
function runsOf(input: readonly CalculationInput[]): Run[] | undefined {
  const runs: Run[] = [];
  const add = (header: HeaderDef | undefined, piece: Piece): void => {
    const last = runs.at(-1);
    if (last !== undefined && last.header === header && !last.varbit) last.pieces.push(piece);
    else runs.push({ header, pieces: [piece], varbit: false });
  };
  for (const item of input) {
    if (item.kind === 'payload') return undefined;
    if (item.kind === 'constant') add(undefined, { constant: item.value, width: item.width, shift: 0 });
    else {
      for (const field of item.kind === 'field' ? [item.field] : item.header.fields) {
        if (field.varbit)
          runs.push({ header: field.header, pieces: [{ field, width: field.width, shift: 0 }], varbit: true });
        else add(field.header, pieceOf(field));
      }
    }
  }
  return runs.every((run) => run.varbit || run.pieces.reduce((bits, p) => bits + p.width, 0) % 8 === 0)
    ? runs
    : undefined;
}

function mostBytes(runs: readonly Run[]): number {
  const bits = runs.reduce(
    (sum, run) => sum + run.pieces.reduce((n, p) => n + (run.varbit && p.width === 0 ? 4096 * 8 : p.width), 0),
    0,
  );
  return Math.ceil(bits / 64) * 8;
}
