import { describe, expect, it } from 'vitest';
import { createHash, HASH_ALGORITHMS } from '../../emulator/externs/hash.js';

const check = new TextEncoder().encode('123456789');
const run = (algorithm: string, bytes: Uint8Array): bigint => createHash(algorithm)(bytes);

describe('hash algorithms', () => {
  // Check values of the CRC catalogue (reveng.sourceforge.io/crc-catalogue) for "123456789".
  it.each([
    ['crc16', 0xbb3dn],
    ['crc16_custom', 0xbb3dn],
    ['crc32', 0xcbf43926n],
    ['crc32_custom', 0xcbf43926n],
    ['crcCCITT', 0x29b1n],
    ['crc8_custom', 0xf4n],
    // CRC-64/GO-ISO without its inversions.
    ['crc64_custom', 0x46a5a9388a5beffen],
  ])('%s of the check string', (algorithm, value) => {
    expect(run(algorithm, check)).toBe(value);
  });

  // Test vectors of the xxHash project (XXH64, seed 0).
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('xxh64 of "%s"', (text, value) => {
    expect(run('xxh64', new TextEncoder().encode(text))).toBe(value);
    expect(run('bmv2_hash', new TextEncoder().encode(text))).toBe(value);
  });

  it('csum16 is the Internet checksum: the example of RFC 1071, section 3', () => {
    expect(run('csum16', Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(0xffffn - 0xddf2n);
    expect(run('cksum16', Uint8Array.of(0xff, 0xff, 0x80))).toBe(0x7fffn);
    expect(run('csum16', new Uint8Array(0))).toBe(0xffffn);
  });

  it('xor16 and xor32 pad the last word with zeros', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5);
    expect(run('xor16', bytes)).toBe(BigInt(0x0102 ^ 0x0304 ^ 0x0500));
    expect(run('xor32', bytes)).toBe(BigInt(0x01020304 ^ 0x05000000));
  });

  it('identity takes the first eight bytes', () => {
    expect(run('identity', Uint8Array.of(1, 2))).toBe(0x0102n);
    expect(run('identity', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))).toBe(0x0102030405060708n);
  });

  it('round robin walks on; the consistent one keeps its answers', () => {
    const walk = createHash('round_robin');
    expect([walk(check), walk(check)]).toEqual([0n, 1n]);
    const keep = createHash('round_robin_consistent');
    expect([keep(check), keep(Uint8Array.of(1)), keep(check)]).toEqual([0n, 1n, 0n]);
  });

  it('every algorithm takes bytes of any length', () => {
    for (const algorithm of HASH_ALGORITHMS) {
      for (let length = 0; length < 40; length++)
        expect(createHash(algorithm)(new Uint8Array(length).fill(0xa5)), algorithm).toBeTypeOf('bigint');
    }
    expect(() => createHash('md5')).toThrow(/no hash algorithm "md5" \(valid: crc16/);
  });
});
