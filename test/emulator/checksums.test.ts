import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { switchWith } from './support/programs.js';

const target = switchWith('checksums');

function onesComplement(words: readonly number[]): number {
  let sum = words.reduce((a, b) => a + b, 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const words = (bytes: Uint8Array): number[] =>
  Array.from({ length: Math.ceil(bytes.length / 2) }, (_, i) => (bytes[2 * i]! << 8) | (bytes[2 * i + 1] ?? 0));

describe('checksums', () => {
  it('are verified behind the parser and updated before the deparser, with the payload where asked', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(
        word,
        word,
        word,
        word,
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        fc.uint8Array({ maxLength: 9 }),
        (a, high, low, c, add, right, payload) => {
          const checksum = onesComplement([a, high, low]) ^ (right ? 0 : 1);
          const packet = Uint8Array.from(
            [a, checksum, high, low, c, 0].flatMap((w) => [w >> 8, w & 0xff]).concat([add, 0xff], [...payload]),
          );
          const [output] = target.receive(1, packet);
          const out = output!.bytes;
          const view = new DataView(out.buffer, out.byteOffset);
          expect(out[13]).toBe(right ? 0 : 1);
          const sum = (a + add) & 0xffff;
          expect(view.getUint16(2)).toBe(add === 0 ? checksum : onesComplement([sum, high, low]));
          expect(view.getUint16(10)).toBe(onesComplement([c, (add << 8) | out[13]!, ...words(payload)]));
          expect([...out.subarray(14)]).toEqual([...payload]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are not verified when their header is invalid', () => {
    const trace = target.trace(1, Uint8Array.of(1, 2, 3));
    expect(trace.events.filter((e) => e.kind === 'checksum' && e.action !== 'updated')).toEqual([]);
  });
});
