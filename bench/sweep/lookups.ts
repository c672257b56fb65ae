/** Time per packet of a program with one table, by the table's match kind and number of entries. */
import { readFileSync } from 'node:fs';
import { Switch, type MatchKey } from '../../emulator/index.js';
import { shippedFile } from '../../net/package-files.js';

export interface LookupRow {
  readonly table: string;
  readonly entries: number;
  readonly nsPerPacket: number;
  readonly microsecondsPerInsert: number;
}

interface Kind {
  readonly name: string;
  readonly match: 'exact' | 'lpm' | 'ternary';
  /** Key of entry i: all are different. */
  key(i: number): MatchKey;
  /** Larger tables are not measured. */
  readonly most: number;
}

/** Multiplication by an odd number permutes 32-bit numbers, and scatters them (Knuth, TAOCP 6.4). */
function scattered(i: number): number {
  return Math.imul(i, 0x9e3779b1) >>> 0;
}

const FEW_MASKS = [0xffff_ffff, 0xffff_ff00, 0xffff_00ff, 0xff00_ffff];
const MANY_MASKS = 256;

function ternary(value: number, mask: number): MatchKey {
  return { kind: 'ternary', value: BigInt((value & mask) >>> 0), mask: BigInt(mask >>> 0) };
}

export const KINDS: readonly Kind[] = [
  { name: 'exact', match: 'exact', most: 1_000_000, key: (i) => ({ kind: 'exact', value: BigInt(scattered(i)) }) },
  {
    name: 'LPM, /20 to /32',
    match: 'lpm',
    most: 1_000_000,
    key: (i) => {
      const prefixLength = 20 + (i % 4) * 4;
      const host = 32 - prefixLength;
      return { kind: 'lpm', value: BigInt(((scattered(i) >>> host) << host) >>> 0), prefixLength };
    },
  },
  {
    name: 'ternary, 4 masks',
    match: 'ternary',
    most: 1_000_000,
    key: (i) => ternary(scattered(i), FEW_MASKS[i % FEW_MASKS.length]!),
  },
  // Each mask has 24 bits set: the upper 16, and 8 of the lower ones, which identify the mask.
  {
    name: `ternary, ${MANY_MASKS} masks`,
    match: 'ternary',
    most: 1_000_000,
    key: (i) => ternary(scattered(i), 0xffff_0000 | ((i % MANY_MASKS) << 8) | (~i & 0xff)),
  },
];

const TABLE = 'LookupIngress.lookup';
const FORWARD = 'LookupIngress.forward';
const PROBES = 4096;
const PACKET_BYTES = 64;
/** Until the JavaScript around the compiled program is compiled, too: that starts over with each program. */
const WARM_UP_MS = 500;

/** @param sizes of the table, ascending: entries are added from one size to the next */
export async function measureLookups(
  { name, match, key, most }: Kind,
  sizes: readonly number[],
  seconds: number,
): Promise<LookupRow[]> {
  const device = new Switch({ engine: 'compiled' });
  device.load(readFileSync(shippedFile(`bench/p4/lookup-${match}.json`), 'utf8'));
  await device.ready();
  const rows: LookupRow[] = [];
  const present: number[] = [];
  let next = 0;
  for (const entries of sizes.filter((size) => size <= most)) {
    const start = performance.now();
    const before = present.length;
    while (present.length < entries) {
      const i = next++;
      try {
        device.control.insertEntry(TABLE, {
          keys: [key(i)],
          priority: match === 'ternary' ? 1 + i : 0,
          call: { action: FORWARD, args: [2n] },
        });
      } catch (error) {
        // Masked keys may coincide.
        if ((error as { code?: string }).code !== 'ALREADY_EXISTS') throw error;
        continue;
      }
      present.push(i);
    }
    const inserting = performance.now() - start;
    rows.push({
      table: name,
      entries,
      nsPerPacket: perPacket(
        device,
        present.map((i) => Number((key(i) as { value: bigint }).value)),
        seconds,
      ),
      microsecondsPerInsert: (inserting * 1000) / (entries - before),
    });
  }
  return rows;
}

/** Packets whose keys are in the table, in random order. */
function perPacket(device: Switch, keys: readonly number[], seconds: number): number {
  const packets = Array.from({ length: PROBES }, (_, i) => {
    const packet = new Uint8Array(PACKET_BYTES);
    new DataView(packet.buffer).setUint32(0, keys[scattered(i) % keys.length]!);
    return packet;
  });
  const times: number[] = [];
  const round = (): number => {
    const start = performance.now();
    let forwarded = 0;
    for (const packet of packets) forwarded += device.receive(1, packet).length;
    if (forwarded !== PROBES) throw new Error(`${PROBES} packets match an entry, but ${forwarded} were forwarded`);
    return (performance.now() - start) / PROBES;
  };
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end;) round();
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) times.push(round());
  return times.sort((a, b) => a - b)[times.length >> 1]! * 1e6;
}
