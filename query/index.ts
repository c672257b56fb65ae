export * from './errors.js';
export { DuckDBMissingError } from './duckdb.js';
export * from './tuples.js';
export * from './stream/sender.js';
export * from './stream/receiver.js';
export * from './stream/master.js';
export type * from './plan/plan.js';
