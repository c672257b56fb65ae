import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBits, writeBits } from '../../emulator/interpreter/bits.js';

describe('bit fields', () => {
  it('reads what stands in the bit string', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 30, maxLength: 30 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 200 }),
        (bytes, bit, width) => {
          const text = [...bytes].map((b) => b.toString(2).padStart(8, '0')).join('');
          expect(readBits(bytes, bit, width)).toBe(BigInt(`0b${text.slice(bit, bit + width)}`));
        },
      ),
    );
  });

  it('writes what it reads, and touches nothing else', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, (1n << 200n) - 1n),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 200 }),
        (value, bit, width) => {
          const cut = BigInt.asUintN(width, value);
          const bytes = new Uint8Array(30);
          writeBits(bytes, bit, width, cut);
          expect(readBits(bytes, bit, width)).toBe(cut);
          const whole = readBits(bytes, 0, 240);
          expect(whole).toBe(cut << BigInt(240 - bit - width));
        },
      ),
    );
  });
});
