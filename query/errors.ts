/** What can go wrong with a query: one class per failure, each with a stable `code` and one sentence. */
import { FpisaError } from '../protocol/errors.js';

export abstract class QueryError extends FpisaError {}

/** No answer from the switch or the master within the timeout. */
export class QueryStalledError extends QueryError {
  readonly code = 'FPISA_QUERY_STALLED';
}

/** The switch no longer knows the query: it was restarted, or another query took its place. */
export class QueryStateLostError extends QueryError {
  readonly code = 'FPISA_QUERY_STATE_LOST';
}

/** Rows that went into the switch are missing from what came out of it, so the answer would be wrong. */
export class QueryRowsLostError extends QueryError {
  readonly code = 'FPISA_QUERY_ROWS_LOST';
}

/** An integer sum exceeded 64 bits in the switch. */
export class QueryOverflowError extends QueryError {
  readonly code = 'FPISA_QUERY_OVERFLOW';
}
