import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHUNK_MODULUS,
  MAX_OPERATION_CHUNKS,
  operationBase,
  setOf,
  SlotWindow,
  slotOf,
} from '../../../host/allreduce/windowing.js';

describe('slot window', () => {
  it('sends a chunk only after the result of the chunk before it in its slot, the commit last, and each once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.nat(40),
        fc.nat(100),
        fc.infiniteStream(fc.nat(1000)),
        (slots, chunks, base, choices) => {
          const window = new SlotWindow(slots);
          window.start(base, chunks);
          const sent: number[] = [];
          const flying: number[] = [];
          const finished = new Set<number>();
          while (!window.complete) {
            for (let chunk = window.take(); chunk !== undefined; chunk = window.take()) {
              if (chunk >= slots) expect(finished.has(chunk - slots)).toBe(true);
              if (chunk === chunks) expect(finished.size).toBe(chunks);
              sent.push(chunk);
              flying.push(chunk);
            }
            expect(flying.length).toBeGreaterThan(0);
            expect(window.outstandingSlots()).toEqual(
              flying.map((chunk) => (base + chunk) % slots).sort((a, b) => a - b),
            );
            const [chunk] = flying.splice(choices.next().value % flying.length, 1);
            expect(window.finish(base + chunk!)).toBe(chunk);
            expect(window.finish(base + chunk!)).toBe(undefined);
            finished.add(chunk!);
          }
          expect(sent.sort((a, b) => a - b)).toEqual(Array.from({ length: chunks + 1 }, (_, i) => i));
        },
      ),
    );
  });

  it('sends in order, and never further ahead of the lowest unfinished chunk than its limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.nat(40),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.nat(1000)), { minLength: 1 }),
        (slots, chunks, steps) => {
          const window = new SlotWindow(slots);
          window.start(0, chunks);
          const flying = new Set<number>();
          let sent = 0;
          for (let step = 0; !window.complete; step++) {
            const [limit, choice] = steps[step % steps.length]!;
            window.limit(limit);
            const lowest = Math.min(sent, ...flying);
            for (let chunk = window.take(); chunk !== undefined; chunk = window.take()) {
              expect(chunk).toBe(sent++);
              if (chunk < chunks) expect(chunk).toBeLessThan(lowest + Math.max(1, Math.min(slots, limit)));
              flying.add(chunk);
            }
            // Whatever the limit, the lowest unfinished chunk is on its way.
            expect(flying.size).toBeGreaterThan(0);
            const chunk = [...flying][choice % flying.size]!;
            flying.delete(chunk);
            window.finish(chunk);
          }
        },
      ),
    );
  });

  it('lets the next operation follow its commit, whose result the next commit waits for, and takes it back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(fc.nat(12), fc.boolean()), { minLength: 2, maxLength: 5 }),
        fc.infiniteStream(fc.nat(1000)),
        (slots, operations, choices) => {
          const window = new SlotWindow(slots);
          const finished = new Set<number>();
          const flying: number[] = [];
          let base = 0;
          const sendAll = (): void => {
            for (let chunk = window.take(); chunk !== undefined; chunk = window.take()) {
              const number = base + chunk;
              if (number >= slots) expect(finished.has(number - slots)).toBe(true);
              flying.push(number);
            }
          };
          const finishOne = (): void => {
            expect(flying.length).toBeGreaterThan(0);
            expect(window.outstandingSlots()).toEqual(flying.map((each) => each % slots).sort((a, b) => a - b));
            expect(window.inFlight).toBe(flying.length);
            const [number] = flying.splice(choices.next().value % flying.length, 1);
            expect(window.finish(number!)).toBe(number! - base);
            finished.add(number!);
          };
          window.start(0, operations[0]![0]);
          for (const [i, [dataChunks, returns]] of operations.entries()) {
            for (sendAll(); !window.isCommitting; sendAll()) {
              // Of this operation's commit, nothing is heard before the one before has its result.
              if (window.previousInFlight) expect(flying).not.toContain(base + dataChunks);
              finishOne();
            }
            const next = operations[i + 1];
            if (next === undefined) break;
            const before = base;
            const commit = base + dataChunks;
            window.follow(next[0]);
            base = commit + 1;
            sendAll();
            if (!returns) continue;
            window.retreat(dataChunks);
            base = before;
            expect(window.outstandingSlots()).toEqual([commit % slots]);
            expect(window.isCommitting).toBe(true);
            window.follow(next[0]);
            base = commit + 1;
            flying.splice(0, flying.length, commit);
          }
          finishOne();
          expect(window.complete).toBe(true);
        },
      ),
    );
  });

  it('knows no chunk that is not in flight', () => {
    const window = new SlotWindow(4);
    window.start(100, 10);
    window.take();
    for (const number of [99, 101, 104, 110, 111, 2 ** 32 - 1]) expect(window.finish(number)).toBe(undefined);
    expect(window.finish(100)).toBe(0);
  });
});

describe('numbers', () => {
  it('alternate the set each time a slot comes round', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((chunk) => [slotOf(chunk, 3), setOf(chunk, 3)])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [0, 1],
      [1, 1],
      [2, 1],
      [0, 0],
    ]);
    expect(setOf(2 ** 32 - 1, 1)).toBe(1);
  });

  it('go on without a gap, and jump over the wrap into the set that the last commit is not in', () => {
    expect(operationBase(17, 5, 3)).toBe(17);
    expect(operationBase(CHUNK_MODULUS - 5, 5, 3)).toBe(CHUNK_MODULUS - 5);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 1000 }), (slots, left) => {
        const base = operationBase(CHUNK_MODULUS - left, left + 1, slots);
        expect(slotOf(base, slots)).toBe(0);
        expect(setOf(base, slots)).not.toBe(setOf(CHUNK_MODULUS - left - 1, slots));
        // Newer than the last commit in serial-number arithmetic.
        expect((base - (CHUNK_MODULUS - left - 1)) | 0).toBeGreaterThan(0);
      }),
    );
    expect(() => operationBase(0, MAX_OPERATION_CHUNKS + 1, 4)).toThrow(/the maximum is 1073741824/);
  });
});
