/** A fake network for one test, and its workers, which end with it. */
import { afterEach } from 'vitest';
import { type JoinOptions, Worker } from '../../../host/index.js';
import { FakeNetwork, type FakeOptions } from './fake-controller.js';

let place: NonNullable<JoinOptions['thread']> = false;

/** Where the workers of this file's tests run from now on; on the caller's thread unless this is called. */
export function placeWorkers(thread: NonNullable<JoinOptions['thread']>): void {
  place = thread;
}

/** For tests that call {@link Worker.join} themselves. */
export function placed(): Pick<JoinOptions, 'thread'> {
  return { thread: place };
}

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

export async function network(options: FakeOptions): Promise<FakeNetwork> {
  const net = await FakeNetwork.start(options);
  cleanup.push(() => net.stop());
  return net;
}

export async function join(net: FakeNetwork, rank: number, options: Partial<JoinOptions> = {}): Promise<Worker> {
  const thread = options.transport === undefined ? place : false;
  const worker = await Worker.join({ controller: net.address, job: net.jobName, rank, thread, ...options });
  cleanup.push(() => worker.close());
  return worker;
}

export function joinAll(net: FakeNetwork, ranks: number, options: Partial<JoinOptions> = {}): Promise<Worker[]> {
  return Promise.all(Array.from({ length: ranks }, (_, rank) => join(net, rank, options)));
}

export function ramp(rank: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (rank + 1) * (i + 1));
}

/** The error of a rejected promise. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return await promise.then(
    () => {
      throw new Error('was expected to fail');
    },
    (error: Error & { code: string }) => error,
  );
}
