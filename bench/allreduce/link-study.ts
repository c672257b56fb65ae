/** The systems over links of a worker's own, where bytes decide and not this machine's processors. */
import { Links, LINK_BURST_BYTES, LINK_MTU } from './links.js';
import { type System, warmUps } from './load.js';
import type { AllreduceReport, LinkRun } from './report.js';
import { measured, type Rounds } from './samples.js';
import { megabits as rateText } from './words.js';

/** Mb/s. */
const FAST = 1000;
const ELEMENT_BYTES = 4;

export interface LinkOptions {
  readonly megabits: readonly number[];
  readonly workers: readonly number[];
  /** Over links of 1 Gb/s and more; over slower ones as many as take no longer. */
  readonly bytes: number;
  readonly repeats: number;
}

export async function measureLinks(
  systems: readonly System[],
  { megabits, workers, bytes, repeats }: LinkOptions,
  rounds: Rounds,
): Promise<AllreduceReport['links']> {
  const networked = systems.filter(({ isNetworked }) => isNetworked);
  const runs: LinkRun[] = [];
  for (const count of workers) {
    for (const rate of megabits) {
      const sent: Record<string, number> = {};
      const received: Record<string, number> = {};
      const size = bytesOver(rate, bytes);
      const links = await Links.make(count, rate);
      try {
        const [run] = await measured(
          networked,
          { placement: links, workers: count, sizes: [size], repeats },
          `${count} workers behind links of ${rateText(rate)}`,
          rounds,
          async ({ name }, run) => {
            const before = links.bytes();
            await run();
            const after = links.bytes();
            // The repetition that is not measured crosses the links, too.
            const tensors = count * size * (repeats + warmUps(size));
            sent[name] = (after.sent - before.sent) / tensors;
            received[name] = (after.received - before.received) / tensors;
          },
        );
        runs.push({ megabits: rate, ...run!, sentPerByte: sent, receivedPerByte: received });
      } finally {
        links.remove();
      }
    }
  }
  return { mtu: LINK_MTU, burstBytes: LINK_BURST_BYTES, runs };
}

function bytesOver(rate: number, bytes: number): number {
  return rate >= FAST
    ? bytes
    : Math.max(ELEMENT_BYTES, Math.floor((bytes * rate) / FAST / ELEMENT_BYTES) * ELEMENT_BYTES);
}
