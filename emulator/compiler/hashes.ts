/** Hashes as WebAssembly, for programs that choose a path or a cell by hash for every packet. */
import { CRCS, reflect, type CrcParameters } from '../externs/hash.js';
import type { Ref } from './binaryen.js';
import type { Unit } from './unit.js';

/** The function (address, length) -> i64 of an algorithm; undefined for those that the host computes. */
export function hashFunction(algorithm: string): string | undefined {
  if (algorithm === 'cksum16') return 'csum16';
  return algorithm === 'csum16' || Object.hasOwn(CRCS, algorithm) || Object.hasOwn(OTHERS, algorithm)
    ? algorithm
    : undefined;
}

/** Adds the hashes that the program uses; the internet checksum is part of every module. */
export function addHashes(unit: Unit): void {
  const { program, layout } = unit;
  for (const algorithm of new Set(program.calculations.map((calculation) => calculation.algorithm))) {
    const bytes = new Bytes(unit);
    if (Object.hasOwn(CRCS, algorithm)) addCrc(algorithm, CRCS[algorithm]!, layout.hashTables.get(algorithm)!, bytes);
    else if (Object.hasOwn(OTHERS, algorithm)) OTHERS[algorithm]!(algorithm, bytes);
  }
}

const OTHERS: Readonly<Record<string, (name: string, bytes: Bytes) => void>> = {
  xor16: (name, bytes) => addXor(name, 2, bytes),
  xor32: (name, bytes) => addXor(name, 4, bytes),
  identity: addIdentity,
  toeplitz: (name, { unit: { m, b } }) => m.addFunction(name, b.createType([b.i32, b.i32]), b.i64, [], m.i64.const(0n)),
};

/** A function over the bytes at `address`, one after the other; parameters are locals 0 and 1. */
class Bytes {
  constructor(readonly unit: Unit) {}

  next(): Ref {
    const { m, b } = this.unit;
    return m.i32.load8_u(0, 1, m.local.get(0, b.i32));
  }

  /** @param locals from number 2 on */
  add(name: string, locals: readonly number[], before: readonly Ref[], each: readonly Ref[], result: Ref): void {
    const { m, b } = this.unit;
    const [at, left] = [(): Ref => m.local.get(0, b.i32), (): Ref => m.local.get(1, b.i32)];
    m.addFunction(
      name,
      b.createType([b.i32, b.i32]),
      b.i64,
      [...locals],
      m.block(
        null,
        [
          ...before,
          m.block('done', [
            m.loop(
              'more',
              m.block(null, [
                m.br_if('done', m.i32.eqz(left())),
                ...each,
                m.local.set(0, m.i32.add(at(), m.i32.const(1))),
                m.local.set(1, m.i32.sub(left(), m.i32.const(1))),
                m.br('more'),
              ]),
            ),
          ]),
          result,
        ],
        b.i64,
      ),
    );
  }
}

function addCrc(name: string, { width, initial, final, reflected }: CrcParameters, table: number, bytes: Bytes): void {
  const { m, b } = bytes.unit;
  const crc = (): Ref => m.local.get(2, b.i32);
  const entry = (index: Ref): Ref =>
    m.i32.load(table, 4, m.i32.shl(m.i32.and(index, m.i32.const(0xff)), m.i32.const(2)));
  const mask = width === 32 ? -1 : (1 << width) - 1;
  const next = reflected
    ? m.i32.xor(entry(m.i32.xor(crc(), bytes.next())), m.i32.shr_u(crc(), m.i32.const(8)))
    : m.i32.and(
        m.i32.xor(
          entry(m.i32.xor(m.i32.shr_u(crc(), m.i32.const(width - 8)), bytes.next())),
          m.i32.shl(crc(), m.i32.const(8)),
        ),
        m.i32.const(mask),
      );
  const first = m.local.set(2, m.i32.const((reflected ? reflect(initial, width) : initial) | 0));
  bytes.add(name, [b.i32], [first], [m.local.set(2, next)], m.i64.extend_u(m.i32.xor(crc(), m.i32.const(final | 0))));
}

function addXor(name: string, size: 2 | 4, bytes: Bytes): void {
  const { m, b } = bytes.unit;
  const [sum, shift] = [(): Ref => m.local.get(2, b.i32), (): Ref => m.local.get(3, b.i32)];
  const last = 8 * (size - 1);
  bytes.add(
    name,
    [b.i32, b.i32],
    [m.local.set(3, m.i32.const(last))],
    [
      m.local.set(2, m.i32.xor(sum(), m.i32.shl(bytes.next(), shift()))),
      m.local.set(3, m.i32.and(m.i32.sub(shift(), m.i32.const(8)), m.i32.const(last))),
    ],
    m.i64.extend_u(sum()),
  );
}

/** The first eight bytes as a number. */
function addIdentity(name: string, bytes: Bytes): void {
  const { m, b } = bytes.unit;
  const [length, sum] = [(): Ref => m.local.get(1, b.i32), (): Ref => m.local.get(2, b.i64)];
  const most = m.local.set(1, m.select(m.i32.lt_u(length(), m.i32.const(8)), length(), m.i32.const(8)));
  bytes.add(
    name,
    [b.i64],
    [most],
    [m.local.set(2, m.i64.or(m.i64.shl(sum(), m.i64.const(8n)), m.i64.extend_u(bytes.next())))],
    sum(),
  );
}
