/** What a query gives, as values. */
import type { DuckDBValue } from '@duckdb/node-api';

export interface Rows {
  readonly rows: readonly (readonly DuckDBValue[])[];
  readonly names: readonly string[];
  readonly types: readonly string[];
}
