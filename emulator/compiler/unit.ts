import type { Program } from '../json/program.js';
import type { FieldDef } from '../json/data.js';
import type { BinaryenApi, Module, Ref } from './binaryen.js';
import type { Fallbacks } from '../machine/artifact.js';
import type { CompilerReport } from './report.js';
import type { Layout } from '../machine/layout.js';
import { hasVectors } from './simd.js';
import { liveOutFields } from './analysis/liveness.js';

/** Thrown while an action is compiled with fields in locals, when something in it needs them in memory. */
export class NeedsMemory extends Error {}

/** The module under construction. */
export class Unit {
  readonly fallbacks: Fallbacks = { expressions: [], primitives: [], valueSets: [], messages: [] };
  readonly report: CompilerReport = { loops: [], moves: [] };
  readonly m: Module;
  /** Fields that may be read after an action has ended, so that it has to leave them in the frame. */
  readonly liveOut: ReadonlySet<FieldDef>;
  scratchUsed = 0;
  private readonly messageNumbers = new Map<string, number>();

  constructor(
    readonly b: BinaryenApi,
    readonly program: Program,
    readonly layout: Layout,
    readonly dropPort: number,
    /** Whether vector instructions may be used. */
    readonly simd = hasVectors(),
  ) {
    this.liveOut = liveOutFields(program, layout);
    const { i32, i64, none } = b;
    const m = (this.m = new b.Module());
    markLoadsUnsigned(m, b);
    const { Features } = b;
    m.setFeatures(
      Features.Atomics |
        Features.BulkMemory |
        Features.BulkMemoryOpt |
        (simd ? Features.SIMD128 : 0) |
        Features.SignExt |
        Features.MutableGlobals |
        Features.NontrappingFPToInt,
    );
    m.setMemory(1, 65_536, null, [], true);
    m.addMemoryImport('0', 'env', 'memory', true);
    const host = (name: string, params: readonly number[], result: number): void =>
      m.addFunctionImport(name, 'env', name, b.createType([...params]), result);
    host('abort', [i32], none);
    host('wide', [i32, i32, i32, i32, i32, i32, i32], none);
    host('compare', [i32, i32, i32, i32], i32);
    host('expression', [i32, i32, i32, i32, i32], none);
    host('primitive', [i32, i32, i32], none);
    host('hash', [i32, i32, i32], i64);
    host('calculate', [i32, i32], i64);
    host('hit', [i32, i32, i32], i32);
    host('valueSet', [i32, i32], i32);
    host('choose', [i32, i32, i32], i32);
    host('lookup', [i32, i32], i32);
    host('meter', [i32, i32, i32], i32);
  }

  abort(message: string): Ref {
    let number = this.messageNumbers.get(message);
    if (number === undefined) {
      number = this.fallbacks.messages.push(message) - 1;
      this.messageNumbers.set(message, number);
    }
    return this.m.call('abort', [this.m.i32.const(number)], this.b.none);
  }
}

/**
 * Binaryen 132 makes i32 loads "signed", and then turns a zero-extended one into a sign-extending i64 load. Marked as
 * unsigned, they are correct in both cases, because its rule for sign extension sets the mark itself.
 */
function markLoadsUnsigned(m: Module, b: BinaryenApi): void {
  const { load } = m.i32;
  const { Load } = b as unknown as { readonly Load: { setSigned(load: Ref, signed: boolean): void } };
  m.i32.load = (offset, align, pointer, name) => {
    const made = load(offset, align, pointer, name);
    Load.setSigned(made, false);
    return made;
  };
}
