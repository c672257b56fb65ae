import { InterruptedError } from './errors.js';
import { ExitCode } from './exit-codes.js';

/**
 * Aborts at Ctrl-C and at a termination signal, so that a command can clean up before it ends. The
 * second one ends the process immediately.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(ExitCode.INTERRUPTED);
      controller.abort(new InterruptedError());
    });
  }
  return controller.signal;
}

/**
 * Result of `run`, unless `signal` aborts first.
 * @throws InterruptedError once it has aborted, whatever else failed: Ctrl-C at a terminal reaches the processes of
 * `run` too, and their end is not a failure
 */
export async function unlessInterrupted<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw new InterruptedError();
  const interrupted = aborted(signal).then(() => Promise.reject(new InterruptedError()));
  interrupted.catch(() => undefined);
  try {
    return await Promise.race([run(), interrupted]);
  } catch (error) {
    if (signal.aborted) throw new InterruptedError();
    throw error;
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
