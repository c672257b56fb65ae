import type { HeaderDef } from '../json/data.js';
import type { Ref } from './binaryen.js';
import { FRAME } from '../machine/layout.js';
import type { CompileScope } from './scope.js';

/** Above this many bytes, memory is copied and filled by WebAssembly's bulk instructions, which cost a call. */
const MAX_INLINE_BYTES = 64;

/** Validity and copying of headers that are known when the program is compiled. */
export class HeaderCompiler {
  constructor(private readonly scope: CompileScope) {}

  /** At most one member of a union is valid. */
  makeValid(header: HeaderDef): Ref[] {
    return [this.scope.setValid(header, 1), ...header.siblings.map((sibling) => this.scope.setValid(sibling, 0))];
  }

  zeroFields(header: HeaderDef): Ref[] {
    this.scope.needsMemory();
    const { m, layout } = this.scope.unit;
    const start = layout.headerStart[header.index]!;
    const size = layout.headerEnd[header.index]! - start;
    if (size > MAX_INLINE_BYTES) return [m.memory.fill(this.scope.offset(start), m.i32.const(0), m.i32.const(size))];
    return words(size).map(([at, bytes]) =>
      bytes === 8
        ? m.i64.store(start + at, 8, this.scope.frame, m.i64.const(0n))
        : m.i32.store(start + at, 4, this.scope.frame, m.i32.const(0)),
    );
  }

  /** Undefined if the headers are of different types. */
  assign(to: HeaderDef, from: HeaderDef): Ref | undefined {
    if (to.type !== from.type) return undefined;
    this.scope.needsMemory();
    const { m, b, layout } = this.scope.unit;
    const source = layout.headerStart[from.index]!;
    const target = layout.headerStart[to.index]!;
    const size = layout.headerEnd[from.index]! - source;
    const steps = this.makeValid(to);
    if (size > MAX_INLINE_BYTES)
      steps.push(m.memory.copy(this.scope.offset(target), this.scope.offset(source), m.i32.const(size)));
    else {
      for (const [at, bytes] of words(size)) {
        steps.push(
          bytes === 8
            ? m.i64.store(target + at, 8, this.scope.frame, m.i64.load(source + at, 8, this.scope.frame))
            : m.i32.store(target + at, 4, this.scope.frame, m.i32.load(source + at, 4, this.scope.frame)),
        );
      }
    }
    const [varbitsTo, varbitsFrom] = [layout.varbits[to.index], layout.varbits[from.index]];
    if (varbitsTo !== undefined && varbitsFrom !== undefined)
      steps.push(this.scope.setWord(varbitsTo, this.scope.word(varbitsFrom)));
    return m.if(this.scope.isValid(from), m.block(null, steps, b.none), this.scope.setValid(to, 0));
  }

  bytes(header: HeaderDef): Ref {
    const { m, layout } = this.scope.unit;
    const fixed = m.i32.const(header.fixedBytes);
    const varbits = layout.varbits[header.index];
    return varbits === undefined ? fixed : m.i32.add(fixed, m.i32.shr_s(this.scope.word(varbits), m.i32.const(3)));
  }

  add(header: HeaderDef): Ref {
    const { m, b } = this.scope.unit;
    const length = m.i32.add(this.scope.word(FRAME.length), this.bytes(header));
    const steps = [...this.zeroFields(header), ...this.makeValid(header), this.scope.setWord(FRAME.length, length)];
    return m.if(m.i32.eqz(this.scope.isValid(header)), m.block(null, steps, b.none));
  }

  remove(header: HeaderDef): Ref {
    const { m, b } = this.scope.unit;
    const length = m.i32.sub(this.scope.word(FRAME.length), this.bytes(header));
    return m.if(
      this.scope.isValid(header),
      m.block(null, [this.scope.setWord(FRAME.length, length), this.scope.setValid(header, 0)], b.none),
    );
  }
}

/** Offsets and sizes of the words that make up `size` bytes, a multiple of four. */
function words(size: number): [number, 4 | 8][] {
  const list: [number, 4 | 8][] = [];
  let at = 0;
  for (; at + 8 <= size; at += 8) list.push([at, 8]);
  if (at < size) list.push([at, 4]);
  return list;
}
