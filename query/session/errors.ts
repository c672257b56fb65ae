/** What can go wrong between a plan and its answer. */
import { QueryError } from '../errors.js';

/** A worker ended, or its connection did, while the query needed it. */
export class QueryWorkerLostError extends QueryError {
  readonly code = 'FPISA_QUERY_WORKER_LOST';
}

/** What a worker is told when there is no answer. */
export class QueryFailedError extends QueryError {
  readonly code = 'FPISA_QUERY_FAILED';
}

/** A worker could not do its part; the message is its own. */
export class QueryWorkerFailedError extends QueryError {
  readonly code = 'FPISA_QUERY_WORKER';
  constructor(
    message: string,
    /** Code of the worker's error. */
    readonly reason: string,
  ) {
    super(message);
  }
}

/** DuckDB in a worker could not evaluate the worker's part of the query. */
export class QueryEvaluationError extends QueryError {
  readonly code = 'FPISA_QUERY_EVALUATION';
}

/** No file, or one that cannot be read as what it is said to be. */
export class QueryDataError extends QueryError {
  readonly code = 'FPISA_FILE_DATA';
}

/** A worker cannot read its share of a table; the message names the worker. */
export class QueryShareError extends QueryError {
  readonly code = 'FPISA_QUERY_SHARE';
}

/** A worker asked to take a place that it cannot have, or the other way round. */
export class QueryAttachError extends QueryError {
  readonly code = 'FPISA_QUERY_ATTACH';
}

/** No master answers where a worker looks for it. */
export class QueryMasterUnreachableError extends QueryError {
  readonly code = 'FPISA_QUERY_MASTER_UNREACHABLE';
}

/** Another query began, or this one was given up. */
export class QueryAbortedError extends QueryError {
  readonly code = 'FPISA_QUERY_ABORTED';
}

/** The query needs more of the switch than it has. */
export class QueryResourceError extends QueryError {
  readonly code = 'FPISA_QUERY_RESOURCES';
}
