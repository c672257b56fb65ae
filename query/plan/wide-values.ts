/** Integer and decimal lanes have 64 bits; DuckDB's sums of them have 128. */

const MESSAGES = /(cast|out of range).*(INT64|BIGINT)|Overflow in multiplication of DECIMAL/is;

/**
 * Has a worker's SELECT failed because a value of a lane does not fit 64 bits? The query can then be planned again
 * with `integerSums: false`, as after an overflow in the switch. If the error is the query's own, it will occur again.
 */
export function isWideValueError(error: unknown): boolean {
  return error instanceof Error && MESSAGES.test(error.message);
}
