/** Tables in linear memory that compiled hashes look bytes up in. */
import { CRCS, crcTable, reflect } from '../externs/hash.js';
import type { Program } from '../json/program.js';

/** 256 words. */
export const HASH_TABLE_BYTES = 1024;

/** Algorithms of a program that need a table, in the order of the program. */
export function tableHashes(program: Program): string[] {
  return [
    ...new Set(
      program.calculations.map(({ algorithm }) => algorithm).filter((algorithm) => Object.hasOwn(CRCS, algorithm)),
    ),
  ];
}

/**
 * Remainders of the bytes; for a reflected CRC, with the bits of index and entry reversed, so that the input need not
 * be.
 */
export function hashTable(algorithm: string): Uint32Array {
  const parameters = CRCS[algorithm]!;
  const table = crcTable(parameters);
  if (!parameters.reflected) return table;
  return Uint32Array.from(table, (_, byte) => reflect(table[reflect(byte, 8)]!, parameters.width));
}
