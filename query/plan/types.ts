/** DuckDB's types as keys and lanes. */
import { LaneOp } from '../../protocol/query/constants.js';
import type { KeyType } from './plan.js';

const DECIMAL = /^DECIMAL\((\d+),\s*(\d+)\)$/;
/** A DECIMAL of more digits is wider than 64 bits, though its values may still fit. */
const NARROW_DIGITS = 18;

export function decimalOf(type: string): { width: number; scale: number } | undefined {
  const match = DECIMAL.exec(type);
  return match === null ? undefined : { width: Number(match[1]), scale: Number(match[2]) };
}

const INT_BYTES: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  BOOLEAN: 1,
  TINYINT: 1,
  UTINYINT: 1,
  SMALLINT: 2,
  USMALLINT: 2,
  INTEGER: 4,
  UINTEGER: 4,
  BIGINT: 8,
  UBIGINT: 8,
  DATE: 4,
  TIME: 8,
  TIMESTAMP: 8,
  'TIMESTAMP WITH TIME ZONE': 8,
  TIMESTAMP_S: 8,
  TIMESTAMP_MS: 8,
  TIMESTAMP_NS: 8,
};

/** How a type is put into a key; undefined if no key can hold it. */
export function keyTypeOf(type: string): KeyType | undefined {
  const bytes = INT_BYTES[type];
  if (bytes !== undefined) return { kind: 'int', bytes };
  if (type === 'FLOAT') return { kind: 'float', bytes: 4 };
  if (type === 'DOUBLE') return { kind: 'float', bytes: 8 };
  if (type === 'VARCHAR' || type.startsWith('ENUM(')) return { kind: 'text' };
  const decimal = decimalOf(type);
  if (decimal !== undefined && decimal.width <= NARROW_DIGITS) {
    return { kind: 'int', bytes: decimal.width <= 4 ? 2 : decimal.width <= 9 ? 4 : 8 };
  }
  return undefined;
}

const INTEGER_TYPES = new Set([
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
]);
const FLOAT_TYPES = new Set(['FLOAT', 'DOUBLE']);

/** How values of a type travel in a lane. */
export interface Lane {
  readonly kind: 'f64' | 'i64';
  /** Worker's SQL: the lane's DOUBLE or BIGINT of a value of the type. */
  readonly encode: (value: string) => string;
  /** Master's SQL: the value from the lane's, or from a HUGEINT sum of lanes. */
  readonly decode: (lane: string) => string;
  /** Power of ten by which a number is multiplied to compare it with the lane; undefined if the type is not a number. */
  readonly scale?: number;
}

function decimalLane(scale: number): Lane {
  const factor = `CAST(1${'0'.repeat(scale)} AS DECIMAL(${scale + 1},0))`;
  const ulp = `CAST(${scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`} AS DECIMAL(${Math.max(scale, 1)},${scale}))`;
  return {
    kind: 'i64',
    encode: (value) => (scale === 0 ? `CAST(${value} AS BIGINT)` : `CAST(${value} * ${factor} AS BIGINT)`),
    decode: (lane) => (scale === 0 ? `CAST(${lane} AS DECIMAL(38,0))` : `CAST(${lane} AS DECIMAL(38,0)) * ${ulp}`),
    scale,
  };
}

/** Lane for sums of a type; undefined if sums of it are not done in the switch. */
export function sumLaneOf(type: string): Lane | undefined {
  if (FLOAT_TYPES.has(type))
    return { kind: 'f64', encode: (value) => `CAST(${value} AS DOUBLE)`, decode: (lane) => lane, scale: 0 };
  if (INTEGER_TYPES.has(type) || type === 'HUGEINT')
    return { kind: 'i64', encode: (value) => `CAST(${value} AS BIGINT)`, decode: (lane) => lane, scale: 0 };
  const decimal = decimalOf(type);
  // encode() multiplies 64 bits by 10^scale, which must stay below the 10^38 of a DECIMAL.
  if (decimal !== undefined && decimal.scale <= NARROW_DIGITS) return decimalLane(decimal.scale);
  return undefined;
}

const EPOCH = `DATE '1970-01-01'`;
const HALF_U64 = '9223372036854775808';
const INFINITE_US = '9223372036854775807';

function timestampLane(back: (us: string) => string, type: string): Lane {
  return {
    kind: 'i64',
    // epoch_us of an infinity is NULL.
    encode: (value) =>
      `CASE WHEN isfinite(${value}) THEN epoch_us(${value}) WHEN ${value} > CAST('1970-01-01' AS ${type}) THEN ${INFINITE_US} WHEN ${value} IS NOT NULL THEN -${INFINITE_US} END`,
    decode: (lane) =>
      `CASE ${lane} WHEN ${INFINITE_US} THEN CAST('infinity' AS ${type}) WHEN -${INFINITE_US} THEN CAST('-infinity' AS ${type}) ELSE ${back(lane)} END`,
  };
}

/** Lane for minima and maxima of a type, or to order by; undefined if there is none. */
export function orderLaneOf(type: string): Lane | undefined {
  if (type === 'DATE') {
    return {
      kind: 'i64',
      // DuckDB's infinities are the days furthest from the epoch, and differences keep them there.
      encode: (value) => `CAST(${value} - ${EPOCH} AS BIGINT)`,
      decode: (lane) =>
        `CASE ${lane} WHEN 2147483647 THEN CAST('infinity' AS DATE) WHEN -2147483647 THEN CAST('-infinity' AS DATE) ELSE ${EPOCH} + CAST(${lane} AS INTEGER) END`,
    };
  }
  if (type === 'TIMESTAMP') return timestampLane((us) => `make_timestamp(${us})`, type);
  if (type === 'TIMESTAMP WITH TIME ZONE')
    return timestampLane((us) => `make_timestamp(${us}) AT TIME ZONE 'UTC'`, type);
  if (type === 'UBIGINT') {
    return {
      kind: 'i64',
      encode: (value) => `CAST(CAST(${value} AS HUGEINT) - ${HALF_U64} AS BIGINT)`,
      decode: (lane) => `CAST(CAST(${lane} AS HUGEINT) + ${HALF_U64} AS UBIGINT)`,
    };
  }
  if (type === 'HUGEINT') return undefined;
  return sumLaneOf(type);
}

/** May values of this type, or sums of them, exceed 64 bits? */
export function canOverflow(type: string): boolean {
  const decimal = decimalOf(type);
  // 2^31 rows of 32-bit values always fit; so do as many of nine digits.
  return decimal !== undefined ? decimal.width > 9 : ['BIGINT', 'HUGEINT'].includes(type);
}

export const LANE_OPS = {
  sum: (lane: Lane, sums: 'fp64' | 'fp32'): LaneOp =>
    lane.kind === 'i64' ? LaneOp.SUM_I64 : sums === 'fp32' ? LaneOp.SUM_F32 : LaneOp.SUM_F64,
  min: (lane: Lane): LaneOp => (lane.kind === 'i64' ? LaneOp.MIN_I64 : LaneOp.MIN_F64),
  max: (lane: Lane): LaneOp => (lane.kind === 'i64' ? LaneOp.MAX_I64 : LaneOp.MAX_F64),
} as const;
