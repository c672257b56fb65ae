/** Standard output and standard error, whose reader may leave before the end, or whose disk may be full. */
import { FileError } from './errors.js';

export interface StandardStreams {
  /** A reader that closes its end of a pipe, as `head` does, has seen enough, which is no error. */
  readonly readerHasLeft: boolean;
  /** Why standard output is incomplete, if its reader is not the reason. */
  readonly failure: FileError | undefined;
}

/** Without it an error of a stream would end the process in the middle of its work, with a stack. */
export function watchStandardStreams(): StandardStreams {
  const streams: { readerHasLeft: boolean; failure: FileError | undefined } = {
    readerHasLeft: false,
    failure: undefined,
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isFirst = !streams.readerHasLeft && streams.failure === undefined;
    if (error.code === 'EPIPE') streams.readerHasLeft = true;
    else streams.failure ??= new FileError(`standard output cannot be written: ${error.message}`, { cause: error });
    // Nobody waits for what a command still does: those that can be interrupted stop and clean up, the others end soon.
    if (isFirst) process.emit('SIGINT');
  });
  // The exit code says how it went, and there is no other place for what could not be said here.
  process.stderr.on('error', () => undefined);
  return streams;
}
