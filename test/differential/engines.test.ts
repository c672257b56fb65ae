/** The engines against each other, on random programs and on every build; `fuzz/engines.ts` runs for any length of time. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Differential } from '../../fuzz/engines/differential.js';
import { FpisaSite } from '../../fuzz/engines/fpisa-site.js';
import { randomProgram } from '../../fuzz/engines/generate/program.js';
import { loadCompiler } from '../../emulator/compiler/cache.js';
import { loadProgram } from '../../emulator/index.js';

const BUILDS = new URL('../../p4/build/', import.meta.url);
const builds = readdirSync(BUILDS)
  .filter((file) => file.endsWith('.json'))
  .map((file) => basename(file, '.json'));
const json = (build: string): string => readFileSync(new URL(`${build}.json`, BUILDS), 'utf8');

beforeAll(loadCompiler);

describe('both engines do the same', () => {
  // A signed field of 64 bits, assigned to under a condition, is in the builds for queries.
  it.each(builds)('%s', async (build) => {
    const result = (await new Differential(build, json(build), 1).prepare()).run(40);
    expect(result.packets).toBe(40);
    expect(result.changes).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 5, 7])('program at random, of seed %i', async (seed) => {
    const result = (await new Differential('generated', randomProgram(seed), seed).prepare()).run(150);
    expect(result.packets).toBe(150);
  });
});

describe('the fuzzer', () => {
  it('makes the same program of the same seed, and another of another', () => {
    expect(randomProgram(7)).toBe(randomProgram(7));
    expect(randomProgram(7)).not.toBe(randomProgram(8));
  });

  it('gets through the fpisa program: rounds are completed and read out', async () => {
    const program = loadProgram(json('fpisa-n16'));
    expect(FpisaSite.fits(program)).toBe(true);
    const run = await new Differential('fpisa-n16', program, 1).prepare();
    run.run(600);
    expect(run.coverage.unreached).not.toContain('hit of fpisa.member');
    expect(run.coverage.unreached).not.toContain('miss of tbl_service_elements_read_out_read_floats');
  });
});
