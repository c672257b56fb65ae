/** Laws of the compiler's analyses, with the interpreter as the oracle, on random programs and those of the tests. */
import { describe, expect, it } from 'vitest';
import { loadProgram } from '../../../../emulator/json/load.js';
import { Dice } from '../../../../fuzz/engines/dice.js';
import { randomProgram } from '../../../../fuzz/engines/generate/program.js';
import { programJson, programNames } from '../../support/programs.js';
import * as laws from './laws.js';
import { Bench } from './walker.js';

const RANDOM_PROGRAMS = 12;
/** Packets for each action. */
const PACKETS = 12;

const benches = [
  ...programNames().map((name) => new Bench(loadProgram(programJson(name)))),
  ...Array.from({ length: RANDOM_PROGRAMS }, (_, seed) => new Bench(loadProgram(randomProgram(seed)))),
];

describe('an analysis allows whatever the interpreter does', () => {
  it.each([
    ['ranges hold the values of expressions', laws.rangesHold],
    ['effects hold what a primitive reads and writes', laws.effectsHold],
    ['facts hold at each node', laws.factsHold],
    ['counted loops keep to their trips, bounds and steps', laws.loopsHold],
    ['assumed indices are within their arrays', laws.assumptionsHold],
    ['dead fields may be overwritten before an action', laws.livenessHolds],
    ['fields that are not live out may be overwritten between actions', laws.liveOutHolds],
  ])('%s', (_, law) => {
    let looked = 0;
    benches.forEach((bench, n) => {
      const dice = new Dice(n);
      for (const action of bench.program.actions)
        for (let packet = 0; packet < PACKETS; packet++) looked += law(bench, action, dice);
    });
    // A law that was never checked would hold trivially.
    expect(looked).toBeGreaterThan(100);
  });
});
