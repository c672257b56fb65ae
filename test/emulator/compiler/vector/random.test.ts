/** Random loops over registers; `npm run fuzz` runs more of them. */
import { beforeAll, expect, it } from 'vitest';
import { loadBinaryen } from '../../../../emulator/compiler/binaryen.js';
import { loadCompiler } from '../../../../emulator/compiler/cache.js';
import { explainProgram } from '../../../../emulator/compiler/module.js';
import { loadProgram } from '../../../../emulator/json/load.js';
import { Differential } from '../../../../fuzz/engines/differential.js';
import { randomLoops } from '../../../../fuzz/engines/generate/loops.js';

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);
const PACKETS = 25;

beforeAll(loadCompiler);

it.each(SEEDS)('seed %i: both engines do the same', async (seed) => {
  const result = (await new Differential('loops', randomLoops(seed), seed).prepare()).run(PACKETS);
  expect(result.packets).toBe(PACKETS);
});

it('some of them become vector code, others do not, for several reasons', async () => {
  const b = await loadBinaryen();
  const loops = SEEDS.flatMap((seed) => explainProgram(b, loadProgram(randomLoops(seed)), 511).loops);
  const reasons = new Set(loops.map(({ reason }) => reason?.replace(/ [a-z]+\.?[a-z]*\d/, ' X')));
  expect(loops.filter(({ vectorised }) => vectorised).length).toBeGreaterThan(loops.length / 4);
  expect(reasons.size).toBeGreaterThan(3);
});
