/** What is wrong with a query, before anything of it runs. */
import { QueryError } from '../errors.js';

export type QueryPlanErrorCode =
  /** DuckDB's parser refuses the text; the message is its own, with the position. */
  | 'FPISA_QUERY_SYNTAX'
  /** Not exactly one SELECT. */
  | 'FPISA_QUERY_NOT_SELECT'
  | 'FPISA_QUERY_UNKNOWN_TABLE'
  | 'FPISA_QUERY_UNKNOWN_COLUMN'
  /** DuckDB's binder refuses it for another reason: types, unknown functions, ambiguous names. */
  | 'FPISA_QUERY_BIND'
  /** Something that cannot be answered over rows that come through a network. */
  | 'FPISA_QUERY_UNSUPPORTED';

export class QueryPlanError extends QueryError {
  constructor(
    readonly code: QueryPlanErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
