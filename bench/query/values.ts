/** DuckDB's values as JSON. */
import type { DuckDBValue } from '@duckdb/node-api';
import type { Answer, Value } from './answers.js';

function toValue(value: DuckDBValue): Value {
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

export function toAnswer(rows: readonly (readonly DuckDBValue[])[]): Answer {
  return rows.map((row) => row.map(toValue));
}
