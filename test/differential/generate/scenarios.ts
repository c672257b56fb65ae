/** The scenarios, each made from a seed. */
import { PRESETS, resolveProfile } from '../../../arithmetic/index.js';
import type { ValuesPerPacket } from '../../../protocol/constants.js';
import { SeededRandom } from '../random.js';
import type { Configuration, Scenario } from '../scenario.js';
import {
  configurationOf,
  portOf,
  profileParams,
  type Job,
  type Parent,
  type ProfileParams,
  type Route,
  type Site,
} from './site.js';
import { Traffic, type Mixture } from './traffic.js';

const ROUTES: readonly Route[] = [
  { address: 0x0a010000, prefixLength: 16, port: 7 },
  { address: 0x0a010200, prefixLength: 24, port: 8 },
  { address: 0x0a010203, prefixLength: 32, port: 9 },
  { address: 0xc0a80000, prefixLength: 17, port: 0 },
  { address: 0xc0a88000, prefixLength: 17, port: 41 },
  // simple_switch's drop port, and the port of the control plane.
  { address: 0xac100000, prefixLength: 12, port: 511 },
  { address: 0xac200000, prefixLength: 12, port: 510 },
];
const DEFAULT_ROUTE: Route = { address: 0, prefixLength: 0, port: 12 };

const PARENT: Parent = { port: 100, ip: 0x0a0000c8, mac: 0x0200000000c8, rank: 2 };

const AGGREGATION: Mixture = { contribution: 40, repetition: 4, stale: 1 };
const EVERYTHING: Mixture = {
  ...{ contribution: 40, repetition: 4, stale: 2, disagreement: 2, misfit: 6, probe: 2 },
  ...{ parent: 3, packetOut: 2, ordinary: 5, malformed: 14, noise: 2 },
};

function jobsWith(
  profiles: readonly ((workers: number) => ProfileParams)[],
  workers: readonly number[],
  changes: Partial<Job> = {},
): Job[] {
  return profiles.map((profile, index) => {
    const count = workers[index % workers.length]!;
    return {
      number: 1 + 3 * index,
      workers: count,
      profile: profile(count),
      slotBase: 7 * index,
      slots: 1 + ((index + 2) % 4),
      epoch: 1 + index,
      ...changes,
    };
  });
}

const preset = (name: string) => (workers: number) => profileParams(resolveProfile({ preset: name, workers }));

function customProfile(random: SeededRandom): ProfileParams {
  const guard = random.below(8);
  return {
    mode: random.below(2),
    format: 0,
    guard,
    rounding: random.below(2),
    left_shift_limit: random.below(8 - guard),
    alignment: random.below(2),
  };
}

/** Nothing a controller would write: what the program's arithmetic makes of it is defined all the same. */
function oddProfile(random: SeededRandom): ProfileParams {
  return {
    mode: random.below(3),
    format: random.below(3),
    guard: random.pick([0, 7, 8, 9, 24, 31, 32, 33, 40, 255]),
    rounding: random.below(3),
    left_shift_limit: random.below(256),
    alignment: random.below(3),
  };
}

interface Plan {
  readonly site: Site;
  readonly mixture: Mixture;
  readonly firstChunk?: number;
}

const PLANS: Readonly<Record<string, (random: SeededRandom) => Plan>> = {
  ...Object.fromEntries(
    PRESETS.map((name) => [
      `rounds ${name}`,
      (random: SeededRandom) => ({
        site: {
          jobs: jobsWith([preset(name), preset(name), preset(name)], random.shuffled([1, 2, 3, 4, 5, 8])),
          routes: [],
        },
        mixture: AGGREGATION,
      }),
    ]),
  ),
  'rounds custom': (random) => ({
    site: {
      jobs: jobsWith(
        Array.from({ length: 4 }, () => () => customProfile(random)),
        [2, 3, 4, 6],
      ),
      routes: [],
    },
    mixture: AGGREGATION,
  }),
  'rounds with odd profiles': (random) => ({
    site: {
      jobs: jobsWith(
        Array.from({ length: 6 }, () => () => oddProfile(random)),
        [2, 3, 4],
      ),
      routes: [],
    },
    mixture: AGGREGATION,
  }),
  '32 workers': () => ({
    site: { jobs: jobsWith([preset('fpisa')], [32], { slots: 2 }), routes: [] },
    mixture: AGGREGATION,
  }),
  'chunk numbers wrap': () => ({
    site: { jobs: jobsWith([preset('fpisa'), preset('int32')], [2, 3], { slots: 4 }), routes: [] },
    mixture: { contribution: 10, repetition: 2, stale: 4 },
    firstChunk: 0xffff_fffa,
  }),
  disputes: () => ({
    site: { jobs: jobsWith([preset('fpisa'), preset('fpisa-a')], [2, 3]), routes: [] },
    mixture: { contribution: 10, repetition: 3, stale: 5, disagreement: 10, misfit: 25, probe: 5 },
  }),
  malformed: () => ({
    site: { jobs: jobsWith([preset('fpisa'), preset('fpisa-paper')], [2, 3]), routes: ROUTES },
    mixture: { contribution: 3, malformed: 40, noise: 6 },
  }),
  'malformed with a default route': () => ({
    site: { jobs: jobsWith([preset('fpisa')], [2]), routes: [...ROUTES, DEFAULT_ROUTE] },
    mixture: { malformed: 30, noise: 4 },
  }),
  'ordinary traffic': (random) => ({
    site: { jobs: [], routes: random.shuffled([...ROUTES, DEFAULT_ROUTE]) },
    mixture: { ordinary: 1 },
  }),
  'control plane': () => ({
    site: { jobs: jobsWith([preset('fpisa'), preset('int32')], [2, 3]), routes: ROUTES },
    mixture: { contribution: 10, probe: 10, packetOut: 20, ordinary: 3 },
  }),
  hierarchy: () => ({
    site: {
      jobs: jobsWith([preset('fpisa'), preset('int32'), preset('fpisa-a')], [2, 3, 1]).map((job, index) =>
        index === 2 ? job : { ...job, parent: { ...PARENT, port: PARENT.port + index } },
      ),
      routes: [],
    },
    mixture: { contribution: 20, repetition: 6, stale: 2, disagreement: 2, parent: 12, probe: 1 },
  }),
  everything: (random) => ({
    site: {
      jobs: [
        ...jobsWith(
          [preset('fpisa'), preset('fpisa-paper'), preset('fpisa-a'), preset('int32')],
          random.shuffled([1, 2, 3, 4]),
        ),
        ...jobsWith([() => customProfile(random)], [3], { number: 200, slotBase: 500, slots: 12, parent: PARENT }),
      ],
      routes: [...ROUTES, ...(random.chance(0.5) ? [DEFAULT_ROUTE] : [])],
    },
    mixture: EVERYTHING,
  }),
};

export const PLAN_NAMES: readonly string[] = [...Object.keys(PLANS), 'epochs', 'groups'];

/** @param plan one of {@link PLAN_NAMES}. @param build with that many values */
export function makeScenario(
  plan: string,
  values: ValuesPerPacket,
  seed: number,
  packets: number,
  build = `fpisa-n${values}`,
): Scenario {
  const random = new SeededRandom(seed);
  const named = { name: `${plan}, seed ${seed}`, build };
  if (plan === 'epochs') return { ...named, phases: epochs(random, values, packets) };
  if (plan === 'groups') return { ...named, phases: groups(random, values, packets) };
  const { site, mixture, firstChunk } = PLANS[plan]!(random);
  return {
    ...named,
    phases: [
      {
        configuration: configurationOf(site),
        packets: new Traffic(site, values, random, mixture, firstChunk).take(packets),
      },
    ],
  };
}

/** The membership changes, and with it epoch, workers and slots; packets of the old one come late. */
function epochs(random: SeededRandom, values: ValuesPerPacket, packets: number): Scenario['phases'] {
  const phases = [];
  let late: ReturnType<Traffic['take']> = [];
  for (let epoch = 1; epoch <= 4; epoch++) {
    const jobs = jobsWith([preset('fpisa'), preset('int32')], [random.between(1, 4), random.between(1, 4)], {
      epoch,
      slots: random.between(1, 4),
    });
    const site = { jobs, routes: [] };
    const fresh = new Traffic(site, values, random, { ...AGGREGATION, probe: 3 }).take(
      Math.ceil(packets / 4) - late.length,
    );
    phases.push({ configuration: configurationOf(site), packets: random.shuffled([...late, ...fresh], 4) });
    late = random.shuffled(fresh).slice(0, Math.floor(packets / 40));
  }
  return phases;
}

/** Multicast groups that do not fit the receivers: none, some without an address, several at one port. */
function groups(random: SeededRandom, values: ValuesPerPacket, packets: number): Scenario['phases'] {
  const jobs = jobsWith([preset('fpisa'), preset('int32'), preset('fpisa')], [2, 3, 2]);
  const site = { jobs, routes: [] };
  const plain = configurationOf(site);
  const [first, second] = plain.groups;
  const configuration: Configuration = {
    entries: [
      ...plain.entries,
      {
        table: 'fpisa.receiver',
        match: { job: jobs[0]!.number, replica: 9, egress_port: portOf(0) },
        action: 'fpisa.address',
        params: { dst_mac: 0x0200000000aa, dst_addr: 0x0a0000aa, dst_port: 9 },
      },
    ],
    groups: [
      {
        ...first!,
        replicas: [
          { port: portOf(0), instance: 9 },
          ...first!.replicas,
          { port: 60, instance: 1 },
          { port: portOf(0), instance: 33 },
        ],
      },
      { ...second!, replicas: [...second!.replicas].reverse() },
    ],
  };
  return [
    {
      configuration,
      packets: new Traffic(site, values, random, { contribution: 10, repetition: 3, probe: 1 }).take(packets),
    },
  ];
}
