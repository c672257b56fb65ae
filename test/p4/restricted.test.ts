/** A Tofino's arithmetic, in its layouts, against the reference model; and against the general build. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accumulateAll, FORMATS, readOut, resolveProfile, type NumericProfile } from '../../arithmetic/index.js';
import { ENGINE_NAMES, engineNamed } from '../../emulator/engines.js';
import type { EngineChoice } from '../../emulator/switch.js';
import { buildNamed, type BuildDescriptor } from '../../protocol/builds.js';
import { Flag } from '../../protocol/constants.js';
import { anyRound, finiteBits, specialBits } from '../arithmetic/arbitraries.js';
import { runOnEmulator } from '../differential/targets/emulator.js';
import { Traffic, type Mixture } from '../differential/generate/traffic.js';
import { configurationOf, profileParams, type Job } from '../differential/generate/site.js';
import { SeededRandom } from '../differential/random.js';
import type { Scenario } from '../differential/scenario.js';
import { contribution, fromWorker, parse, udpFrame } from './support/frames.js';
import { exponentOf, FpisaSwitch, LAYOUT_BUILDS, portOf } from './support/fpisa-switch.js';

const BUILD = buildNamed('fpisa-a-n16')!;
const LAYOUTS = [BUILD, ...LAYOUT_BUILDS];
const FLOATS = resolveProfile({ preset: 'fpisa-a', workers: 32 });
const INTEGERS = resolveProfile({ preset: 'int32', workers: 32 });

/** Contributions to one value, in order of arrival. */
type Round = readonly bigint[];

interface Run {
  readonly results: readonly string[];
  /** After each contribution, of each value: exponent (of floats) and mantissa. */
  readonly registers: readonly string[];
  readonly overwrites: number;
  readonly overflows: number;
}

const hex = (value: bigint | number): string => BigInt(value).toString(16).padStart(8, '0');

/** One switch for many rounds: each opens on what the one before has left in the registers. A job for each number of workers. */
class Rounds {
  private readonly fpisa: FpisaSwitch;
  private readonly jobs = new Set<number>();
  private chunk = 0;

  constructor(
    private readonly build: BuildDescriptor,
    engine: EngineChoice,
    private readonly profile: NumericProfile,
  ) {
    this.fpisa = new FpisaSwitch(build.valuesPerPacket, { engine }, build.name);
  }

  /** Sends rounds of equal length, one for each value of a packet, in parallel. @param repeats which contributions are retransmitted immediately */
  run(rounds: readonly Round[], repeats: readonly boolean[] = []): Run {
    const workers = rounds[0]!.length;
    const job = workers;
    if (!this.jobs.has(job)) this.fpisa.addJob({ number: job, workers, profile: this.profile, slotBase: 4 * job });
    this.jobs.add(job);
    const chunk = this.chunk++;
    const place = { slot: chunk % 4, set: (chunk >>> 2) % 2 };
    const first = (2 * (4 * job + place.slot) + place.set) * this.build.valuesPerPacket;
    const before = this.fpisa.events(job);
    const registers: string[] = [];
    const results: string[] = [];
    for (let rank = 0; rank < workers; rank++) {
      const bigEndian = rank % 2 === 1;
      const message = contribution(
        { job, worker: rank, chunk, ...place, flags: bigEndian ? Flag.NETWORK_ORDER : 0 },
        rounds.map((round) => Number(round[rank]!)),
        bigEndian,
      );
      const send = () => this.fpisa.device.receive(portOf(rank), udpFrame(message, fromWorker(rank)));
      const outputs = send();
      const held = this.registersAt(first);
      registers.push(...held);
      const last = rank === workers - 1;
      expect(outputs).toHaveLength(last ? workers : 0);
      if (last) results.push(...parse(outputs[0]!.bytes).words.map(hex));
      if (repeats[rank] !== true) continue;
      expect(send().map(({ bytes }) => parse(bytes).words.map(hex))).toEqual(last ? [results] : []);
      expect(this.registersAt(first)).toEqual(held);
    }
    const after = this.fpisa.events(job);
    const count = (event: string): number => (after[event] ?? 0) - (before[event] ?? 0);
    return { results, registers, overwrites: count('OVERWRITE'), overflows: count('OVERFLOW') };
  }

  private registersAt(first: number): string[] {
    return Array.from({ length: this.build.valuesPerPacket }, (_, i) => {
      const index = first + i;
      const mantissa = hex(this.fpisa.register('fpisa.mantissas', index));
      return this.profile.format === 'int32'
        ? mantissa
        : `${exponentOf(this.build, this.fpisa.register('fpisa.exponents', index))}:${mantissa}`;
    });
  }
}

function reference(profile: NumericProfile, rounds: readonly Round[]): Run {
  const each = rounds.map((round) => accumulateAll(round, profile));
  const registers = rounds[0]!.flatMap((_, rank) =>
    each.map(({ states }) => {
      const { exponent, mantissa } = states[rank]!;
      const bits = hex(BigInt.asUintN(32, mantissa));
      return profile.format === 'int32' ? bits : `${exponent}:${bits}`;
    }),
  );
  return {
    results: each.map(({ states }) => hex(readOut(states.at(-1)!, profile))),
    registers,
    overwrites: each.reduce((sum, { events }) => sum + events.overwrites, 0),
    overflows: each.reduce((sum, { events }) => sum + events.overflows, 0),
  };
}

const fp32 = FORMATS.fp32;
if (fp32.kind !== 'float') throw new Error('fp32 is a float format');
const subnormal = finiteBits(fp32, 0, 0);
const huge = finiteBits(fp32, 252, 254);
const near = fc
  .integer({ min: 1, max: 246 })
  .chain((low) => fc.array(finiteBits(fp32, low, low + 8), { minLength: 32, maxLength: 32 }));
/** Of 32 contributions; a test takes as many as it has workers. */
const floats: fc.Arbitrary<bigint[]> = fc.oneof(
  near,
  fc.array(fc.oneof(subnormal, finiteBits(fp32, 0, 3)), { minLength: 32, maxLength: 32 }),
  fc.array(fc.oneof(huge, finiteBits(fp32)), { minLength: 32, maxLength: 32 }),
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: finiteBits(fp32) },
      { weight: 1, arbitrary: specialBits(fp32) },
      { weight: 1, arbitrary: fc.constantFrom(0n, 0x8000_0000n) },
    ),
    { minLength: 32, maxLength: 32 },
  ),
  anyRound(fp32, 32).map((round) => Array.from({ length: 32 }, (_, i) => round[i % round.length]!)),
);
const integers = fc.array(fc.bigInt(0n, 0xffff_ffffn), { minLength: 32, maxLength: 32 });

function rounds(n: number, of: fc.Arbitrary<bigint[]>): fc.Arbitrary<[bigint[][], boolean[]]> {
  return fc
    .tuple(
      fc.array(of, { minLength: n, maxLength: n }),
      fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(32)),
      fc.array(fc.boolean(), { minLength: 32, maxLength: 32 }),
    )
    .map(([list, workers, repeats]) => [list.map((round) => round.slice(0, workers)), repeats]);
}

const runs = LAYOUTS.flatMap((build) =>
  ENGINE_NAMES.map((engine) => ({
    build,
    name: build.name,
    engine,
    floatRuns: build === BUILD ? 60 : 300,
    integerRuns: 20,
  })),
);

describe.each(runs)(
  '$name, engine $engine, adds as the reference does: results, registers, events',
  ({ build, engine, floatRuns, integerRuns }) => {
    it('floats of every kind, with contributions repeated', async () => {
      const fpisa = new Rounds(build, await engineNamed(engine), FLOATS);
      fc.assert(
        fc.property(rounds(build.valuesPerPacket, floats), ([list, repeats]) => {
          expect(fpisa.run(list, repeats)).toEqual(reference(FLOATS, list));
        }),
        { numRuns: floatRuns },
      );
    });

    it('integers', async () => {
      const fpisa = new Rounds(build, await engineNamed(engine), INTEGERS);
      fc.assert(
        fc.property(rounds(build.valuesPerPacket, integers), ([list, repeats]) => {
          expect(fpisa.run(list, repeats)).toEqual(reference(INTEGERS, list));
        }),
        { numRuns: integerRuns },
      );
    });
  },
);

/** Packed fp32. */
const packed = (negative: boolean, exponent: number, fraction: number): bigint =>
  (negative ? 0x8000_0000n : 0n) | (BigInt(exponent) << 23n) | BigInt(fraction);

function range(low: number, high: number): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

describe.each(LAYOUTS)('$name reads out as the reference does', (build) => {
  const n = build.valuesPerPacket;
  const compare = async (list: Round[]): Promise<void> => {
    const fpisa = new Rounds(build, await engineNamed('compiled'), FLOATS);
    for (let at = 0; at < list.length; at += n) {
      const some = list.slice(at, at + n);
      while (some.length < n) some.push(some[0]!);
      expect(fpisa.run(some)).toEqual(reference(FLOATS, some));
    }
  };

  it.each([2, 3, 5, 9, 17, 32])(
    'sums of %i that are just too large for the format, or just not, with every number of leading zeros',
    async (workers) => {
      await compare(
        [false, true].flatMap((negative) =>
          range(243, 254).flatMap((exponent) =>
            range(exponent, Math.min(254, exponent + 7)).flatMap((others) =>
              [0, 0x7fffff].map((fraction) =>
                range(1, workers).map((rank) => packed(negative, rank === 1 ? exponent : others, fraction)),
              ),
            ),
          ),
        ),
      );
    },
  );

  it.each([
    ['positive', false],
    ['negative', true],
  ])(
    'differences of one bit, %s: each number of leading zeros with each that the exponent allows to remove',
    async (_, negative) => {
      await compare(
        range(0, 48).flatMap((exponent) =>
          range(0, 22).map((bit) => [packed(negative, exponent, 1 << bit), packed(!negative, exponent, 0)]),
        ),
      );
    },
  );
});

describe.each(LAYOUTS)('$name adds as the reference does', (build) => {
  it.each([
    ['positive to positive', 0n, 0n],
    ['negative to positive', 0n, 0x8000_0000n],
    ['positive to negative', 0x8000_0000n, 0n],
  ])('every exponent to every 16th, %s', async (_, first, second) => {
    const n = build.valuesPerPacket;
    const fpisa = new Rounds(build, await engineNamed('compiled'), FLOATS);
    // Fractions that fill the significand, and hardly any: what is shifted out is not only zeros.
    const fraction = (exponent: number): number => [0x7fffff, 1, 0x400000, 0, 0x2aaaab][exponent % 5]!;
    const element = (sign: bigint, exponent: number): bigint => packed(sign !== 0n, exponent, fraction(exponent));
    for (let row = 0; row < 256; row++) {
      // Of the first worker one exponent a row, of the second 16; all distances occur over the rows.
      const list = Array.from({ length: 16 }, (_, i) => [
        element(first, row),
        element(second, (row + 16 * i + (row >>> 4)) % 256),
      ]);
      for (let at = 0; at < list.length; at += n)
        expect(fpisa.run(list.slice(at, at + n))).toEqual(reference(FLOATS, list.slice(at, at + n)));
    }
  });
});

describe('fpisa-a-n16 and fpisa-n16 are the same to a worker', () => {
  const jobs = ['fpisa-a', 'int32', 'fpisa-a', 'fpisa-a'].map((preset, index): Job => {
    const workers = [2, 3, 5, 8][index]!;
    return {
      number: 1 + index,
      workers,
      profile: profileParams(resolveProfile({ preset, workers })),
      slotBase: 8 * index,
      slots: 1 + 2 * index,
      epoch: 1 + index,
    };
  });
  const mixtures: Readonly<Record<string, Mixture>> = {
    rounds: { contribution: 40, repetition: 10 },
    // The other sources may repeat a contribution with other values, which no worker does, and there the builds differ (docs/tofino.md).
    'rounds among other traffic': { contribution: 40, repetition: 5, probe: 4, parent: 2, packetOut: 3, ordinary: 5 },
  };

  it.each(Object.keys(mixtures))('%s: every packet, packet-in and counter', async (name) => {
    const engine = await engineNamed('compiled');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fff_ffff }), (seed) => {
        const site = { jobs, routes: [] };
        const packets = new Traffic(site, BUILD.valuesPerPacket, new SeededRandom(seed), mixtures[name]!).take(300);
        const scenario = (build: string): Scenario => ({
          name: `seed ${seed}`,
          build,
          phases: [{ configuration: configurationOf(site), packets }],
        });
        const [restricted, general] = [BUILD.name, 'fpisa-n16'].map((build) => runOnEmulator(scenario(build), engine));
        expect(restricted).toEqual(general);
        expect(Object.keys(restricted!.counters['fpisa.events']!).length).toBeGreaterThan(4);
      }),
      { numRuns: 5 },
    );
  });
});
