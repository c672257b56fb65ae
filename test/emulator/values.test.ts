import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, hex, switchWith } from './support/programs.js';

const target = switchWith('values');

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const signed = (value: number): number => (value << 24) >> 24;

/** The results header of programs/values.p4 by the text of the P4 language specification, as a bit string. */
function model(a: number, b: number, s: number, t: number, wide: number): string {
  const bits = (value: number, width: number): string =>
    BigInt.asUintN(width, BigInt(value)).toString(2).padStart(width, '0');
  const [ss, st] = [signed(s), signed(t)];
  return [
    bits(a + b, 8),
    bits(a - b, 8),
    bits(a * b, 8),
    bits(clamp(a + b, 0, 255), 8),
    bits(clamp(a - b, 0, 255), 8),
    bits(ss + st, 8),
    bits(clamp(ss + st, -128, 127), 8),
    bits(clamp(ss - st, -128, 127), 8),
    bits(b < 8 ? a << b : 0, 8),
    bits(b < 8 ? a >> b : 0, 8),
    bits(ss >> Math.min(b, 31), 8),
    bits(~a, 8),
    bits(-a, 8),
    bits((a & b) ^ (a | 0x0f), 8),
    bits((a << 8) | b, 16),
    bits(wide >> 6, 4),
    bits(a < b ? 1 : 0, 1),
    bits(ss < st ? 1 : 0, 1),
    bits(a === b ? 1 : 0, 1),
    bits(0, 1),
    bits(a > 127 ? b : a, 8),
    bits(ss, 16),
    bits(wide, 8),
  ].join('');
}

describe('arithmetic', () => {
  it('gives what the P4 specification asks for, whatever the operands', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        byte,
        fc.oneof(byte, fc.integer({ min: 0, max: 9 })),
        byte,
        byte,
        fc.integer({ min: 0, max: 0xffff }),
        (a, b, s, t, wide) => {
          const [output] = target.receive(3, Uint8Array.of(a, b, s, t, wide >> 8, wide & 0xff));
          expect(output!.port).toBe(3);
          expect([...output!.bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')).toBe(
            model(a, b, s, t, wide),
          );
        },
      ),
      {
        numRuns: 500,
        examples: [
          [0, 0, 0, 0, 0],
          [255, 255, 127, 127, 0xffff],
          [128, 8, 128, 128, 0x8000],
          [1, 255, 0, 128, 1],
        ],
      },
    );
  });

  it('leaves the payload behind the headers alone', () => {
    const [output] = target.receive(1, bytes('01 02 03 04 0005 deadbeef'));
    expect(hex(output!.bytes).slice(-8)).toBe('deadbeef');
  });
});
