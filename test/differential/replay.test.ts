/** What BMv2 did with recorded packets, the emulator does with them, to the bit. */
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILDS } from '../../protocol/constants.js';
import { firstDifference } from './compare.js';
import { PLAN_NAMES } from './generate/scenarios.js';
import { packetsOf } from './scenario.js';
import { buildJson, runOnEmulator } from './targets/emulator.js';
import { hashOf, readTraces, tracePath } from './trace-file.js';

const MOST_BYTES = 2 * 1024 * 1024;
const LEAST_PACKETS = 3_000;

const builds = BUILDS.map((n) => `fpisa-n${n}`);
const currentTraces = (build: string) => readTraces(build, hashOf(buildJson(build)));

describe.each(builds)('traces of BMv2 with %s', (build) => {
  it('are replayed by the emulator: every packet, packet-in and counter', () => {
    for (const { scenario, outcome } of currentTraces(build).recorded) {
      expect(firstDifference(scenario, outcome, runOnEmulator(scenario))).toBeUndefined();
    }
  });

  it('cover every plan, and every packet leaves or is counted somewhere', () => {
    const { recorded } = currentTraces(build);
    expect(recorded.map(({ scenario }) => scenario.name.split(',')[0])).toEqual(PLAN_NAMES);
    for (const { scenario, outcome } of recorded) {
      expect(outcome.outputs).toHaveLength(packetsOf(scenario).length);
      expect(outcome.outputs.flat().length + outcome.packetIns.length, scenario.name).toBeGreaterThan(0);
    }
  });

  it('show a difference when there is one', () => {
    const { scenario, outcome } = currentTraces(build).recorded[0]!;
    const flawed = structuredClone(outcome);
    flawed.outputs.find((packets) => packets.length > 0)![0]!.bytes[60]! ^= 1;
    expect(firstDifference(scenario, outcome, flawed)).toContain('from the emulator:');
    const counter = Object.keys(outcome.counters)[0]!;
    expect(firstDifference(scenario, outcome, { ...outcome, counters: { ...outcome.counters, [counter]: { 31: 1 } } })).toContain(`counter ${counter}`);
  });

  it('are told from those of another build', () => {
    expect(() => readTraces(build, hashOf('{}'))).toThrow(/has changed since its traces were recorded; record them anew with "npm run record:bmv2"/);
  });
});

it('the traces are many and small', () => {
  const packets = builds.flatMap((build) => currentTraces(build).recorded).reduce((sum, { scenario }) => sum + packetsOf(scenario).length, 0);
  expect(packets).toBeGreaterThanOrEqual(LEAST_PACKETS);
  expect(builds.reduce((sum, build) => sum + statSync(tracePath(build)).size, 0)).toBeLessThan(MOST_BYTES);
});
