import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import { threadArguments } from '../../net/thread-arguments.js';

/** Starts the thread's program, `main.js` beside this file, with `data` as its `workerData`. */
export type StartThread = (data: object) => Thread;

const PROGRAM = new URL('./main.js', import.meta.url);

export const startWorkerThread: StartThread = (workerData) =>
  new Thread(PROGRAM, { workerData, name: 'fpisa worker', execArgv: threadArguments() });

/** Programs that are bundled in one file lack it. */
export function isProgramThere(): boolean {
  return PROGRAM.protocol === 'file:' && existsSync(fileURLToPath(PROGRAM));
}
