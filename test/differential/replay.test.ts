/** The emulator treats recorded packets as BMv2 did, bit for bit. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, engineNamed } from '../../emulator/engines.js';
import { RESTRICTED_BUILDS } from '../../protocol/builds.js';
import { BUILDS } from '../../protocol/constants.js';
import { firstDifference } from './compare.js';
import { PROGRAM_NAMES } from './generate/programs.js';
import { QUERY_NAMES } from './generate/queries.js';
import { PLAN_NAMES } from './generate/scenarios.js';
import { jsonOf } from './programs.js';
import { packetsOf } from './scenario.js';
import { runOnEmulator } from './targets/emulator.js';
import { hashOf, readTraces, tracePath } from './trace-file.js';

const MAX_BYTES = 5 * 1024 * 1024;
const LEAST_PACKETS = 3_000;

const builds = BUILDS.map((n) => `fpisa-n${n}`);
const restricted = RESTRICTED_BUILDS.map((n) => `fpisa-a-n${n}`);
const all = [...builds, ...restricted, ...PROGRAM_NAMES, ...QUERY_NAMES];
const currentTraces = (build: string) => readTraces(build, hashOf(jsonOf(build)));

describe.each(all)('traces of BMv2 with %s', (build) => {
  it.each(ENGINE_NAMES)(
    'are replayed by the emulator with engine %s: every packet, packet-in and counter',
    async (name) => {
      const engine = await engineNamed(name);
      for (const { scenario, outcome } of currentTraces(build).recorded) {
        expect(firstDifference(scenario, outcome, runOnEmulator(scenario, engine))).toBeUndefined();
      }
    },
  );

  it('are complete, and none is of packets that all vanish', () => {
    for (const { scenario, outcome } of currentTraces(build).recorded) {
      expect(outcome.outputs).toHaveLength(packetsOf(scenario).length);
      expect(outcome.outputs.flat().length + outcome.packetIns.length, scenario.name).toBeGreaterThan(0);
    }
  });

  it('are told from those of another build', () => {
    expect(() => readTraces(build, hashOf('{}'))).toThrow(
      /has changed since its traces were recorded; record them anew with "npm run record:bmv2"/,
    );
  });
});

it.each([...builds, ...restricted])('the traces with %s cover every plan', (build) => {
  expect(currentTraces(build).recorded.map(({ scenario }) => scenario.name.split(',')[0])).toEqual(PLAN_NAMES);
});

it('a difference of one bit or count is found', () => {
  const { scenario, outcome } = currentTraces(builds[0]!).recorded[0]!;
  expect(firstDifference(scenario, outcome, outcome)).toBeUndefined();
  const flawed = structuredClone(outcome);
  flawed.outputs.find((packets) => packets.length > 0)![0]!.bytes[60]! ^= 1;
  expect(firstDifference(scenario, outcome, flawed)).toContain('from the emulator:');
  expect(firstDifference(scenario, outcome, { ...outcome, packetIns: [Uint8Array.of(1)] })).toContain('packet-ins');
  const counter = Object.keys(outcome.counters)[0]!;
  expect(
    firstDifference(scenario, outcome, { ...outcome, counters: { ...outcome.counters, [counter]: { 31: 1 } } }),
  ).toContain(`counter ${counter}`);
});

it('the traces are small, and as many as docs/bmv2-differences.md says', () => {
  const count = (names: readonly string[]): number =>
    names
      .flatMap((build) => currentTraces(build).recorded)
      .reduce((sum, { scenario }) => sum + packetsOf(scenario).length, 0);
  expect(count(builds)).toBeGreaterThanOrEqual(LEAST_PACKETS);
  const page = readFileSync(new URL('../../docs/bmv2-differences.md', import.meta.url), 'utf8');
  for (const names of [builds, restricted, PROGRAM_NAMES, QUERY_NAMES])
    expect(page).toContain(`${count(names).toLocaleString('en')} `);
  expect(all.reduce((sum, build) => sum + statSync(tracePath(build)).size, 0)).toBeLessThan(MAX_BYTES);
});
