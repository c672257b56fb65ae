/** What can go wrong between a plan and its answer. */
import { plural } from '../../net/count.js';
import { QueryError } from '../errors.js';

/** A worker ended, or its connection did, while the query needed it. */
export class QueryWorkerLostError extends QueryError {
  readonly code = 'FPISA_QUERY_WORKER_LOST';
}

/** Thrown in a worker when the query has failed at its master. */
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

/** A file is missing, or cannot be read in its format. */
export class QueryDataError extends QueryError {
  readonly code = 'FPISA_FILE_DATA';
}

/** A worker cannot read its share of a table; the message names the worker. */
export class QueryShareError extends QueryError {
  readonly code = 'FPISA_QUERY_SHARE';
}

/** Workers that the master waits for have not come. */
export class QueryWorkersMissingError extends QueryError {
  readonly code = 'FPISA_QUERY_WORKERS_MISSING';
  constructor(
    /** Their ranks. */
    readonly missing: readonly number[],
    workers: number,
    waitedMs: number,
  ) {
    const here = workers - missing.length;
    super(
      `${plural(missing.length, 'worker')} ${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} not come within ${waitedMs / 1000} s (${here} of ${workers} ${here === 1 ? 'is' : 'are'} here)`,
    );
  }
}

/** A worker was refused its rank. */
export class QueryAttachError extends QueryError {
  readonly code = 'FPISA_QUERY_ATTACH';
}

/** No master answers at the address that the worker was given. */
export class QueryMasterUnreachableError extends QueryError {
  readonly code = 'FPISA_QUERY_MASTER_UNREACHABLE';
}

/** The query was aborted, or restarted. */
export class QueryAbortedError extends QueryError {
  readonly code = 'FPISA_QUERY_ABORTED';
}

/** The query needs more of the switch than it has. */
export class QueryResourceError extends QueryError {
  readonly code = 'FPISA_QUERY_RESOURCES';
}
