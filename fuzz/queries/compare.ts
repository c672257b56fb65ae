/** Whether two answers are the same, bit for bit but for what the query leaves free. */
import { DuckDBListValue, type DuckDBResultReader, type DuckDBValue } from '@duckdb/node-api';
import type { FuzzedQuery } from './statements.js';

type Row = readonly DuckDBValue[];

/** Sums of rounded numbers, of a magnitude of at most 10^4, added in another order. */
const RELATIVE = 1e-12;
const ABSOLUTE = 1e-9;

/** @returns what differs: names, types, or rows (in any order unless the query gives one) */
export function differenceOf(
  query: FuzzedQuery,
  got: DuckDBResultReader,
  wanted: DuckDBResultReader,
): string | undefined {
  const heads = [got, wanted].map((reader) =>
    reader.columnNames().map((name, i) => `${name} ${reader.columnType(i).toString()}`),
  );
  if (heads[0]!.join() !== heads[1]!.join())
    return `columns ${heads[0]!.join(', ')} instead of ${heads[1]!.join(', ')}`;
  const [a, b] = [got.getRows(), wanted.getRows()];
  if (a.length !== b.length) return `${a.length} rows instead of ${b.length}`;
  return query.isOrdered ? inPlace(query, a, b) : inAnyOrder(query, a, b);
}

/** Are the rows the same, also in their places? */
export function isSameInPlace(query: FuzzedQuery, got: DuckDBResultReader, wanted: DuckDBResultReader): boolean {
  return differenceOf({ ...query, isOrdered: true }, got, wanted) === undefined;
}

function inPlace(query: FuzzedQuery, a: readonly Row[], b: readonly Row[]): string | undefined {
  const at = a.findIndex((row, i) => !isSameRow(query, row, b[i]!));
  return at < 0 ? undefined : `row ${at + 1} is (${shown(a[at]!)}) instead of (${shown(b[at]!)})`;
}

function inAnyOrder(query: FuzzedQuery, a: readonly Row[], b: readonly Row[]): string | undefined {
  const left = new Map<string, Row[]>();
  for (const row of b) {
    const key = keyOf(query, row);
    left.set(key, [...(left.get(key) ?? []), row]);
  }
  for (const row of a) {
    const candidates = left.get(keyOf(query, row)) ?? [];
    const found = candidates.findIndex((candidate) => isSameRow(query, row, candidate));
    if (found < 0)
      return `row (${shown(row)}) is not in DuckDB's answer${candidates.length === 0 ? '' : `, which has (${shown(candidates[0]!)})`}`;
    candidates.splice(found, 1);
  }
  return undefined;
}

/** Equal for rows that may be the same. */
function keyOf(query: FuzzedQuery, row: Row): string {
  return row.map((value) => (typeof value === 'number' ? '' : textOf(query, value))).join('\0');
}

function isSameRow(query: FuzzedQuery, a: Row, b: Row): boolean {
  return a.every((value, i) => isSame(query, value, b[i]!));
}

function isSame(query: FuzzedQuery, a: DuckDBValue, b: DuckDBValue): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return textOf(query, a) === textOf(query, b);
  if (Object.is(a, b) || (query.hasBothZeros && a === b)) return true;
  if (!query.isRounded || !Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= Math.max(ABSOLUTE, RELATIVE * Math.max(Math.abs(a), Math.abs(b)));
}

function textOf({ folds }: FuzzedQuery, value: DuckDBValue): string {
  if (typeof value === 'string')
    return `"${folds ? value.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase() : value}"`;
  return value instanceof DuckDBListValue ? JSON.stringify(value.items) : String(value);
}

function shown(row: Row): string {
  return row
    .map((value) => (Object.is(value, -0) ? '-0' : typeof value === 'string' ? JSON.stringify(value) : String(value)))
    .join(', ');
}
