import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BytestringError,
  decodeBytestring,
  decodeSignedBytestring,
  encodeBytestring,
  encodeSignedBytestring,
  isCanonicalBytestring,
} from '../../p4runtime/index.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

// The tables of P4Runtime 1.4, section "Bytestrings".
const UNSIGNED = [
  [8, 99n, '63', true],
  [16, 99n, '0063', false],
  [16, 99n, '63', true],
  [16, 12388n, '3064', true],
  [16, 12388n, '003064', false],
  [12, 99n, '0063', false],
  [12, 99n, '63', true],
  [12, 99n, '000063', false],
] as const;
const SIGNED = [
  [8, 99n, '63', true],
  [8, -99n, '9d', true],
  [8, -99n, 'ff9d', false],
  [12, -739n, 'fd1d', true],
  [16, 0n, '0000', false],
  [16, 0n, '00', true],
] as const;
const INVALID_UNSIGNED = [
  [8, '0163'],
  [8, ''],
  [16, '010063'],
  [12, '1063'],
  [12, '010063'],
  [12, '004063'],
] as const;
const INVALID_SIGNED = [
  [8, '009d'],
  [12, '8d1d'],
  [16, ''],
] as const;

describe('bytestrings of the specification', () => {
  it.each(UNSIGNED)('bit<%i> %i is %s', (width, value, bytes, canonical) => {
    expect(decodeBytestring(hex(bytes), width)).toBe(value);
    expect(text(encodeBytestring(value, width)) === bytes).toBe(canonical);
    expect(isCanonicalBytestring(hex(bytes))).toBe(canonical);
  });
  it.each(SIGNED)('int<%i> %i is %s', (width, value, bytes, canonical) => {
    expect(decodeSignedBytestring(hex(bytes), width)).toBe(value);
    expect(text(encodeSignedBytestring(value, width)) === bytes).toBe(canonical);
  });
  it.each(INVALID_UNSIGNED)('bit<%i> refuses "%s"', (width, bytes) => {
    expect(() => decodeBytestring(hex(bytes), width)).toThrow(BytestringError);
  });
  it.each(INVALID_SIGNED)('int<%i> refuses "%s"', (width, bytes) => {
    expect(() => decodeSignedBytestring(hex(bytes), width)).toThrow(BytestringError);
  });
});

describe('bytestrings of any value', () => {
  const cases = fc
    .integer({ min: 1, max: 200 })
    .chain((width) => fc.tuple(fc.constant(width), fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n })));

  it('are canonical, as short as can be, and read back, also with zeros before', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 0, max: 5 }), ([width, value], zeros) => {
        const bytes = encodeBytestring(value, width);
        expect(isCanonicalBytestring(bytes)).toBe(true);
        expect(bytes.length).toBe(Math.max(1, Math.ceil(value.toString(16).length / 2)));
        expect(decodeBytestring(bytes, width)).toBe(value);
        expect(decodeBytestring(Uint8Array.of(...new Array<number>(zeros).fill(0), ...bytes), width)).toBe(value);
      }),
    );
  });

  it('do not fit a width one too small', () => {
    fc.assert(
      fc.property(cases, ([width, low]) => {
        const value = low | (1n << BigInt(width));
        expect(() => encodeBytestring(value, width)).toThrow(BytestringError);
        expect(() => decodeBytestring(encodeBytestring(value), width)).toThrow(BytestringError);
      }),
    );
  });

  it('of signed types read back, also with the sign repeated', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 0, max: 5 }), ([width, bits], extra) => {
        const value = BigInt.asIntN(width, bits);
        const bytes = encodeSignedBytestring(value, width);
        const sign = new Array<number>(extra).fill(value < 0n ? 0xff : 0);
        expect(decodeSignedBytestring(Uint8Array.of(...sign, ...bytes), width)).toBe(value);
        if (bytes.length > 1) {
          // Without its first byte it would be another value.
          expect(decodeSignedBytestring(bytes.subarray(1))).not.toBe(value);
        }
      }),
    );
  });

  it('are never negative when unsigned', () => {
    expect(() => encodeBytestring(-1n, 8)).toThrow(BytestringError);
  });
});
