import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMatch, parseValue, type MatchValue, type Value } from '../../../emulator/handles/values.js';

const value = (text: Value, width: number): bigint => parseValue(text, width, 'key k');

describe('values', () => {
  it.each<[Value, number, bigint]>([
    [31, 8, 31n],
    ['31', 8, 31n],
    ['0x1F', 8, 31n],
    ['0b11', 8, 3n],
    ['0o17', 8, 15n],
    [31n, 8, 31n],
    [true, 1, 1n],
    [false, 1, 0n],
    [-1, 8, 0xffn],
    ['-128', 8, 0x80n],
    [Uint8Array.of(1, 2), 16, 0x0102n],
    [new Uint8Array(0), 8, 0n],
    ['10.0.0.1', 32, 0x0a000001n],
    ['00:1b:21:3C:4d:5e', 48, 0x001b213c4d5en],
    ['0-1-2-3-4-5', 48, 0x000102030405n],
    ['2001:db8::1', 128, 0x20010db8000000000000000000000001n],
    ['::', 128, 0n],
    ['::1', 128, 1n],
    ['fe80::', 128, 0xfe80n << 112n],
    ['1:2:3:4:5:6:7:8', 128, 0x00010002000300040005000600070008n],
  ])('%s as %i bits', (text, width, number) => {
    expect(value(text, width)).toBe(number);
  });

  it.each<[Value, number, RegExp]>([
    [256, 8, /256 does not fit the 8 bit\(s\) of key k/],
    [-129, 8, /does not fit/],
    ['10.0.0.1', 24, /does not fit/],
    [1.5, 8, /is not an integer of at most 53 bits/],
    [2 ** 60, 64, /use a bigint/],
    [
      '10.0.0',
      32,
      /"10\.0\.0" is not a value for key k: write a number such as 31 or 0x1f, an address such as 10\.0\.0\.1/,
    ],
    ['10.0.0.256', 32, /is not a value/],
    ['010.0.0.1', 32, /is not a value/],
    ['0-1:2-3:4-5', 48, /is not a value/],
    ['0x', 8, /is not a value/],
    ['', 8, /is not a value/],
    ['1:2:3:4:5:6:7', 128, /is not a value/],
    ['::1::2', 128, /is not a value/],
  ])('%s as %i bits is refused', (text, width, message) => {
    expect(() => value(text, width)).toThrow(message);
  });

  it('numbers of every spelling come back', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 48n) - 1n), (n) => {
        const mac = n.toString(16).padStart(12, '0').match(/../g)!.join(':');
        for (const text of [n, String(n), `0x${n.toString(16)}`, mac, Number(n)]) expect(value(text, 48)).toBe(n);
      }),
    );
  });
});

describe('matches', () => {
  const match = (kind: 'exact' | 'lpm' | 'ternary' | 'range', text: MatchValue | undefined) =>
    parseMatch(text, { name: 'k', kind, width: 32 }, 't');

  it('take the form of their kind', () => {
    expect(match('exact', '10.0.0.1')).toEqual({ kind: 'exact', value: 0x0a000001n });
    expect(match('lpm', '10.0.0.0/8')).toEqual({ kind: 'lpm', value: 0x0a000000n, prefixLength: 8 });
    expect(match('lpm', 7)).toEqual({ kind: 'lpm', value: 7n, prefixLength: 32 });
    expect(match('lpm', { value: 7, prefixLength: 3 })).toEqual({ kind: 'lpm', value: 7n, prefixLength: 3 });
    expect(match('lpm', '*')).toEqual({ kind: 'lpm', value: 0n, prefixLength: 0 });
    expect(match('ternary', '0x800 &&& 0xf00')).toEqual({ kind: 'ternary', value: 0x800n, mask: 0xf00n });
    expect(match('ternary', { value: '10.0.0.0', mask: '255.0.0.0' })).toEqual({
      kind: 'ternary',
      value: 0x0a000000n,
      mask: 0xff000000n,
    });
    expect(match('ternary', '10.0.0.0/8')).toEqual({ kind: 'ternary', value: 0x0a000000n, mask: 0xff000000n });
    expect(match('ternary', 5n)).toEqual({ kind: 'ternary', value: 5n, mask: 0xffffffffn });
    expect(match('ternary', undefined)).toEqual({ kind: 'ternary', value: 0n, mask: 0n });
    expect(match('range', '10.0.0.1..10.0.0.9')).toEqual({ kind: 'range', low: 0x0a000001n, high: 0x0a000009n });
    expect(match('range', { low: 1, high: 2 })).toEqual({ kind: 'range', low: 1n, high: 2n });
    expect(match('range', 80)).toEqual({ kind: 'range', low: 80n, high: 80n });
    expect(match('range', undefined)).toEqual({ kind: 'range', low: 0n, high: 0xffffffffn });
  });

  it.each<['exact' | 'lpm' | 'ternary' | 'range', MatchValue | undefined, RegExp]>([
    ['exact', undefined, /key k of table t is exact: it takes a value, not nothing/],
    ['exact', '*', /it takes a value, not "\*"/],
    ['exact', '1/8', /it takes a value/],
    ['lpm', '1 &&& 2', /key k of table t is lpm: it takes a value, "value\/length" or "\*", not "1 &&& 2"/],
    ['lpm', '10.0.0.0/33', /a prefix of key k of table t has 0 to 32 bits, not 33/],
    ['lpm', '10.0.0.0/x', /"x" is not a prefix length/],
    ['ternary', '1..2', /it takes a value, "value &&& mask", "value\/length" or "\*"/],
    ['range', '1/2', /it takes a value, "low\.\.high" or "\*"/],
    ['range', { low: 0, high: 1n << 32n }, /does not fit the 32 bit/],
  ])('%s refuses %s', (kind, text, message) => {
    expect(() => match(kind, text)).toThrow(message);
  });
});
