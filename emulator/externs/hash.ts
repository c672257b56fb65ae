/**
 * Hash and checksum algorithms under the names BMv2 gives them (behavioral-model, src/bm_sim/calculations.cpp
 * and targets/simple_switch/simple_switch.cpp). Each maps bytes to an unsigned value of at most 64 bits.
 */
export interface Hash {
  (bytes: Uint8Array): bigint;
  /** Only of the two that remember their inputs. */
  readonly memory?: { save(): HashSnapshot; restore(saved: HashSnapshot): void };
}

/** Inputs of a hash so far, as Latin-1 text, in order; for plain round robin only the number of calls. */
export interface HashSnapshot {
  readonly calls: number;
  readonly keys: readonly string[];
}

const MASK64 = (1n << 64n) - 1n;

export interface CrcParameters {
  readonly width: 8 | 16 | 32;
  readonly polynomial: number;
  readonly initial: number;
  readonly final: number;
  readonly reflected: boolean;
}

/** A number with its bits reversed. */
export function reflect(value: number, bits: number): number {
  let reversed = 0;
  for (let i = 0; i < bits; i++) if ((value >>> i) & 1) reversed |= 1 << (bits - 1 - i);
  return reversed >>> 0;
}

function maskOf(width: number): number {
  return width === 32 ? 0xffffffff : (1 << width) - 1;
}

/** Remainders of the 256 bytes, each with the highest bit first. */
export function crcTable({ width, polynomial }: CrcParameters): Uint32Array {
  const mask = maskOf(width);
  const table = new Uint32Array(256);
  for (let dividend = 0; dividend < 256; dividend++) {
    let remainder = (dividend << (width - 8)) >>> 0;
    for (let bit = 0; bit < 8; bit++) {
      const top = (remainder >>> (width - 1)) & 1;
      remainder = (((remainder << 1) >>> 0) ^ (top ? polynomial : 0)) & mask;
    }
    table[dividend] = remainder;
  }
  return table;
}

/** Table-driven CRC of up to 32 bits; a reflected one reads bytes and gives its result bit-reversed. */
function crc(parameters: CrcParameters): Hash {
  const { width, initial, final, reflected } = parameters;
  const mask = maskOf(width);
  const table = crcTable(parameters);
  const reversed = Uint8Array.from({ length: 256 }, (_, byte) => reflect(byte, 8));
  return (bytes) => {
    let remainder = initial;
    for (const byte of bytes) {
      const data = ((reflected ? reversed[byte]! : byte) ^ (remainder >>> (width - 8))) & 0xff;
      remainder = (table[data]! ^ (remainder << 8)) & mask;
    }
    remainder >>>= 0;
    return BigInt(((reflected ? reflect(remainder, width) : remainder) ^ final) >>> 0);
  };
}

function crc64(polynomial: bigint): Hash {
  const table = Array.from({ length: 256 }, (_, dividend) => {
    let remainder = BigInt(dividend) << 56n;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder >> 63n) & 1n ? ((remainder << 1n) ^ polynomial) & MASK64 : (remainder << 1n) & MASK64;
    }
    return remainder;
  });
  return (bytes) => {
    let remainder = 0n;
    for (const byte of bytes) {
      const data = Number((BigInt(reflect(byte, 8)) ^ (remainder >> 56n)) & 0xffn);
      remainder = (table[data]! ^ (remainder << 8n)) & MASK64;
    }
    let reversed = 0n;
    for (let i = 0; i < 64; i++) if ((remainder >> BigInt(i)) & 1n) reversed |= 1n << BigInt(63 - i);
    return reversed;
  };
}

/** RFC 1071; a last odd byte counts as the high byte of a word. */
function internetChecksum(bytes: Uint8Array): bigint {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return BigInt(~sum & 0xffff);
}

/** Exclusive or of words of `size` bytes, the last one padded with zeros at its end. */
function xorWords(size: 2 | 4): Hash {
  return (bytes) => {
    let result = 0;
    for (let i = 0; i < bytes.length; i++) result ^= bytes[i]! << (8 * (size - 1 - (i % size)));
    return BigInt(result >>> 0);
  };
}

/** The first eight bytes as a big-endian number; fewer bytes give a smaller number. */
function identity(bytes: Uint8Array): bigint {
  let result = 0n;
  for (const byte of bytes.subarray(0, 8)) result = (result << 8n) | BigInt(byte);
  return result;
}

/** FNV-1a with a final avalanche; bytes are taken as signed, as the C++ char of the original. */
function hashEx(bytes: Uint8Array): bigint {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ ((byte << 24) >> 24), 16777619);
  hash = (hash + (hash << 13)) | 0;
  hash ^= hash >>> 7;
  hash = (hash + (hash << 3)) | 0;
  hash ^= hash >>> 17;
  hash = (hash + (hash << 5)) | 0;
  return BigInt(hash >>> 0);
}

const XX1 = 0x9e3779b185ebca87n;
const XX2 = 0xc2b2ae3d27d4eb4fn;
const XX3 = 0x165667b19e3779f9n;
const XX4 = 0x85ebca77c2b2ae63n;
const XX5 = 0x27d4eb2f165667c5n;

const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & MASK64;
const round = (accumulator: bigint, lane: bigint): bigint =>
  (rotate((accumulator + lane * XX2) & MASK64, 31n) * XX1) & MASK64;

/** xxHash64 with seed 0 (the xxHash specification, section XXH64). */
function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: bigint;
  if (bytes.length >= 32) {
    let lanes = [(XX1 + XX2) & MASK64, XX2, 0n, -XX1 & MASK64];
    for (; at + 32 <= bytes.length; at += 32)
      lanes = lanes.map((lane, i) => round(lane, view.getBigUint64(at + 8 * i, true)));
    const [a, b, c, d] = lanes as [bigint, bigint, bigint, bigint];
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK64;
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * XX1 + XX4) & MASK64;
  } else {
    hash = XX5;
  }
  hash = (hash + BigInt(bytes.length)) & MASK64;
  for (; at + 8 <= bytes.length; at += 8)
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * XX1 + XX4) & MASK64;
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((BigInt(view.getUint32(at, true)) * XX1) & MASK64), 23n) * XX2 + XX3) & MASK64;
    at += 4;
  }
  for (; at < bytes.length; at++) hash = (rotate(hash ^ ((BigInt(bytes[at]!) * XX5) & MASK64), 11n) * XX1) & MASK64;
  hash = ((hash ^ (hash >> 33n)) * XX2) & MASK64;
  hash = ((hash ^ (hash >> 29n)) * XX3) & MASK64;
  return hash ^ (hash >> 32n);
}

/** Not hashes: they step through all results, which spreads packets over the members of a group. */
function roundRobin(): Hash {
  let calls = 0;
  return Object.assign(() => BigInt(calls++), {
    memory: {
      save: () => ({ calls, keys: [] }),
      restore: (saved: HashSnapshot) => {
        calls = saved.calls;
      },
    },
  });
}

function consistentRoundRobin(): Hash {
  const seen = new Map<string, bigint>();
  const hash = (bytes: Uint8Array): bigint => {
    const key = Buffer.from(bytes).toString('latin1');
    const known = seen.get(key);
    if (known !== undefined) return known;
    const result = BigInt(seen.size);
    seen.set(key, result);
    return result;
  };
  return Object.assign(hash, {
    memory: {
      save: () => ({ calls: seen.size, keys: [...seen.keys()] }),
      restore: ({ keys }: HashSnapshot) => {
        seen.clear();
        keys.forEach((key, i) => seen.set(key, BigInt(i)));
      },
    },
  });
}

const CRC16: CrcParameters = { width: 16, polynomial: 0x8005, initial: 0, final: 0, reflected: true };
const CRC32: CrcParameters = {
  width: 32,
  polynomial: 0x04c11db7,
  initial: 0xffffffff,
  final: 0xffffffff,
  reflected: true,
};

/** CRCs of at most 32 bits. The custom ones have BMv2's defaults. */
export const CRCS: Readonly<Record<string, CrcParameters>> = {
  crc16: CRC16,
  crc32: CRC32,
  crcCCITT: { width: 16, polynomial: 0x1021, initial: 0xffff, final: 0, reflected: false },
  crc8_custom: { width: 8, polynomial: 0x07, initial: 0, final: 0, reflected: false },
  crc16_custom: CRC16,
  crc32_custom: CRC32,
};

/** Every instance of an algorithm has its own state, so these are factories. */
const FACTORIES: Readonly<Record<string, () => Hash>> = {
  ...Object.fromEntries(Object.entries(CRCS).map(([name, parameters]) => [name, () => crc(parameters)])),
  crc64_custom: () => crc64(0x1bn),
  cksum16: () => internetChecksum,
  csum16: () => internetChecksum,
  xor16: () => xorWords(2),
  xor32: () => xorWords(4),
  identity: () => identity,
  // BMv2's key is four zero bytes until the (Thrift) control plane sets another, and a zero key hashes everything to 0.
  toeplitz: () => () => 0n,
  xxh64: () => xxh64,
  bmv2_hash: () => xxh64,
  hash_ex: () => hashEx,
  round_robin: roundRobin,
  round_robin_consistent: consistentRoundRobin,
};

export const HASH_ALGORITHMS: readonly string[] = Object.keys(FACTORIES);

/** @throws Error if the name is not one of {@link HASH_ALGORITHMS}; the loader has checked that. */
export function createHash(algorithm: string): Hash {
  const factory = Object.hasOwn(FACTORIES, algorithm) ? FACTORIES[algorithm] : undefined;
  if (factory === undefined) throw new Error(`no hash algorithm "${algorithm}" (valid: ${HASH_ALGORITHMS.join(', ')})`);
  return factory();
}
