import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, insertTag, type Offload } from '../../../emulator/ports/linux/offload.js';

const TCP = 6;
const UDP = 17;

interface Packet {
  readonly version: 4 | 6;
  readonly protocol: typeof TCP | typeof UDP;
  readonly tags: number;
  /** 32-bit words of TCP options. */
  readonly options: number;
  readonly flags: number;
  readonly sequence: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

function sum(...parts: readonly Uint8Array[]): number {
  const bytes = Uint8Array.of(...parts.flatMap((part) => [...part]));
  let total = 0;
  for (let i = 0; i < bytes.length; i++) total += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!;
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

const word = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const half = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];

/** Where the headers of a packet are. */
function offsets({ version, protocol, tags, options }: Packet): {
  network: number;
  transport: number;
  checksum: number;
  payload: number;
} {
  const network = 14 + 4 * tags;
  const transport = network + (version === 4 ? 20 : 40);
  return {
    network,
    transport,
    checksum: transport + (protocol === UDP ? 6 : 16),
    payload: transport + (protocol === UDP ? 8 : 20 + 4 * options),
  };
}

function addresses(frame: Uint8Array, { version }: Packet, network: number): Uint8Array {
  return version === 4 ? frame.slice(network + 12, network + 20) : frame.slice(network + 8, network + 40);
}

/** As a sender leaves it to its card: only the pseudo-header is summed. */
function unfinished(packet: Packet): Uint8Array {
  const { version, protocol, tags, options, flags, sequence, id, payload } = packet;
  const at = offsets(packet);
  const total = at.payload + payload.length;
  const ethertype = version === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  const ip =
    version === 4
      ? [0x45, 0, ...half(total - at.network), ...half(id), 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
      : [
          0x60,
          0,
          0,
          0,
          ...half(total - at.transport),
          protocol,
          64,
          ...new Array<number>(15).fill(0xfd),
          1,
          ...new Array<number>(15).fill(0xfd),
          2,
        ];
  const transport =
    protocol === UDP
      ? [0x12, 0x34, 0x56, 0x78, ...half(total - at.transport), 0, 0]
      : [
          0x12,
          0x34,
          0x56,
          0x78,
          ...word(sequence),
          1,
          2,
          3,
          4,
          (5 + options) << 4,
          flags,
          0xff,
          0xff,
          0,
          0,
          0,
          0,
          ...new Array<number>(4 * options).fill(1),
        ];
  const frame = Uint8Array.of(
    ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1],
    ...Array.from({ length: tags }, () => [0x81, 0, 0, 9]).flat(),
    ...ethertype,
    ...ip,
    ...transport,
    ...payload,
  );
  if (version === 4) frame.set(half(~sum(frame.subarray(at.network, at.transport))), at.network + 10);
  frame.set(half(sum(addresses(frame, packet, at.network), word(protocol), word(total - at.transport))), at.checksum);
  return frame;
}

/** Everything that a receiver checks of one frame. */
function expectWellFormed(frame: Uint8Array, packet: Packet): void {
  const at = offsets(packet);
  const view = new DataView(frame.buffer, frame.byteOffset);
  const segment = frame.subarray(at.transport);
  if (packet.version === 4) {
    expect(sum(frame.subarray(at.network, at.transport))).toBe(0xffff);
    expect(view.getUint16(at.network + 2)).toBe(frame.length - at.network);
  } else {
    expect(view.getUint16(at.network + 4)).toBe(segment.length);
  }
  if (packet.protocol === UDP) {
    expect(view.getUint16(at.transport + 4)).toBe(segment.length);
    expect(view.getUint16(at.checksum)).not.toBe(0);
  }
  expect(sum(addresses(frame, packet, at.network), word(packet.protocol), word(segment.length), segment)).toBe(0xffff);
}

function run(frame: Uint8Array, offload: Offload): { done: boolean; frames: Uint8Array[] } {
  const memory = new Uint8Array(frame.length + 100).fill(0xee);
  memory.set(frame);
  const tagged = new Uint8Array(frame.length + 104);
  const frames: Uint8Array[] = [];
  const done = finish(memory, frame.length, offload, tagged.subarray(4), (finished, length) => {
    frames.push(finished.slice(0, length));
    // As its user may do: a VLAN tag goes in, and the memory is not what it was.
    finished.fill(0xdd, 0, 16);
  });
  return { done, frames };
}

const NOTHING: Offload = { flags: 0, gsoType: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 };

const packets = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  protocol: fc.constantFrom(TCP as typeof TCP, UDP as typeof UDP),
  tags: fc.nat(2),
  options: fc.nat(10),
  flags: fc.constantFrom(0x10, 0x18, 0x19, 0x98),
  sequence: fc.nat(0xffff_ffff),
  id: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 3000 }),
});

describe('frames that a sender left to its card', () => {
  it('get the checksum that a receiver expects, and nothing else changes', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const at = offsets(packet);
        const frame = unfinished(packet);
        const { done, frames } = run(frame, {
          ...NOTHING,
          flags: 1,
          checksumStart: at.transport,
          checksumOffset: at.checksum - at.transport,
        });
        expect(done).toBe(true);
        expect(frames).toHaveLength(1);
        expectWellFormed(frames[0]!, packet);
        frame.set(frames[0]!.subarray(at.checksum, at.checksum + 2), at.checksum);
        expect(frames[0]).toEqual(frame);
      }),
    );
  });

  it('are cut into segments that a receiver puts together again', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 1500 }), fc.boolean(), (packet, gsoSize, ecn) => {
        fc.pre(packet.payload.length > 0);
        const at = offsets(packet);
        const gsoType = (packet.protocol === UDP ? 5 : packet.version === 4 ? 1 : 4) | (ecn ? 0x80 : 0);
        const { done, frames } = run(unfinished(packet), {
          flags: 1,
          gsoType,
          gsoSize,
          checksumStart: at.transport,
          checksumOffset: at.checksum - at.transport,
        });
        expect(done).toBe(true);
        expect(frames).toHaveLength(Math.ceil(packet.payload.length / gsoSize));
        frames.forEach((frame, n) => {
          const view = new DataView(frame.buffer, frame.byteOffset);
          const isLast = n === frames.length - 1;
          expectWellFormed(frame, packet);
          expect(frame.subarray(0, 12)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1));
          expect(frame.subarray(at.payload)).toEqual(packet.payload.slice(n * gsoSize, (n + 1) * gsoSize));
          if (packet.version === 4) expect(view.getUint16(at.network + 4)).toBe((packet.id + n) & 0xffff);
          if (packet.protocol === TCP) {
            expect(view.getUint32(at.transport + 4)).toBe((packet.sequence + n * gsoSize) % 2 ** 32);
            const expected = packet.flags & (isLast ? 0xff : 0xf6) & (ecn && n > 0 ? 0x7f : 0xff);
            expect(frame[at.transport + 13]).toBe(expected);
          }
        });
      }),
    );
  });

  it('are refused where finishing them is not known', () => {
    const frame = unfinished({
      version: 4,
      protocol: TCP,
      tags: 0,
      options: 0,
      flags: 0x10,
      sequence: 0,
      id: 0,
      payload: new Uint8Array(100),
    });
    const whole = { flags: 1, gsoType: 1, gsoSize: 50, checksumStart: 34, checksumOffset: 16 };
    expect(run(frame, whole).frames).toHaveLength(2);
    const wrong: Partial<Offload>[] = [
      { checksumOffset: 8, gsoType: 0 },
      { checksumStart: 140, gsoType: 0 },
      { gsoType: 3 },
      { gsoSize: 0 },
      { flags: 0 },
      { checksumStart: 20 },
    ];
    for (const change of wrong)
      expect(run(frame, { ...whole, ...change }), JSON.stringify(change)).toEqual({ done: false, frames: [] });
    expect(run(frame, NOTHING)).toEqual({ done: true, frames: [frame] });
  });

  it('get their VLAN tag back behind the addresses', () => {
    const memory = Uint8Array.from({ length: 24 }, (_, i) => i);
    insertTag(memory, 0x88a8, 0x6005);
    expect([...memory]).toEqual([
      4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x88, 0xa8, 0x60, 0x05, 16, 17, 18, 19, 20, 21, 22, 23,
    ]);
  });
});
