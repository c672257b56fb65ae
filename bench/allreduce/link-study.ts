/** The systems over links of a worker's own, where bytes decide and not this machine's processors. */
import { Links, LINK_BURST_BYTES, LINK_MTU } from './links.js';
import type { System } from './load.js';
import type { AllreduceReport, LinkRun } from './report.js';
import { measured, type Rounds } from './samples.js';
import { megabits as rateText } from './words.js';

export interface LinkOptions {
  readonly megabits: readonly number[];
  readonly workers: readonly number[];
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
      const links = await Links.make(count, rate);
      try {
        const [run] = await measured(
          networked,
          { placement: links, workers: count, sizes: [bytes], repeats },
          `${count} workers behind links of ${rateText(rate)}`,
          rounds,
          async ({ name }, run) => {
            const before = links.bytes();
            await run();
            const after = links.bytes();
            // The repetition that is not measured crosses the links, too.
            const tensors = count * bytes * (repeats + 1);
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
