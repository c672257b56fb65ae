/**
 * `npm run record:bmv2`: runs the scenarios on simple_switch_grpc and writes what it did to traces/. With names of builds
 * (`npm run record:bmv2 -- fpisa-a-n16`) only theirs.
 */
import { RESTRICTED_BUILDS } from '../../protocol/builds.js';
import { BUILDS, type ValuesPerPacket } from '../../protocol/constants.js';
import { bmv2Version } from './bmv2/process.js';
import { firstDifference } from './compare.js';
import { recordScripts } from './control/recording.js';
import { SCRIPTS } from './control/scripts.js';
import { makeProgramScenario, PROGRAM_NAMES } from './generate/programs.js';
import { makeQueryScenario, QUERY_NAMES } from './generate/queries.js';
import { makeScenario, PLAN_NAMES } from './generate/scenarios.js';
import { jsonOf } from './programs.js';
import { packetsOf, type Scenario } from './scenario.js';
import { Bmv2 } from './targets/bmv2.js';
import { runOnEmulator } from './targets/emulator.js';
import { hashOf, writeTraces, type Recorded } from './trace-file.js';

const SEED = 20_260_301;

/** Packets of each scenario; long packets make large files. */
const PACKETS: Readonly<Record<ValuesPerPacket, number>> = { 16: 150, 64: 60, 256: 24, 1024: 24, 2048: 24 };
/** Enough to complete a round. */
const PACKETS_OF_32_WORKERS = 80;

/** Several, as each has its own random tables, groups and sessions. */
const SCENARIOS_OF_A_PROGRAM = 4;
const PACKETS_OF_A_PROGRAM = 100;
const PACKETS_OF_QUERIES = 150;

function scenariosOf(values: ValuesPerPacket, build = `fpisa-n${values}`): Scenario[] {
  return PLAN_NAMES.map((plan, index) =>
    makeScenario(plan, values, SEED + index, plan === '32 workers' ? PACKETS_OF_32_WORKERS : PACKETS[values], build),
  );
}

function scenariosOfProgram(build: string): Scenario[] {
  return Array.from({ length: SCENARIOS_OF_A_PROGRAM }, (_, index) =>
    makeProgramScenario(build, SEED + index, PACKETS_OF_A_PROGRAM),
  );
}

function scenariosOfQueries(build: string): Scenario[] {
  return Array.from({ length: SCENARIOS_OF_A_PROGRAM }, (_, index) =>
    makeQueryScenario(build, SEED + index, PACKETS_OF_QUERIES),
  );
}

async function main(): Promise<void> {
  const version = bmv2Version();
  if (version === undefined) throw new Error('simple_switch_grpc is not on PATH');
  const wanted = process.argv.slice(2);
  const bmv2 = await Bmv2.start();
  let differences = 0;
  try {
    const all = [
      ...BUILDS.map((n) => scenariosOf(n)),
      ...RESTRICTED_BUILDS.map((n) => scenariosOf(n, `fpisa-a-n${n}`)),
      ...PROGRAM_NAMES.map(scenariosOfProgram),
      ...QUERY_NAMES.map(scenariosOfQueries),
    ];
    for (const scenarios of all) {
      const { build } = scenarios[0]!;
      if (wanted.length > 0 && !wanted.includes(build)) continue;
      const recorded: Recorded[] = [];
      for (const scenario of scenarios) {
        const outcome = await bmv2.run(scenario);
        recorded.push({ scenario, outcome });
        const difference = firstDifference(scenario, outcome, runOnEmulator(scenario));
        if (difference === undefined) continue;
        differences++;
        console.error(difference);
      }
      const size = writeTraces({ bmv2: version, build, buildHash: hashOf(jsonOf(build)), recorded });
      const packets = recorded.reduce((sum, { scenario }) => sum + packetsOf(scenario).length, 0);
      console.log(
        `${build}: ${recorded.length} scenarios, ${packets} packets, ${Math.round(size / 1024)} KiB, BMv2 ${version}`,
      );
    }
  } finally {
    await bmv2.stop();
  }
  if (wanted.length === 0) {
    await recordScripts(version, SCRIPTS);
    console.log(`${SCRIPTS.length} scripts of controllers`);
  }
  // The traces are BMv2's whatever the emulator does; the test that replays them fails until it does the same.
  if (differences > 0) console.error(`the emulator differs in ${differences} scenarios`);
}

await main();
