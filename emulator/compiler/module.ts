import type { Program } from '../json/program.js';
import { addAction } from './action.js';
import type { BinaryenApi } from './binaryen.js';
import { addPipeline } from './control.js';
import { addDeparser } from './deparser.js';
import { addHashes } from './hashes.js';
import { addFrames } from './frame-functions.js';
import { Layout } from '../machine/layout.js';
import { addLibrary } from './library.js';
import { addParser } from './parser.js';
import { addLookup } from './tables.js';
import { Unit } from './unit.js';
import type { CompiledProgram } from '../machine/artifact.js';
import type { CompilerReport } from './report.js';

export const OPTIMIZE_LEVEL = 2;

/** Larger functions are not inlined: V8 has more registers for a loop on its own than inside a whole pipeline. */
const MAX_INLINED_SIZE = 100;

export function compileProgram(b: BinaryenApi, program: Program, dropPort: number, simd?: boolean): CompiledProgram {
  const layout = new Layout(program);
  const unit = new Unit(b, program, layout, dropPort, simd);
  try {
    addFunctions(unit);
    b.setOptimizeLevel(OPTIMIZE_LEVEL);
    b.setShrinkLevel(0);
    b.setOneCallerInlineMaxSize(MAX_INLINED_SIZE);
    if (!unit.m.validate()) throw new Error('the compiler produced an invalid module');
    unit.m.optimize();
    return { program, layout, fallbacks: unit.fallbacks, wasm: unit.m.emitBinary(), scratchBytes: unit.scratchUsed };
  } finally {
    unit.m.dispose();
  }
}

/** What {@link compileProgram} makes vectors of. */
export function explainProgram(b: BinaryenApi, program: Program, dropPort: number, simd?: boolean): CompilerReport {
  const unit = new Unit(b, program, new Layout(program), dropPort, simd);
  try {
    addFunctions(unit);
    return unit.report;
  } finally {
    unit.m.dispose();
  }
}

function addFunctions(unit: Unit): void {
  const { program } = unit;
  addLibrary(unit);
  addHashes(unit);
  addFrames(unit);
  for (const action of program.actions) addAction(action, unit);
  for (const table of program.tables) if (table.keys.length > 0) addLookup(table, unit);
  addPipeline('ingress', program.ingress, unit);
  addPipeline('egress', program.egress, unit);
  addParser(unit);
  addDeparser(unit);
}
