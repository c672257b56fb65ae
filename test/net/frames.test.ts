import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dressDatagram,
  macOf,
  parseAddress,
  parseMac,
  undressDatagram,
  type Endpoint,
} from '../../net/frames.js';
import { bytes, hex } from '../emulator/support/programs.js';

const endpoint = fc.record({
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  port: fc.integer({ min: 0, max: 0xffff }),
});

describe('datagrams in frames', () => {
  it('has the layout of RFC 791 and 768, with the checksum of a known header', () => {
    const from: Endpoint = { mac: macOf(Uint8Array.of(10, 0, 0, 2)), address: Uint8Array.of(10, 0, 0, 2), port: 4000 };
    const to: Endpoint = { mac: parseMac('02:00:0a:00:00:01')!, address: parseAddress('10.0.0.1')!, port: 0xf15a };
    expect(hex(dressDatagram(from, to, bytes('deadbeef')))).toBe(
      [
        '02000a000001',
        '02000a000002',
        '0800',
        '4500',
        '0020',
        '0000',
        '0000',
        '40',
        '11',
        '66cb',
        '0a000002',
        '0a000001',
        '0fa0',
        'f15a',
        '000c',
        '0000',
        'deadbeef',
      ].join(''),
    );
  });

  it('undressing gives back what was dressed, up to the largest datagram', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 50 }), (from, to, payload) => {
        expect(undressDatagram(dressDatagram(from, to, payload))).toEqual({
          address: to.address.join('.'),
          port: to.port,
          payload,
        });
      }),
    );
    const payload = new Uint8Array(65_507).fill(7);
    const to: Endpoint = { mac: new Uint8Array(6), address: Uint8Array.of(1, 2, 3, 4), port: 5 };
    expect(undressDatagram(dressDatagram(to, to, payload))!.payload).toEqual(payload);
  });

  it('never throws, and takes no frame that is not a whole IPv4/UDP datagram', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (frame) => void undressDatagram(frame)));
    const to: Endpoint = { mac: new Uint8Array(6), address: Uint8Array.of(1, 2, 3, 4), port: 5 };
    const broken = (at: number, value: number): Uint8Array => {
      const frame = dressDatagram(to, to, Uint8Array.of(1, 2, 3));
      frame[at] = value;
      return frame;
    };
    // Ethertype, version, header length, fragment offset, protocol, total length, UDP length.
    for (const [at, value] of [
      [12, 0x86],
      [14, 0x65],
      [14, 0x41],
      [21, 1],
      [23, 6],
      [17, 200],
      [39, 200],
      [39, 3],
    ] as const) {
      expect(undressDatagram(broken(at, value)), `byte ${at}`).toBeUndefined();
    }
  });

  it('refuses what is no address', () => {
    expect([parseAddress('1.2.3'), parseAddress('1.2.3.256'), parseMac('02:00'), parseMac('0200:0:1')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
