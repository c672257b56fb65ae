/** Exit codes of the `fpisa` command; docs/cli.md lists them for scripts. */
export const ExitCode = {
  OK: 0,
  /** It ran, and a check failed: a wrong sum, a fault that `doctor` found. */
  CHECK_FAILED: 1,
  /** Wrong arguments. */
  USAGE: 2,
  /** No answer from a controller, a switch, a query's master or its workers. */
  UNREACHABLE: 3,
  /** The controller refused: unknown job, job full, name taken. */
  REFUSED: 4,
  /** A file is missing, cannot be read or written, or is not what it should be. */
  FILE: 5,
  /** An operation began and could not be finished: stalled, aborted, shapes differ. */
  FAILED: 6,
  INTERRUPTED: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Text for the end of every `--help`. */
export const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 a check failed, 2 wrong arguments, 3 controller or switch unreachable,
4 refused by the controller, 5 a file is missing or wrong, 6 the operation failed, 130 interrupted`;

/** By error code; what is not listed is FAILED. */
const BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  FPISA_USAGE: ExitCode.USAGE,
  FPISA_ARGUMENT: ExitCode.USAGE,
  FPISA_PROFILE: ExitCode.USAGE,
  FPISA_SWITCH_CONFIG: ExitCode.USAGE,
  FPISA_INVALID_ADDRESS: ExitCode.USAGE,
  // An address or UDP port of this machine that is not available.
  FPISA_TRANSPORT: ExitCode.USAGE,
  FPISA_INVALID_JOB: ExitCode.USAGE,
  FPISA_PORT_IN_USE: ExitCode.USAGE,
  FPISA_REQUIREMENT: ExitCode.USAGE,
  FPISA_DUCKDB_MISSING: ExitCode.USAGE,
  FPISA_QUERY_SYNTAX: ExitCode.USAGE,
  FPISA_QUERY_NOT_SELECT: ExitCode.USAGE,
  FPISA_QUERY_UNKNOWN_TABLE: ExitCode.USAGE,
  FPISA_QUERY_UNKNOWN_COLUMN: ExitCode.USAGE,
  FPISA_QUERY_BIND: ExitCode.USAGE,
  FPISA_QUERY_UNSUPPORTED: ExitCode.USAGE,
  FPISA_CONTROLLER_UNREACHABLE: ExitCode.UNREACHABLE,
  FPISA_NOT_A_CONTROLLER: ExitCode.UNREACHABLE,
  FPISA_SWITCH_UNREACHABLE: ExitCode.UNREACHABLE,
  FPISA_SWITCH_NOT_READY: ExitCode.UNREACHABLE,
  FPISA_QUERY_SWITCH_UNREACHABLE: ExitCode.UNREACHABLE,
  FPISA_QUERY_MASTER_UNREACHABLE: ExitCode.UNREACHABLE,
  FPISA_QUERY_WORKERS_MISSING: ExitCode.UNREACHABLE,
  FPISA_SWITCH_TAKEN: ExitCode.REFUSED,
  FPISA_QUERY_ATTACH: ExitCode.REFUSED,
  FPISA_JOIN: ExitCode.REFUSED,
  FPISA_UNKNOWN_JOB: ExitCode.REFUSED,
  FPISA_JOB_EXISTS: ExitCode.REFUSED,
  FPISA_JOB_BUSY: ExitCode.REFUSED,
  FPISA_JOB_FULL: ExitCode.REFUSED,
  FPISA_PROFILE_NOT_OFFERED: ExitCode.REFUSED,
  FPISA_POOL_FULL: ExitCode.REFUSED,
  FPISA_TOO_MANY_JOBS: ExitCode.REFUSED,
  FPISA_UNKNOWN_SWITCH: ExitCode.REFUSED,
  FPISA_STORE_LOCKED: ExitCode.REFUSED,
  FPISA_STORE_ACCESS: ExitCode.FILE,
  FPISA_STORE_FORMAT: ExitCode.FILE,
  FPISA_QUERY_SHARE: ExitCode.FILE,
  FPISA_ARTIFACT: ExitCode.FILE,
  FPISA_INTERRUPTED: ExitCode.INTERRUPTED,
};

/** @param code of an FpisaError */
export function exitCodeOf(code: string): ExitCode {
  return BY_ERROR_CODE[code] ?? (code.startsWith('FPISA_FILE') ? ExitCode.FILE : ExitCode.FAILED);
}
