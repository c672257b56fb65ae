/** Where a job stands, from reports that are true, and from some that cannot be. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { settle, type StandingReport } from '../../controlplane/controller/settlement.js';

const veteran = (rank: number, completed: number, received = completed): StandingReport => ({
  rank,
  isVeteran: true,
  completed,
  received,
});
const newcomer = (rank: number, completed = 0): StandingReport => ({
  rank,
  isVeteran: false,
  completed,
  received: completed,
});

test('an operation is complete if one member has completed it, or if all have received it', () => {
  expect(settle([veteran(0, 4, 5), veteran(1, 5)], [], 2)).toEqual({ completed: 5, contradicting: [] });
  expect(settle([veteran(0, 4, 5), veteran(1, 4, 5)], [], 2)).toEqual({ completed: 5, contradicting: [] });
  expect(settle([veteran(0, 4, 5), veteran(1, 4, 4)], [], 2)).toEqual({ completed: 4, contradicting: [] });
  expect(settle([veteran(0, 4, 5), newcomer(1)], [], 2)).toEqual({ completed: 5, contradicting: [] });
});

test('one that never got the last Resume stands further back', () => {
  expect(settle([veteran(0, 3), veteran(1, 8)], [], 7)).toEqual({ completed: 8, contradicting: [] });
});

test.each([10, 100_000_000, 2 ** 32 - 1])('one member that reports %d is alone with it', (lie) => {
  expect(settle([veteran(0, 5), veteran(1, lie), veteran(2, 5, 6)], [], 3)).toEqual({
    completed: 5,
    contradicting: [1],
  });
  // Of two, the higher number is not believed: the lower one has less power.
  expect(settle([veteran(0, 5), veteran(1, lie)], [], 3)).toEqual({ completed: 5, contradicting: [1] });
  expect(settle([veteran(0, 5), newcomer(1, lie)], [], 3)).toEqual({ completed: 5, contradicting: [1] });
  expect(settle([newcomer(0), newcomer(1)], [{ rank: 1, operation: lie }], 3)).toEqual({
    completed: 3,
    contradicting: [1],
  });
  expect(settle([veteran(0, 5), veteran(1, 5)], [{ rank: 1, operation: lie }], 3)).toEqual({
    completed: 5,
    contradicting: [1],
  });
});

test('one member that reports too little does not take the others with it', () => {
  expect(settle([veteran(0, 9), veteran(1, 4), veteran(2, 9, 10)], [], 4)).toEqual({
    completed: 9,
    contradicting: [1],
  });
});

test('the operation that a member gave up is used up, for it and for the others', () => {
  const failures = [{ rank: 0, operation: 6 }];
  expect(settle([veteran(0, 6), veteran(1, 5)], failures, 2)).toEqual({ completed: 6, contradicting: [] });
  expect(settle([veteran(1, 5), newcomer(0)], failures, 2)).toEqual({ completed: 6, contradicting: [] });
});

test('no true history is contradicted', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.constantFrom('behind', 'received', 'completed', 'newcomer', 'no Resume'), {
        minLength: 1,
        maxLength: 32,
      }),
      (known, done, kinds) => {
        // Operation n is in progress: some have all of its results, and if all have, then some may have completed it.
        const n = known + done;
        const all = !kinds.includes('behind');
        const reports = kinds.map((kind, rank) => {
          if (kind === 'newcomer') return newcomer(rank);
          if (kind === 'behind') return veteran(rank, n - 1);
          if (kind === 'completed' && all && !kinds.includes('no Resume')) return veteran(rank, n);
          // It holds up all others: nothing has been completed since.
          if (kind === 'no Resume') return veteran(rank, Math.max(0, known - 3));
          return kinds.includes('no Resume') ? veteran(rank, known, known + 1) : veteran(rank, n - 1, n);
        });
        if (kinds.includes('no Resume') && kinds.includes('behind')) return;
        const { completed, contradicting } = settle(reports, [], known);
        expect(contradicting).toEqual([]);
        for (const report of reports) expect(completed).toBeGreaterThanOrEqual(report.completed);
      },
    ),
  );
});
