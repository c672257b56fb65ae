import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { binaryenIfLoaded } from '../../../emulator/compiler/binaryen.js';
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import { compileProgram } from '../../../emulator/compiler/module.js';
import { artifactOf } from '../../../emulator/machine/artifact.js';
import { HASH_ALGORITHMS } from '../../../emulator/externs/hash.js';
import { loadProgram } from '../../../emulator/json/load.js';
import { Switch } from '../../../emulator/switch.js';
import { hex, programJson } from '../support/programs.js';

beforeAll(loadCompiler);

interface Json {
  readonly calculations: { algo: string; input: object[] }[];
}

const field = (name: string): object => ({ type: 'field', value: ['request', name] });
const constant = (bytes: number): object => ({ type: 'hexstr', value: `0x${'a5'.repeat(bytes)}`, bitwidth: 8 * bytes });
/** Inputs of the three hashes of the program: of 0 to 28 bytes. */
const INPUTS: readonly (readonly object[][])[] = [
  [[field('value'), field('index')], [constant(1), field('value')], []],
  [[field('value'), constant(3), field('index')], [field('value')], [constant(1)]],
  [
    [field('index'), constant(7), field('value')],
    [field('value'), constant(2)],
    [field('value'), constant(20), field('index')],
  ],
];

/** The program that hashes, with another algorithm over other bytes. */
function hashing(algorithm: string, inputs: readonly object[][]): string {
  const program = JSON.parse(programJson('externs')) as Json;
  program.calculations.forEach((calculation, i) => Object.assign(calculation, { algo: algorithm, input: inputs[i] }));
  return JSON.stringify(program);
}

/** Imports of a module, by name. */
function imports(json: string): string[] {
  const { module } = artifactOf(compileProgram(binaryenIfLoaded()!, loadProgram(json), 511));
  const { Module } = (
    globalThis as unknown as { WebAssembly: { Module: { imports(module: object): { name: string }[] } } }
  ).WebAssembly;
  return Module.imports(module).map(({ name }) => name);
}

/** Those whose results depend on what they were asked before, and some that are rare. */
const OF_THE_HOST = ['crc64_custom', 'xxh64', 'bmv2_hash', 'hash_ex', 'round_robin', 'round_robin_consistent'];
const HASH_OP = 6;

describe('compiled hashes', () => {
  it.each(HASH_ALGORITHMS)('%s is that of the interpreter', async (algorithm) => {
    for (const inputs of INPUTS) {
      const json = hashing(algorithm, inputs);
      const [compiled, plain] = [new Switch({ engine: 'compiled' }), new Switch({ engine: 'interpreter' })];
      for (const target of [compiled, plain]) target.load(json);
      await compiled.ready();
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 59, maxLength: 59 }), (rest) => {
          const packet = Uint8Array.of(HASH_OP, ...rest);
          expect(hex(compiled.receive(1, packet)[0]!.bytes)).toBe(hex(plain.receive(1, packet)[0]!.bytes));
        }),
        { numRuns: 30 },
      );
    }
  });

  it.each(HASH_ALGORITHMS)('%s is computed by compiled code, unless it is one of a few', (algorithm) => {
    expect(imports(hashing(algorithm, INPUTS[0]!)).includes('hash')).toBe(OF_THE_HOST.includes(algorithm));
  });
});
