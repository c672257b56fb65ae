/**
 * Makes the golden vectors next to this file: inputs, register states and results of the reference model,
 * for other implementations to replay (README.md has the format). Same seed, same bytes.
 *
 *     FPISA_WRITE_VECTORS=1 npx vitest run test/arithmetic/vectors.test.ts
 */
import { accumulateAll, ALIGNMENTS, MODES, PRESETS, readOut, resolveProfile, ROUNDINGS, type NumericProfile } from '../../../arithmetic/index.js';
import { RandomSource } from '../../../net/random.js';

export const SEED = 0xf15a2112;
export const WORKER_COUNTS = [1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 32] as const;
/** Contributions that fill a register beyond its limit, whatever the alignment of the profile. */
const SATURATING_WORKERS = 16;
/** Elements per worker count: a multiple of the 16 values of the smallest packet. */
const ELEMENTS = 48;
/** Profiles of `custom.json`, and elements for each. */
const CUSTOM_GROUPS = 24;
const CUSTOM_ELEMENTS = 16;

export interface VectorElement {
  kind: string;
  in: string[];
  states: string[];
  out: string;
  overwrites: number;
  overflows: number;
}

export interface VectorGroup {
  workers: number;
  profile: NumericProfile;
  elements: VectorElement[];
}

export interface VectorFile {
  version: 1;
  name: string;
  seed: number;
  groups: VectorGroup[];
}

/** Mulberry32. Not net/random.ts's sequence: the committed vectors were made from this one and must not change. */
class Random extends RandomSource {
  constructor(private state: number) {
    super();
  }
  override word(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  override below(limit: number): number {
    return this.word() % limit;
  }
}

function fp32(negative: boolean, exponent: number, fraction: number): number {
  return (((negative ? 0x80000000 : 0) | (exponent << 23) | fraction) >>> 0);
}

function any(random: Random, low: number, high: number): number {
  const fraction = random.pick([random.word() & 0x7fffff, random.word() & 0x7fffff, 0, 1, 0x7fffff, 0x400000]);
  return fp32(random.word() % 2 === 1, random.between(low, high), fraction);
}

/** One round of fp32 inputs per kind; each kind aims at one part of the arithmetic. */
const KINDS: Record<string, (random: Random, workers: number) => number[]> = {
  'near exponents': (r, n) => around(r, n, r.between(4, 250), 3),
  'within headroom': (r, n) => around(r, n, r.between(9, 245), 7),
  'around the left-shift limit': (r, n) => around(r, n, r.between(12, 242), 9),
  'around the register width': (r, n) => around(r, n, r.between(40, 210), 33),
  'all magnitudes': (r, n) => fill(n, () => any(r, 0, 254)),
  'same exponent, full significands': (r, n) => {
    const sign = r.word() % 2 === 1;
    const exponent = r.between(1, 240);
    return fill(n, () => fp32(sign, exponent, 0x7fffff));
  },
  'subnormals and zeros': (r, n) => fill(n, () => r.pick([fp32(r.word() % 2 === 1, 0, r.word() & 0x7fffff), 0, 0x80000000, any(r, 0, 2)])),
  'overflow to infinity': (r, n) => fill(n, () => (any(r, 248, 254) & 0x7fffffff) >>> 0),
  cancellation: (r, n) => {
    const values = around(r, n, r.between(30, 220), 6);
    for (let i = 1; i < n; i += 2) values[i] = (values[i - 1]! ^ 0x80000000 ^ r.pick([0, 1, 2])) >>> 0;
    return values;
  },
  'infinities and NaNs': (r, n) => {
    const specials = r.pick([[0x7f800000], [0xff800000], [0x7fc00000], [0x7f800000, 0xff800000], [0x7f800001, 0xffc12345, 0x7f800000]]);
    const values = fill(n, () => any(r, 0, 254));
    for (let i = r.between(0, 2); i < n; i += r.between(1, 3)) values[i] = r.pick(specials);
    return values;
  },
  'zeros and one number': (r, n) => {
    const values = fill(n, () => r.pick([0, 0x80000000]));
    values[r.between(0, n - 1)] = any(r, 0, 254);
    return values;
  },
  'ties at the last bit': (r, n) => {
    const exponent = r.between(30, 200);
    const values = fill(n, () => fp32(r.word() % 2 === 1, exponent - 24, r.pick([0, 0, 1])));
    values[0] = fp32(r.word() % 2 === 1, exponent, r.word() & 0x7fffff);
    return values;
  },
};

const INT32_KINDS: Record<string, (random: Random, workers: number) => number[]> = {
  'any integers': (r, n) => fill(n, () => r.word()),
  'small integers': (r, n) => fill(n, () => r.between(-(2 ** 20), 2 ** 20) >>> 0),
  'extremes': (r, n) => fill(n, () => r.pick([0x7fffffff, 0x80000000, 1, 0xffffffff, 0])),
};

/** With the largest guard even two of the first half saturate; then larger numbers shift what the register holds. */
const SATURATING_KINDS: typeof KINDS = {
  'a saturated register is shifted': (r, n) => {
    const sign = r.word() % 2 === 1;
    const exponent = r.between(40, 180);
    const larger = r.between(1, 34);
    return fill(n, () => fp32(sign, exponent, 0x7fffff)).map((word, i) => (i < n / 2 ? word : any(r, exponent + 1, exponent + larger)));
  },
};

function fill(count: number, make: () => number): number[] {
  return Array.from({ length: count }, make);
}

function around(random: Random, count: number, exponent: number, spread: number): number[] {
  return fill(count, () => any(random, exponent, Math.min(254, exponent + spread)));
}

function hex(value: bigint, bits: number): string {
  return BigInt.asUintN(bits, value).toString(16).padStart(bits / 4, '0');
}

function element(kind: string, words: readonly number[], profile: NumericProfile): VectorElement {
  const { states, events } = accumulateAll(words.map(BigInt), profile);
  return {
    kind,
    in: words.map((w) => hex(BigInt(w), 32)),
    states: states.map((s) => `${profile.format === 'int32' ? '-' : hex(BigInt(s.exponent), 16)}:${hex(s.mantissa, 32)}`),
    out: hex(readOut(states.at(-1)!, profile), 32),
    ...events,
  };
}

function group(
  random: Random,
  workers: number,
  profile: NumericProfile,
  count: number,
  of = profile.format === 'int32' ? INT32_KINDS : KINDS,
): VectorGroup {
  const kinds = Object.entries(of);
  const elements = Array.from({ length: count }, (_, i) => {
    const [kind, make] = kinds[i % kinds.length]!;
    return element(kind, make(random, workers), profile);
  });
  return { workers, profile, elements };
}

/** One file per preset, and one of profiles drawn at random. */
export function generate(seed: number): VectorFile[] {
  const files: VectorFile[] = PRESETS.map((preset) => {
    // Each preset sees the same inputs, so that files can be compared with each other.
    const random = new Random(seed);
    const groups = WORKER_COUNTS.map((workers) =>
      group(random, workers, resolveProfile({ preset, workers }), preset === 'int32' ? 16 : ELEMENTS),
    );
    return { version: 1, name: preset, seed, groups };
  });
  const random = new Random(seed ^ 1);
  const custom = Array.from({ length: CUSTOM_GROUPS }, () => {
    const workers = random.pick(WORKER_COUNTS.slice(1));
    const guard = random.between(0, 7 - Math.ceil(Math.log2(workers)));
    const mode = random.pick(MODES);
    const leftShiftLimit = mode === 'full' ? 0 : random.between(0, 7 - guard);
    const rounding = random.pick(ROUNDINGS);
    const profile = resolveProfile({ workers, overrides: { mode, guard, leftShiftLimit, rounding, alignment: random.pick(ALIGNMENTS) } });
    return group(random, workers, profile, CUSTOM_ELEMENTS);
  });
  // For one worker: no rule keeps more of them from overflowing.
  const saturating = ALIGNMENTS.map((alignment) =>
    group(random, SATURATING_WORKERS, resolveProfile({ workers: 1, overrides: { alignment } }), CUSTOM_ELEMENTS, SATURATING_KINDS),
  );
  custom.push(...saturating);
  return [...files, { version: 1, name: 'custom', seed, groups: custom }];
}

/** The file's text: JSON with one element a line, so that a difference shows which. */
export function serialise(file: VectorFile): string {
  const groups = file.groups.map(({ workers, profile, elements }) => {
    const lines = elements.map((e) => `      ${JSON.stringify(e)}`).join(',\n');
    return `    {\n     "workers": ${workers},\n     "profile": ${JSON.stringify(profile)},\n     "elements": [\n${lines}\n     ]\n    }`;
  });
  return `{\n  "version": ${file.version},\n  "name": ${JSON.stringify(file.name)},\n  "seed": ${file.seed},\n  "groups": [\n${groups.join(',\n')}\n  ]\n}\n`;
}
