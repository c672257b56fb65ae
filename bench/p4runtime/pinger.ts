/** A thread that calls Capabilities again and again: its longest wait is the longest block of the switch's event loop. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { credentials } from '@grpc/grpc-js';
import { P4RuntimeServiceClient, unary } from '../../p4runtime/index.js';

const INTERVAL_MS = 2;

export class Pinger {
  private readonly worker: Worker;

  constructor(address: string) {
    this.worker = new Worker(new URL(import.meta.url), { workerData: { pinger: address } });
  }

  /** Resolves when calls are answered. */
  ready(): Promise<void> {
    return new Promise((resolve) => this.worker.once('message', () => resolve()));
  }

  /** Ends the thread. @returns the longest wait for an answer, in milliseconds */
  async stop(): Promise<number> {
    const longest = new Promise<number>((resolve) => this.worker.once('message', resolve));
    this.worker.postMessage('stop');
    const result = await longest;
    await this.worker.terminate();
    return result;
  }
}

async function ping(address: string): Promise<void> {
  const stub = new P4RuntimeServiceClient(address, credentials.createInsecure());
  let stopped = false;
  parentPort!.once('message', () => (stopped = true));
  await unary(stub, 'Capabilities', {});
  parentPort!.postMessage('ready');
  let longest = 0;
  while (!stopped) {
    const start = performance.now();
    await unary(stub, 'Capabilities', {});
    longest = Math.max(longest, performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  parentPort!.postMessage(longest);
}

const { pinger } = (workerData ?? {}) as { pinger?: string };
if (!isMainThread && pinger !== undefined) await ping(pinger);
