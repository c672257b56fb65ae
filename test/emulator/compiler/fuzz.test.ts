/** The compiled engine against the interpreter; `fuzz/engines.ts` does the same for as long as one likes. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import type { NumericProfile } from '../../../arithmetic/index.js';
import { Random } from '../../../net/random.js';
import { contribution, fromWorker, udpFrame } from '../../p4/support/frames.js';
import { FpisaSwitch, portOf } from '../../p4/support/fpisa-switch.js';
import { programJson, programNames } from '../support/programs.js';
import { Differential } from '../../../fuzz/engines/differential.js';

const SEEDS = [1, 2, 3];
const PACKETS = 120;

const build = (values: number): string =>
  readFileSync(new URL(`../../../p4/build/fpisa-n${values}.json`, import.meta.url), 'utf8');

beforeAll(loadCompiler);

describe('random entries, packets and state', () => {
  it.each(programNames())('%s: both engines do the same', async (name) => {
    for (const seed of SEEDS) {
      const result = (await new Differential(name, programJson(name), seed).prepare()).run(PACKETS);
      expect(result.packets).toBe(PACKETS);
      // A run in which nothing leaves and no entry is made compares nothing.
      expect(result.outputs).toBeGreaterThan(0);
    }
  });

  it.each([16, 64])('the fpisa program with %i values: both engines do the same', async (values) => {
    const result = (await new Differential(`fpisa-n${values}`, build(values), 1).prepare()).run(60);
    expect(result.packets).toBe(60);
  });

  it('tells what differs', async () => {
    const run = await new Differential('externs', programJson('externs'), 1).prepare();
    const { control } = run.compiled;
    const [register] = control.describe().registers;
    control.writeRegister(register!.name, 0, control.readRegister(register!.name, 0) ^ 1n);
    expect(() => run.run(50)).toThrow(/externs, seed 1: [^]*interpreter[^]*compiled/);
  });
});

describe('contributions of workers', () => {
  const profiles: NumericProfile[] = [
    {
      name: 'fpisa',
      format: 'fp32',
      mode: 'full',
      guard: 2,
      alignment: 'nearest-even',
      rounding: 'nearest-even',
      leftShiftLimit: 0,
    },
    {
      name: 'custom',
      format: 'fp32',
      mode: 'full',
      guard: 2,
      alignment: 'floor',
      rounding: 'nearest-even',
      leftShiftLimit: 0,
    },
    {
      name: 'fpisa-a',
      format: 'fp32',
      mode: 'approximate',
      guard: 0,
      alignment: 'floor',
      rounding: 'truncate',
      leftShiftLimit: 7,
    },
    {
      name: 'int32',
      format: 'int32',
      mode: 'full',
      guard: 0,
      alignment: 'floor',
      rounding: 'truncate',
      leftShiftLimit: 0,
    },
  ];

  it.each(profiles)('are added alike: $format, $mode, $alignment', async (profile) => {
    const interpreted = new FpisaSwitch(16);
    const compiled = new FpisaSwitch(16, { engine: 'compiled' });
    await compiled.device.ready();
    for (const target of [interpreted, compiled]) target.addJob({ number: 0, workers: 3, profile });
    const random = new Random(1);
    const word = (): number => {
      const bits = random.word();
      // Mostly close exponents, and all special ones.
      return random.oneIn(5) ? bits : ((bits & 0x80ffffff) | 0x3f000000) >>> 0;
    };
    for (let chunk = 0; chunk < 40; chunk++) {
      for (let rank = 0; rank < 3; rank++) {
        const words = Array.from({ length: 16 }, word);
        const message = contribution(
          { worker: rank, slot: chunk % 4, set: Math.floor(chunk / 4) % 2, chunk },
          words,
          chunk % 3 === 0,
        );
        const packet = udpFrame(message, fromWorker(rank));
        expect(compiled.device.receive(portOf(rank), packet)).toEqual(interpreted.device.receive(portOf(rank), packet));
      }
    }
    expect(compiled.registers()).toBe(interpreted.registers());
    expect(compiled.events(0)).toEqual(interpreted.events(0));
    expect(compiled.events(0)['RESULT']).toBe(40);
  });
});
