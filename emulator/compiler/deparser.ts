import type { Ref } from './binaryen.js';
import { CalculationCompiler, writeHeader } from './calculations.js';
import { HeaderCompiler } from './headers.js';
import { FRAME } from '../machine/layout.js';
import { PrimitiveCompiler } from './primitives.js';
import { unsignedRange } from '../machine/value-representation.js';
import { CompileScope } from './scope.js';
import { scalarSource } from './stores.js';
import type { Unit } from './unit.js';

/**
 * Adds deparse(frame), which updates checksums and returns the length of all headers in bytes, and emit(frame, to),
 * which writes headers and payload to `to`. The buffer there must be 16 bytes longer than both together.
 */
export function addDeparser(unit: Unit): void {
  const { m, b, program } = unit;
  const { deparser, checksums } = program;
  const scope = new CompileScope(unit, 1, undefined);
  const compiler = new PrimitiveCompiler(scope);
  const steps: Ref[] = [];
  for (const def of checksums.filter((c) => c.update)) {
    const value = new CalculationCompiler(scope).compute(def.calculation);
    const stored = compiler.store(def.target, scalarSource(value, unsignedRange(64), scope, compiler.expressions));
    steps.push(def.condition === undefined ? stored : m.if(compiler.expressions.bool(def.condition), stored));
    scope.endStatement();
  }
  for (const primitive of deparser.primitives) steps.push(compiler.compile(primitive));
  const headers = new HeaderCompiler(scope);
  const size = scope.local('i32');
  for (const header of deparser.order) {
    const sum = m.i32.add(m.local.get(size, b.i32), headers.bytes(header));
    steps.push(m.if(scope.isValid(header), m.local.set(size, sum)));
  }
  m.addFunction(
    'deparse',
    b.createType([b.i32]),
    b.i32,
    scope.vars,
    m.block(null, [...steps, m.local.get(size, b.i32)], b.i32),
  );
  m.addFunctionExport('deparse', 'deparse');
  addEmit(unit);
}

function addEmit(unit: Unit): void {
  const { m, b, program } = unit;
  const scope = new CompileScope(unit, 2, undefined);
  const pointer = 1;
  const steps = program.deparser.order.map((header) =>
    m.if(scope.isValid(header), m.block(null, writeHeader(scope, header, pointer), b.none)),
  );
  const payload = m.i32.sub(scope.word(FRAME.end), scope.word(FRAME.start));
  steps.push(m.memory.copy(m.local.get(pointer, b.i32), scope.word(FRAME.start), payload));
  m.addFunction('emit', b.createType([b.i32, b.i32]), b.none, scope.vars, m.block(null, steps, b.none));
  m.addFunctionExport('emit', 'emit');
}
