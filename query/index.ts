/** SQL over files, aggregated and pruned in the switch: planning, a master's session, a worker, the switch. */
export * from './errors.js';
export { DuckDBMissingError } from './duckdb.js';
export { KEY_BYTES, type TupleBatch } from './tuples.js';
export * from './plan/index.js';
export * from './session/index.js';
export * from './stream/index.js';
export * from './switch/index.js';
/** UDP port of the service that the switch's ports must know. */
export { SERVICE_UDP_PORT as QUERY_UDP_PORT } from '../protocol/query/constants.js';
