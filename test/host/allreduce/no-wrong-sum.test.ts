/**
 * The promise of the whole protocol (docs/protocol.md): no operation ever returns a sum with a contribution
 * missing or counted twice, and all workers that complete it hold the same sum.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event, Scenario } from '../support/scenario.js';
import { Simulation } from '../support/simulation.js';

const operations = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 6,
});

const network = fc.record({
  seed: fc.integer(),
  workers: fc.integer({ min: 1, max: 4 }),
  slots: fc.integer({ min: 1, max: 9 }),
  valuesPerPacket: fc.constantFrom(1, 4, 16),
  operations,
  concurrency: fc.integer({ min: 1, max: 3 }),
  loss: fc.constantFrom(0, 0.01, 0.1, 0.3),
  duplication: fc.constantFrom(0, 0.1, 0.5),
  maxDelayMs: fc.constantFrom(0.2, 5, 60),
});

const rank = fc.integer({ min: 0, max: 3 });
const at = fc.integer({ min: 0, max: 400 });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constantFrom('leave' as const, 'crash' as const, 'join' as const), at, rank }),
  fc.record({ kind: fc.constantFrom('disconnect' as const, 'cancel' as const), at, rank }),
  fc.record({ kind: fc.constant('switch-restart' as const), at }),
);

const quiet: Omit<Scenario, 'operations'> = {
  seed: 1,
  workers: 3,
  slots: 4,
  valuesPerPacket: 4,
  concurrency: 1,
  loss: 0.1,
  duplication: 0.3,
  maxDelayMs: 5,
  events: [],
};

describe('sums', () => {
  it('are the same where a chunk travels in the shortest packet that holds it', () => {
    fc.assert(
      fc.property(network, fc.constantFrom([2, 5, 16], [1, 16], [15, 16]), (scenario, packetSteps) => {
        const sim = new Simulation({ ...scenario, valuesPerPacket: 16, packetSteps, events: [] }).run();
        expect(sim.problems).toEqual([]);
        expect(sim.failures()).toEqual([]);
        expect(sim.successes()).toHaveLength(scenario.workers * scenario.operations.length);
      }),
      { numRuns: 100 },
    );
  });

  it('are complete and exact whatever the network loses, doubles, reorders and delays', () => {
    fc.assert(
      fc.property(network, (scenario) => {
        const sim = new Simulation({ ...scenario, events: [] }).run();
        expect(sim.problems).toEqual([]);
        expect(sim.failures()).toEqual([]);
        expect(sim.successes()).toHaveLength(scenario.workers * scenario.operations.length);
      }),
      { numRuns: 300 },
    );
  });

  it('are complete and the same everywhere through joins, leaves, crashes, lost sessions, cancelled calls and switch restarts', () => {
    fc.assert(
      fc.property(network, fc.array(event, { minLength: 1, maxLength: 6 }), (scenario, events) => {
        const sim = new Simulation({ ...scenario, events }).run();
        expect(sim.problems).toEqual([]);
        const codes = new Set(sim.failures().map((failure) => failure.error!.code));
        if (!events.some(({ kind }) => kind === 'cancel'))
          codes.forEach((code) => expect(code).toBe('FPISA_MEMBERSHIP'));
        if (!events.some(({ kind }) => kind === 'cancel' || kind === 'disconnect')) expect(codes.size).toBe(0);
      }),
      { numRuns: 600 },
    );
  });

  it('are right when the chunk number wraps', () => {
    fc.assert(
      fc.property(network, fc.integer({ min: 0, max: 60 }), (scenario, before) => {
        const sim = new Simulation({ ...scenario, events: [], firstChunk: 2 ** 32 - before }).run();
        expect(sim.problems).toEqual([]);
        expect(sim.failures()).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['adds-duplicates', 'answers-early', 'keeps-old-sum'] as const)(
    'of a switch that %s are found wrong by this test',
    (mutation) => {
      const wrong = [1, 2, 3, 4, 5].some((seed) => {
        const sim = new Simulation({ ...quiet, seed, operations: [[40], [30, 9], [40]], mutation }).run();
        return sim.problems.some((problem) => problem.includes('expected'));
      });
      expect(wrong).toBe(true);
    },
  );
});
