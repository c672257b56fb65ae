/**
 * DuckDB, which is loaded when a query first needs it: it is an optional peer dependency of the package, since with its
 * native library it is larger than everything else together, and only queries use it. Every other file imports types
 * of it at most.
 */
import { createRequire } from 'node:module';
import { peerVersion } from '../net/package-files.js';
import { QueryError } from './errors.js';

const PACKAGE = '@duckdb/node-api';
type DuckDB = typeof import('@duckdb/node-api');

/** The package that runs SQL is not installed. */
export class DuckDBMissingError extends QueryError {
  readonly code = 'FPISA_DUCKDB_MISSING';
  constructor(options?: ErrorOptions) {
    super(`a query needs DuckDB, which is not installed: npm install ${PACKAGE}@${peerVersion(PACKAGE)}`, options);
  }
}

const require = createRequire(import.meta.url);

/** @throws DuckDBMissingError where it is not installed; any other failure to load it is passed on */
export function duckdb(): DuckDB {
  try {
    return require(PACKAGE) as DuckDB;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND' && message.includes(`'${PACKAGE}'`)) throw new DuckDBMissingError({ cause: error });
    throw error;
  }
}
