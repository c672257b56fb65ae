import { InterruptedError } from './errors.js';
import { ExitCode } from './exit-codes.js';

/**
 * Aborts at Ctrl-C and at a termination signal, so that a command can put things back before it ends. The
 * second one ends the process at once.
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

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
