/** Scenarios for the programs of test/emulator/programs/, which use what fpisa does not: every match kind, clones, stacks, varbit. */
import { SeededRandom } from '../random.js';
import type { Configuration, Entry, KeyValue, Packet, Scenario } from '../scenario.js';

/** Except in `parsing`, packets are never too short for their headers: these programs would read fields of invalid headers. */
interface Plan {
  readonly configuration: Configuration;
  readonly packet: () => Uint8Array;
}

const NOTHING: Configuration = { entries: [], groups: [] };

const PLANS: Readonly<Record<string, (random: SeededRandom) => Plan>> = {
  'program-tables': tables,
  'program-copies': copies,
  'program-externs': externs,
  'program-parsing': parsing,
  'program-corners': corners,
  'program-values': (random) => ({
    configuration: NOTHING,
    packet: () =>
      random
        .bytes(random.between(6, 9))
        .map((byte) => (random.chance(0.3) ? random.pick([0, 1, 7, 8, 0x7f, 0x80, 0xff]) : byte)),
  }),
  'program-checksums': (random) => ({
    configuration: NOTHING,
    packet: () =>
      Uint8Array.from([
        ...random.bytes(14).map((byte) => (random.chance(0.5) ? 0 : byte)),
        ...random.bytes(random.below(9)),
      ]),
  }),
  'program-control-flow': (random) => ({
    configuration: NOTHING,
    // Three elements of the stack are valid.
    packet: () => {
      const op = random.below(5);
      return Uint8Array.from([
        op,
        op === 3 ? random.below(3) : random.below(12),
        ...random.bytes(random.between(8, 14)),
      ]);
    },
  }),
};

export const PROGRAM_NAMES: readonly string[] = Object.keys(PLANS);

/** @param build one of {@link PROGRAM_NAMES} */
export function makeProgramScenario(build: string, seed: number, packets: number): Scenario {
  const random = new SeededRandom(seed);
  const { configuration, packet } = PLANS[build]!(random);
  return {
    name: `seed ${seed}`,
    build,
    // What is resubmitted or recirculated is overtaken by packets that came later.
    ...((build === 'program-copies' || build === 'program-corners') && { oneByOne: true }),
    phases: [
      {
        configuration,
        packets: Array.from({ length: packets }, (): Packet => ({ port: random.below(32), bytes: packet() })),
      },
    ],
  };
}

function tables(random: SeededRandom): Plan {
  const small = (): number => random.pick([0, 1, 2, 3, 0x0100, 0x0101, 0x0123, 0x01ff, 0x8000, 0xffff]);
  const wide = (): number =>
    random.chance(0.5) ? small() : random.pick([0x0a000000, 0x0a010000, 0x0a010200, 0x0a010203, 0xffffffff]);
  const mask = (): number => random.pick([0, 1, 0xff, 0xff00, 0xffff, 0x8001]);
  const entries = new Map<string, Entry>();
  let priority = 1;
  const add = (table: string, match: Record<string, KeyValue>, ranked: boolean, action = 'give'): void => {
    // Which of two entries of one priority wins is not defined, so none is given twice.
    const entry: Entry = {
      table: `ingress_.${table}`,
      match,
      action: `ingress_.${action}`,
      params: { value: random.below(256) },
      ...(ranked && { priority: priority++ }),
    };
    entries.set(`${table} ${JSON.stringify(match)}`, entry);
  };
  const ternary = (value: number, bits: number): Record<string, KeyValue> =>
    bits === 0 ? {} : { 'h.key.a': { value: (value & bits) >>> 0, mask: bits } };
  const range = (): Record<string, KeyValue> => {
    const [low, high] = [small(), small()].sort((a, b) => a - b) as [number, number];
    return low === 0 && high === 0xffff ? {} : { 'h.key.a': { low, high } };
  };
  for (let i = 0; i < 4; i++) add('exact_', { 'h.key.a': small(), 'h.key.b': wide() }, false, 'count_and_give');
  for (let i = 0; i < 12; i++) {
    const prefixLength = random.between(1, 32);
    add('prefix', { 'h.key.b': { value: (wide() & (0xffffffff << (32 - prefixLength))) >>> 0, prefixLength } }, false);
    add('masked', { ...ternary(small(), mask()), 'h.key.b': small() }, true);
    const bits = mask();
    add('ranged', { ...range(), ...(bits !== 0 && { 'h.key.b': { value: (wide() & bits) >>> 0, mask: bits } }) }, true);
    add('maybe', random.chance(0.8) ? { 'h.key.a': small() } : {}, true);
  }
  return {
    configuration: { entries: [...entries.values()], groups: [] },
    packet: () => {
      const bytes = random.bytes(random.between(9, 12));
      const view = new DataView(bytes.buffer);
      view.setUint8(0, random.between(1, 7));
      view.setUint16(1, small());
      view.setUint32(3, wide());
      return bytes;
    },
  };
}

/** Group 5 and session 3, most of the time. */
function copiers(random: SeededRandom): Configuration {
  const replicas = (count: number): { port: number; instance: number }[] =>
    Array.from({ length: count }, (_, index) => ({ port: random.between(1, 12), instance: 10 + index }));
  return {
    entries: [],
    groups: random.chance(0.8) ? [{ group: 5, replicas: replicas(random.between(1, 6)) }] : [],
    // simple_switch_grpc refuses sessions that truncate.
    cloneSessions: random.chance(0.8)
      ? [{ session: 3, replicas: replicas(random.between(1, 3)), truncateBytes: 0 }]
      : [],
  };
}

function copies(random: SeededRandom): Plan {
  return {
    configuration: copiers(random),
    // Operation 10 would recirculate forever.
    packet: () => Uint8Array.from([random.below(10), random.below(5), ...random.bytes(random.between(10, 20))]),
  };
}

function externs(random: SeededRandom): Plan {
  return {
    configuration: NOTHING,
    packet: () => {
      const bytes = random.bytes(random.between(9, 20));
      const view = new DataView(bytes.buffer);
      // Not 7 (random numbers) and 12 (the time), which differ by nature.
      view.setUint8(0, random.pick([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]));
      // Beyond the array, simple_switch of a release build writes to foreign memory.
      view.setUint32(1, random.below(2));
      if (random.chance(0.5)) view.setUint32(5, random.pick([0, 1, 0x7fff, 0x8000, 0xffff, 0xffffffff]));
      return bytes;
    },
  };
}

function parsing(random: SeededRandom): Plan {
  return {
    configuration: NOTHING,
    packet: () => {
      const bytes = random.bytes(random.between(1, 24));
      if (random.chance(0.95)) bytes[0] = 0xaa;
      if (bytes.length === 1) return bytes;
      bytes[1] = random.pick([1, 1, 1, 2, 2, 3, 3, 4, 0x10, 0x1f, 0x50]);
      if (bytes[1] === 1) {
        for (let at = 4; at < bytes.length; at += 4) {
          bytes[at] = (bytes[at]! & 0xfe) | (random.chance(0.4) ? 1 : 0);
          if (at + 1 < bytes.length) bytes[at + 1] = random.below(4);
        }
      } else if (bytes.length > 2) bytes[2] = random.below(11);
      return bytes;
    },
  };
}

const CORNERS = [
  0, 1, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x20, 0x21, 0x22, 0x23, 0x24, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
  0x36, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45,
];

function corners(random: SeededRandom): Plan {
  return {
    configuration: copiers(random),
    packet: () => {
      const bytes = random.bytes(random.between(14, 40));
      bytes[0] = random.pick(CORNERS);
      // Pairs: which are valid; 3 for both. Truncation: shorter and longer than headers and packet.
      if ((bytes[0] & 0xf0) === 0x20) {
        bytes[1] = bytes.length < 18 ? 0 : random.below(4);
        if (bytes.length >= 18 && random.chance(0.5)) bytes.copyWithin(16, 14, 16);
      } else if (bytes[0] >> 4 === 1) bytes[1] = random.between(1, 45);
      if (bytes[0] >> 4 === 3)
        for (let at = 14; at < bytes.length; at++) bytes[at]! &= random.chance(0.6) ? 0x7f : 0xff;
      return bytes;
    },
  };
}
