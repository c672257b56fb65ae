import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decapsulate,
  DONT_FRAGMENT,
  encapsulate,
  FRAME_OVERHEAD_BYTES,
  MAX_PAYLOAD_BYTES,
  payloadFor,
  type FrameEndpoint,
} from '../../net/frames.js';

const A: FrameEndpoint = { mac: Uint8Array.of(2, 0, 10, 0, 0, 2), ip: Uint8Array.of(10, 0, 0, 2), udpPort: 4000 };
const B: FrameEndpoint = { mac: Uint8Array.of(2, 0, 10, 0, 0, 1), ip: Uint8Array.of(10, 0, 0, 1), udpPort: 0xf15a };

const endpoint = fc.record({
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  ip: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  udpPort: fc.integer({ min: 0, max: 0xffff }),
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function changed(frame: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = frame.slice();
  copy[at] = byte;
  return copy;
}

describe('a datagram in a frame', () => {
  it.each([
    [0, '0000', '66cb'],
    [DONT_FRAGMENT, '4000', '26cb'],
  ])('has the layout of RFC 791 and 768, with the checksum of a known header, flags %i', (flags, field, checksum) => {
    expect(hex(encapsulate(A, B, Uint8Array.of(0xde, 0xad, 0xbe, 0xef), flags))).toBe(
      [
        ...['02000a000001', '02000a000002', '0800'],
        ...['4500', '0020', '0000', field, '40', '11', checksum, '0a000002', '0a000001'],
        ...['0fa0', 'f15a', '000c', '0000'],
        'deadbeef',
      ].join(''),
    );
  });

  it('is what comes out again, up to the largest one, with padding or without', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 50 }), fc.nat(40), (from, to, payload, padding) => {
        const frame = encapsulate(from, to, payload);
        expect(frame.length).toBe(FRAME_OVERHEAD_BYTES + payload.length);
        const padded = new Uint8Array(frame.length + padding);
        padded.set(frame);
        expect(decapsulate(padded)).toEqual({ ip: to.ip.join('.'), udpPort: to.udpPort, payload });
        expect(payloadFor(to, padded)).toEqual(payload);
      }),
    );
    const payload = new Uint8Array(MAX_PAYLOAD_BYTES).fill(7);
    // Bytes one by one take toEqual() seconds.
    expect(Buffer.compare(decapsulate(encapsulate(A, B, payload))!.payload, payload)).toBe(0);
  });

  it('is found after IPv4 options', () => {
    const plain = encapsulate(A, B, Uint8Array.of(1, 2, 3));
    const frame = new Uint8Array(plain.length + 4);
    frame.set(plain.subarray(0, 34));
    frame.set([1, 1, 1, 1], 34);
    frame.set(plain.subarray(34), 38);
    frame[14] = 0x46;
    frame[17]! += 4;
    expect(decapsulate(frame)).toEqual({ ip: '10.0.0.1', udpPort: 0xf15a, payload: Uint8Array.of(1, 2, 3) });
    // The checksum in it is that of the header without options.
    expect(payloadFor(B, frame)).toBeUndefined();
    // 0x0100 and 4 more in the length, 0x0202 of options.
    const sum = ((frame[24]! << 8) | frame[25]!) - 0x0100 - 4 - 0x0202;
    frame.set([sum >> 8, sum & 0xff], 24);
    expect(payloadFor(B, frame)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('never throws, and nothing is found in what is no whole IPv4/UDP datagram', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (frame) => {
        decapsulate(frame);
        payloadFor(B, frame);
      }),
    );
    const frame = encapsulate(A, B, Uint8Array.of(1, 2, 3));
    // Ethertype, version, header length, fragment offset, more fragments, protocol, total length, UDP length.
    for (const [at, value] of [
      [12, 0x86],
      [14, 0x65],
      [14, 0x41],
      [14, 0x4f],
      [21, 1],
      [20, 0x20],
      [23, 6],
      [17, 200],
      [17, 27],
      [39, 200],
      [39, 12],
      [39, 3],
    ] as const) {
      expect(decapsulate(changed(frame, at, value)), `byte ${at}`).toBeUndefined();
    }
    for (let length = 0; length < frame.length; length++)
      expect(decapsulate(frame.subarray(0, length))).toBeUndefined();
  });
});

describe('a host hears', () => {
  const frame = encapsulate(A, B, new Uint8Array(20), DONT_FRAGMENT);

  it('nothing that is for another address or port', () => {
    expect(payloadFor(A, frame)).toBeUndefined();
    expect(payloadFor({ ...B, udpPort: 1 }, frame)).toBeUndefined();
    expect(payloadFor({ ...B, ip: A.ip }, frame)).toBeUndefined();
    expect(payloadFor(B, frame)).toEqual(new Uint8Array(20));
  });

  it('nothing of a frame with a wrong bit in its IPv4 header', () => {
    for (let bit = 14 * 8; bit < 34 * 8; bit++) {
      const wrong = changed(frame, bit >> 3, frame[bit >> 3]! ^ (1 << (bit & 7)));
      expect(payloadFor(B, wrong), `bit ${bit}`).toBeUndefined();
    }
  });
});
