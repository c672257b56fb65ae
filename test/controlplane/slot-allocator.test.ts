import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateSlots, freeRanges, type SlotRange } from '../../controlplane/controller/slot-allocator.js';
import { PoolFullError } from '../../controlplane/errors.js';

const POOL = 512;

type Step = { readonly take: number } | { readonly free: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 200 }) }), fc.record({ free: fc.nat(20) })),
  { maxLength: 60 },
);

test('ranges never overlap, stay in the pool, and are refused only when none fits', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const owner = new Int32Array(POOL).fill(-1);
      const used: SlotRange[] = [];
      history.forEach((step, id) => {
        if ('free' in step) {
          const [gone] = used.splice(step.free % Math.max(used.length, 1), 1);
          if (gone) owner.fill(-1, gone.base, gone.base + gone.slots);
          return;
        }
        // The longest run of free slots, counted slot by slot.
        let longest = 0;
        for (let i = 0, run = 0; i < POOL; i++) longest = Math.max(longest, (run = owner[i] === -1 ? run + 1 : 0));
        if (step.take > longest) {
          expect(() => allocateSlots(POOL, used, step.take, 's1')).toThrow(PoolFullError);
          return;
        }
        const range = allocateSlots(POOL, used, step.take, 's1');
        expect(range.slots).toBe(step.take);
        for (let i = range.base; i < range.base + range.slots; i++) {
          expect(owner[i]).toBe(-1);
          owner[i] = id;
        }
        used.push(range);
      });
      const free = freeRanges(POOL, used);
      expect(free.reduce((sum, { slots }) => sum + slots, 0)).toBe(owner.filter((each) => each === -1).length);
    }),
  );
});

test('the smallest free range that is large enough is taken', () => {
  const used = [
    { base: 100, slots: 100 },
    { base: 210, slots: 290 },
  ];
  expect(freeRanges(POOL, used)).toEqual([
    { base: 0, slots: 100 },
    { base: 200, slots: 10 },
    { base: 500, slots: 12 },
  ]);
  expect(allocateSlots(POOL, used, 11, 's1')).toEqual({ base: 500, slots: 11 });
  expect(allocateSlots(POOL, used, 10, 's1')).toEqual({ base: 200, slots: 10 });
});

test('a refusal says what is free', () => {
  const used = [{ base: 100, slots: 400 }];
  expect(() => allocateSlots(POOL, used, 101, 'switch "s1"')).toThrow(
    'switch "s1" has no room for 101 slots: 112 of 512 are free (100 from slot 0, 12 from slot 500)',
  );
  expect(() => allocateSlots(POOL, [{ base: 0, slots: POOL }], 1, 'switch "s1"')).toThrow(
    'switch "s1" has no room for 1 slot: all 512 are in use',
  );
});
