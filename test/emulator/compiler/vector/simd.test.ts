/** Engines without vector instructions: the same results, by scalar code. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadBinaryen } from '../../../../emulator/compiler/binaryen.js';
import { loadCompiler } from '../../../../emulator/compiler/cache.js';
import { compileProgram } from '../../../../emulator/compiler/module.js';
import { hasVectors } from '../../../../emulator/compiler/simd.js';
import { loadProgram } from '../../../../emulator/json/load.js';
import { call, hexstr, operation } from '../../../../fuzz/engines/generate/json.js';
import { programJson } from '../../support/programs.js';
import { loop, of, program, read, scalar, word, write } from './programs.js';
import { expectSame, reportOf } from './support.js';

const WEBASSEMBLY = (globalThis as unknown as { readonly WebAssembly: { validate(module: Uint8Array): boolean } })
  .WebAssembly;

beforeAll(loadCompiler);
afterEach(() => vi.restoreAllMocks());

const i = scalar('i');
const adding = (by: number): string =>
  program([
    ...loop(16, [read('t0', 'r0', i), write('r4', i, word(operation('+', scalar('t0'), hexstr(by))))]),
    call('assign', of('a'), hexstr(by)),
  ]);

describe('the engine of the test', () => {
  it('has vector instructions, as all that Node supports by now', () => expect(hasVectors()).toBe(true));
});

describe('an engine without vector instructions', () => {
  it('is recognised by a module that it does not take', () => expect(hasVectors(() => false)).toBe(false));

  it('gets modules without them', async () => {
    const b = await loadBinaryen();
    for (const json of [adding(1), programJson('router'), programJson('loops')]) {
      const withoutVectors = (simd: boolean): number => {
        const { wasm } = compileProgram(b, loadProgram(json), 511, simd);
        const module = b.readBinary(wasm);
        try {
          module.setFeatures(module.getFeatures() & ~b.Features.SIMD128);
          return module.emitText().includes('v128') ? 0 : 1;
        } finally {
          module.dispose();
        }
      };
      expect(withoutVectors(false)).toBe(1);
      expect(withoutVectors(true)).toBe(0);
    }
  });

  it('says so, and does the same', async () => {
    vi.spyOn(WEBASSEMBLY, 'validate').mockReturnValue(false);
    expect(await reportOf(adding(2))).toEqual({
      action: 'loop0',
      vectorised: false,
      reason: 'this engine has no vector instructions',
    });
    await expectSame(adding(2), 3);
  });
});
