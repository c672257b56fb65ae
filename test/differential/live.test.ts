/**
 * Random packets on BMv2 and the emulator, side by side. Each run draws its own seed; a failure names it, and
 * FPISA_DIFFERENTIAL_SEED=<seed> makes the same packets again.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment } from '../../net/environment.js';
import { ENGINE_NAMES, engineNamed } from '../../emulator/engines.js';
import { buildNamed } from '../../protocol/builds.js';
import type { ValuesPerPacket } from '../../protocol/constants.js';
import { installedVersion } from '../emulator/support/programs.js';
import { bmv2Version } from './bmv2/process.js';
import { firstDifference } from './compare.js';
import { makeProgramScenario, PROGRAM_NAMES } from './generate/programs.js';
import { makeQueryScenario, QUERY_NAMES } from './generate/queries.js';
import { makeScenario, PLAN_NAMES } from './generate/scenarios.js';
import { vectorScenarios } from './generate/vectors.js';
import type { Scenario } from './scenario.js';
import { Bmv2 } from './targets/bmv2.js';
import { runOnEmulator } from './targets/emulator.js';

const SEED = Number(environment('FPISA_DIFFERENTIAL_SEED') ?? randomInt(2 ** 31));

/** Packets of each plan, and how often all plans run. */
const VOLUME: readonly {
  readonly build: string;
  readonly values: ValuesPerPacket;
  readonly packets: number;
  readonly rounds: number;
}[] = [
  { build: 'fpisa-n16', values: 16, packets: 240, rounds: 5 },
  { build: 'fpisa-n64', values: 64, packets: 150, rounds: 2 },
  { build: 'fpisa-n256', values: 256, packets: 100, rounds: 1 },
  { build: 'fpisa-a-n16', values: 16, packets: 240, rounds: 1 },
];
const SCENARIOS_OF_A_PROGRAM = 5;
const PACKETS_OF_A_PROGRAM = 200;
const TIMEOUT_MS = 900_000;

const p4c = installedVersion() !== undefined;
const reason = bmv2Version() === undefined ? 'simple_switch_grpc is not on PATH' : undefined;

describe.skipIf(reason !== undefined)(
  `BMv2 and the emulator give the same bits${reason === undefined ? `, seed ${SEED}` : ` (skipped: ${reason})`}`,
  () => {
    let bmv2: Bmv2;
    beforeAll(async () => {
      bmv2 = await Bmv2.start();
    });
    afterAll(() => bmv2.stop());

    async function compare(scenario: Scenario): Promise<void> {
      const outcome = await bmv2.run(scenario);
      for (const name of ENGINE_NAMES) {
        const difference = firstDifference(scenario, outcome, runOnEmulator(scenario, await engineNamed(name)));
        expect(difference === undefined ? undefined : `engine ${name}: ${difference}`).toBeUndefined();
      }
    }

    it.each(VOLUME)(
      '$build: $rounds rounds of every plan, $packets packets each',
      async ({ build, values, packets, rounds }) => {
        for (let round = 0; round < rounds; round++) {
          for (const [index, plan] of PLAN_NAMES.entries()) {
            const scenario = makeScenario(plan, values, SEED + 1000 * round + index, packets, build);
            await compare(scenario);
          }
        }
      },
      TIMEOUT_MS,
    );

    it.each(VOLUME)(
      '$build: the golden vectors of the reference model',
      async ({ build }) => {
        for (const { scenario, check } of vectorScenarios(buildNamed(build)!)) check(await bmv2.run(scenario));
      },
      TIMEOUT_MS,
    );

    it.skipIf(!p4c).each(PROGRAM_NAMES)(
      `%s${p4c ? '' : ' (skipped: p4c is not on PATH, which makes its P4Info)'}`,
      async (build) => {
        for (let index = 0; index < SCENARIOS_OF_A_PROGRAM; index++) {
          const scenario = makeProgramScenario(build, SEED + index, PACKETS_OF_A_PROGRAM);
          await compare(scenario);
        }
      },
      TIMEOUT_MS,
    );

    it.each(QUERY_NAMES)(
      '%s',
      async (build) => {
        for (let index = 0; index < SCENARIOS_OF_A_PROGRAM; index++)
          await compare(makeQueryScenario(build, SEED + index, PACKETS_OF_A_PROGRAM));
      },
      TIMEOUT_MS,
    );
  },
);
