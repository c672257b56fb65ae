import { fileProblem } from '../net/file-problem.js';
import { FpisaError } from '../protocol/errors.js';

/** An argument that cannot be used; the message lists what can. */
export class UsageError extends FpisaError {
  readonly code = 'FPISA_USAGE';
}

/** Ctrl-C or a termination signal. */
export class InterruptedError extends FpisaError {
  readonly code = 'FPISA_INTERRUPTED';
  constructor() {
    super('interrupted');
  }
}

/** A TCP or UDP port that another process holds. */
export class PortInUseError extends FpisaError {
  readonly code = 'FPISA_PORT_IN_USE';
  constructor(what: string, address: string, option: string) {
    super(
      `${what} cannot listen on ${address}: the port is in use; choose another one with ${option}, or stop the process that uses it`,
    );
  }
}

/** A process that the demonstration started has died. */
export class ChildError extends FpisaError {
  readonly code = 'FPISA_CHILD';
}

/** A user's file that is missing, cannot be read or written, or is not what it should be. */
export class FileError extends FpisaError {
  readonly code = 'FPISA_FILE';

  /** The error of a file system call. @param path if the call's own does not name the file that the user knows */
  static of(error: unknown, path: string | undefined = (error as NodeJS.ErrnoException).path): FileError {
    const problem = fileProblem(error);
    return new FileError(path === undefined ? `a file cannot be used: ${problem}` : `${path}: ${problem}`, {
      cause: error,
    });
  }
}

/** Something that a command needs on this machine is missing; the message says how to get it. */
export class RequirementError extends FpisaError {
  readonly code = 'FPISA_REQUIREMENT';
}

/** A process that this command drives could not do what it was told. */
export class NetworkError extends FpisaError {
  readonly code = 'FPISA_NETWORK';
}
