/**
 * How long many workers take on a bad network, on a simulated clock. Of 16 workers' packets at a loss of a quarter, one in a
 * hundred rounds loses none: an operation that waited for a timeout per loss, and for timeouts derived from such waits,
 * took minutes.
 */
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../support/scenario.js';
import { Simulation } from '../support/simulation.js';

const VALUES = 4;
const SEEDS = [1, 2, 3];

const bad: Omit<Scenario, 'seed' | 'operations'> = {
  workers: 16,
  slots: 64,
  valuesPerPacket: VALUES,
  concurrency: 1,
  loss: 0.25,
  duplication: 0.2,
  maxDelayMs: 5,
  events: [],
  timeoutMs: 30_000,
};

/** One operation of so many chunks, its commit included. @returns simulated seconds, and the share of packets that were repetitions */
function run(chunks: number, scenario: Readonly<Partial<Scenario>>): { seconds: number; repeated: number } {
  const sim = new Simulation({ ...bad, seed: 1, operations: [[(chunks - 1) * VALUES]], ...scenario }).run();
  expect(sim.problems).toEqual([]);
  expect(sim.failures()).toEqual([]);
  const stats = sim.successes().map((success) => success.stats!);
  const sent = stats.reduce((sum, { packetsSent }) => sum + packetsSent, 0);
  const repeated = stats.reduce((sum, { retransmissions }) => sum + retransmissions, 0);
  return { seconds: sim.now / 1000, repeated: repeated / sent };
}

describe('an operation', () => {
  it.each([
    { chunks: 313, loss: 0.25, seconds: 6 },
    { chunks: 13, loss: 0.25, seconds: 3 },
    { chunks: 313, loss: 0.1, seconds: 3 },
    { chunks: 313, loss: 0.5, seconds: 60 },
  ])('of 16 workers and $chunks chunks at a loss of $loss ends within $seconds s', ({ chunks, loss, seconds }) => {
    for (const seed of SEEDS) expect(run(chunks, { seed, loss }).seconds, `seed ${seed}`).toBeLessThan(seconds);
  });

  it('of 16 workers does not stall for a long delay either', () => {
    for (const seed of SEEDS) expect(run(313, { seed, maxDelayMs: 60 }).seconds, `seed ${seed}`).toBeLessThan(40);
  });

  it('repeats little where packets are only late', () => {
    const quiet = { loss: 0, duplication: 0, operations: [[2000 * VALUES]] };
    for (const seed of SEEDS) {
      expect(run(0, { ...quiet, seed, workers: 2 }).repeated, `2 workers, seed ${seed}`).toBeLessThan(0.3);
      expect(run(0, { ...quiet, seed, workers: 16 }).repeated, `16 workers, seed ${seed}`).toBeLessThan(0.12);
    }
  });

  it('of many takes hardly more than a round trip if the next one waits already', () => {
    const seconds = (concurrency: number): number => {
      const operations = Array.from({ length: 50 }, () => [VALUES]);
      const scenario = {
        ...bad,
        workers: 2,
        loss: 0,
        duplication: 0,
        maxDelayMs: 20,
        seed: 1,
        operations,
        concurrency,
      };
      return new Simulation(scenario).run().now / 1000;
    };
    expect(seconds(3)).toBeLessThan(0.85 * seconds(1));
  });

  it('repeats nothing where nothing is lost or overtaken', () => {
    expect(run(313, { loss: 0, duplication: 0, maxDelayMs: 0 }).repeated).toBe(0);
  });
});
