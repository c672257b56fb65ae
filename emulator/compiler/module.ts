import type { Program } from '../json/program.js';
import { addAction } from './action.js';
import type { BinaryenApi, Ref } from './binaryen.js';
import { addPipeline } from './control.js';
import { addDeparser } from './deparser.js';
import { addHashes } from './hashes.js';
import { FRAME, Layout, NOT_TRUNCATED } from '../machine/layout.js';
import { addLibrary } from './library.js';
import { addParser } from './parser.js';
import { addLookup } from './tables.js';
import { Unit } from './unit.js';
import type { CompiledProgram } from '../machine/artifact.js';

export const OPTIMIZE_LEVEL = 2;

/** Larger functions are not inlined: V8 has more registers for a loop on its own than inside a whole pipeline. */
const MAX_INLINED_SIZE = 100;

export function compileProgram(b: BinaryenApi, program: Program, dropPort: number): CompiledProgram {
  const layout = new Layout(program);
  const unit = new Unit(b, program, layout, dropPort);
  try {
    addLibrary(unit);
    addHashes(unit);
    addFrames(unit);
    for (const action of program.actions) addAction(action, unit);
    for (const table of program.tables) if (table.keys.length > 0) addLookup(table, unit);
    addPipeline('ingress', program.ingress, unit);
    addPipeline('egress', program.egress, unit);
    addParser(unit);
    addDeparser(unit);
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

/** clear(frame) resets a frame for a new packet; copy(to, from) copies headers and metadata; clearMetadata(frame). */
function addFrames({ m, b, program, layout }: Unit): void {
  const frame = (): Ref => m.local.get(0, b.i32);
  const { start, end } = layout.state;
  const word = (offset: number, value: number): Ref => m.i32.store(offset, 4, frame(), m.i32.const(value));
  const zero = [
    FRAME.exit,
    FRAME.cloneFieldList,
    FRAME.digestList,
    FRAME.resubmitList,
    FRAME.recirculateList,
    FRAME.checksumError,
  ];
  const flags = [
    word(FRAME.truncated, NOT_TRUNCATED),
    word(FRAME.cloneSession, -1),
    ...zero.map((offset) => word(offset, 0)),
  ];
  const at = (base: Ref, offset: number): Ref => m.i32.add(base, m.i32.const(offset));
  m.addFunction(
    'clear',
    b.createType([b.i32]),
    b.none,
    [],
    m.block(
      null,
      [
        m.memory.fill(at(frame(), start), m.i32.const(0), m.i32.const(end - start)),
        ...flags,
        ...program.headers
          .filter((h) => h.metadata)
          .map((h) => m.i32.store8(layout.valid[h.index]!, 1, frame(), m.i32.const(1))),
      ],
      b.none,
    ),
  );
  m.addFunction(
    'copy',
    b.createType([b.i32, b.i32]),
    b.none,
    [],
    m.memory.copy(at(frame(), start), at(m.local.get(1, b.i32), start), m.i32.const(end - start)),
  );
  const metadata = layout.metadata.end - layout.metadata.start;
  m.addFunction(
    'clearMetadata',
    b.createType([b.i32]),
    b.none,
    [],
    m.memory.fill(at(frame(), layout.metadata.start), m.i32.const(0), m.i32.const(metadata)),
  );
  for (const name of ['clear', 'copy', 'clearMetadata']) m.addFunctionExport(name, name);
}
