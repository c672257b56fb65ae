import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldSum, internetChecksum, sumOfWords } from '../../net/checksum.js';

describe('the internet checksum', () => {
  it('is that of the example in RFC 1071, section 3', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(sumOfWords(bytes, 0, bytes.length)).toBe(0x2ddf0);
    expect(foldSum(0x2ddf0)).toBe(0xddf2);
    expect(internetChecksum(bytes, 0, bytes.length)).toBe(~0xddf2 & 0xffff);
  });

  it('takes an odd last byte for the upper half of a word, and only the bytes it is told', () => {
    expect(internetChecksum(Uint8Array.of(9, 1, 2, 3, 9), 1, 4)).toBe(~(0x0102 + 0x0300) & 0xffff);
    expect(internetChecksum(new Uint8Array(), 0, 0)).toBe(0xffff);
  });

  it('is 0 over data that has it in it, however large', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), fc.nat(), (data, place) => {
        const bytes = Uint8Array.from(data.length % 2 === 0 ? data : data.subarray(1));
        const at = (place % (bytes.length / 2)) * 2;
        bytes.set([0, 0], at);
        const checksum = internetChecksum(bytes, 0, bytes.length);
        bytes.set([checksum >> 8, checksum & 0xff], at);
        expect(internetChecksum(bytes, 0, bytes.length)).toBe(0);
      }),
    );
    expect(internetChecksum(new Uint8Array(65_536).fill(0xff), 0, 65_536)).toBe(0);
  });
});
