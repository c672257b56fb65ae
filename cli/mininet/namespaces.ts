/**
 * Separate Linux namespaces for the network. What Mininet calls the root namespace is here a new network
 * namespace, with a new process namespace around all of its processes. So interface names and TCP ports
 * never collide with those of another Mininet or of the machine; and when the first process inside ends, however it
 * ends, the kernel ends all the others and removes the interfaces. No clean-up can be forgotten.
 */
import { spawn } from 'node:child_process';
import { NetworkError } from '../errors.js';
import { NAMESPACES } from './requirements.js';

/** Hidden option of the process inside. */
export const INSIDE = '--inside';

const INTERRUPT = 'interrupt';

/**
 * Runs this process's own command line inside.
 * @param ignoreInterrupt Ctrl-C is for the prompt inside; a termination signal still ends it
 * @returns its exit code
 */
export async function runInNamespaces(ignoreInterrupt: boolean): Promise<number> {
  const child = spawn(
    'unshare',
    [...NAMESPACES, process.execPath, ...process.execArgv, ...process.argv.slice(1), INSIDE],
    {
      // The channel tells the process inside when this one has ended.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    },
  );
  const forward = (): void => {
    // A terminal sends Ctrl-C to both processes; kill(1) to this one alone.
    if (child.connected) child.send(INTERRUPT);
  };
  process.on('SIGINT', ignoreInterrupt ? () => undefined : forward);
  process.on('SIGTERM', forward);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (code === null) throw new NetworkError(`the process that runs the network was ended by ${signal}`);
  return code;
}

/** Inside: aborts when the process outside is told to end, or Ctrl-C arrives here directly. */
export function interruptionFromOutside(interrupted: AbortSignal, reason: () => Error): AbortSignal {
  const controller = new AbortController();
  process.on('message', (message) => {
    if (message === INTERRUPT) controller.abort(reason());
  });
  // A listener for messages would keep the process alive.
  process.channel?.unref();
  return AbortSignal.any([interrupted, controller.signal]);
}
