/** What is wrong with a query, before anything of it runs. */
import { FpisaError } from '../../../protocol/errors.js';

export type QueryErrorCode =
  /** DuckDB's parser refuses the text; the message is its own, with the position. */
  | 'QUERY_SYNTAX'
  /** Not exactly one SELECT. */
  | 'QUERY_NOT_SELECT'
  | 'QUERY_UNKNOWN_TABLE'
  | 'QUERY_UNKNOWN_COLUMN'
  /** DuckDB's binder refuses it for another reason: types, unknown functions, ambiguous names. */
  | 'QUERY_BIND'
  /** Something that cannot be answered over rows that come through a network. */
  | 'QUERY_UNSUPPORTED';

export class QueryError extends FpisaError {
  constructor(
    readonly code: QueryErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
