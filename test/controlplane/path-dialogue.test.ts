/** What members are asked about their ways, and when the epoch begins. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PacketSizes } from '../../controlplane/controller/packet-sizes.js';
import { PathDialogue } from '../../controlplane/controller/path-dialogue.js';
import type { Attached } from '../../controlplane/controller/roster.js';
import type { ControllerMessage } from '../../controlplane/messages.js';
import { member, STEPS } from './session-world.helpers.js';

const TIMEOUT_MS = 1000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function dialogue(steps: readonly number[] = STEPS) {
  const told: [number, ControllerMessage][] = [];
  const settled = vi.fn();
  const attached = (rank: number, followsPacketValues = true): Attached => ({
    member: member(rank),
    link: { send: (message) => void told.push([rank, message]), end: () => undefined },
    announcements: [],
    followsPacketValues,
  });
  const sizes = new PacketSizes(() => steps);
  const paths = new PathDialogue(sizes, TIMEOUT_MS);
  const answer = (rank: number, values: number): void => paths.answer(rank, { epoch: 1, values });
  return { told, settled, attached, sizes, paths, answer };
}

/** Members 0, 1 and 2 have been asked. */
function begun() {
  const all = dialogue();
  const { attached, paths, settled } = all;
  paths.begin(1, [attached(0), attached(1), attached(2)], settled);
  return all;
}

test('all members are asked, and the last answer settles it: the least that any has found', () => {
  const { told, settled, sizes, paths, answer } = begun();
  expect(told).toEqual([0, 1, 2].map((rank) => [rank, { tryPath: { epoch: 1 } }]));
  answer(0, 1024);
  answer(2, 256);
  // Once more from one that has answered: the later one holds, and the other is still awaited.
  answer(0, 64);
  expect(paths.open).toBe(true);
  expect(settled).not.toHaveBeenCalled();
  // No packet came through, so that nothing is known of this way.
  answer(1, 0);
  expect(settled).toHaveBeenCalledOnce();
  expect(paths.open).toBe(false);
  sizes.choose();
  expect([sizes.current, sizes.announced]).toEqual([64, 64]);
  expect(sizes.describe()).toBe('packets of up to 64 values instead of 1024: the path of worker 0 carries no more');
  expect([0, 1, 2].map((rank) => sizes.of(rank))).toEqual([64, 0, 256]);
  vi.advanceTimersByTime(10 * TIMEOUT_MS);
  expect(settled).toHaveBeenCalledOnce();
});

test('without all answers it is settled when the time is over, by those that came', () => {
  const { settled, sizes, paths, answer } = begun();
  answer(1, 256);
  vi.advanceTimersByTime(TIMEOUT_MS - 1);
  expect(settled).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(settled).toHaveBeenCalledOnce();
  expect(paths.open).toBe(false);
  sizes.choose();
  expect(sizes.current).toBe(256);
});

test('what is overtaken by another epoch settles nothing', () => {
  const { settled, paths, attached, answer } = begun();
  paths.stop();
  vi.advanceTimersByTime(10 * TIMEOUT_MS);
  const later = vi.fn();
  paths.begin(2, [attached(0)], later);
  answer(0, 64);
  expect(settled).not.toHaveBeenCalled();
  expect(later).toHaveBeenCalledOnce();
});

test('answers of an epoch before are forgotten when another begins', () => {
  const { sizes, paths, attached, settled, answer } = begun();
  answer(0, 64);
  paths.begin(2, [attached(0), attached(1)], settled);
  answer(0, 256);
  answer(1, 1024);
  sizes.choose();
  expect(sizes.current).toBe(256);
});

test('nobody is asked where packets have one length, or one of the members takes only the largest', () => {
  const fixed = dialogue([64]);
  fixed.paths.begin(1, [fixed.attached(0)], fixed.settled);
  expect(fixed.told).toEqual([]);
  expect(fixed.settled).toHaveBeenCalledOnce();
  fixed.sizes.choose();
  expect([fixed.sizes.current, fixed.sizes.announced, fixed.sizes.describe()]).toEqual([64, 0, '']);

  const mixed = dialogue();
  mixed.paths.begin(1, [mixed.attached(0), mixed.attached(1, false)], mixed.settled);
  expect(mixed.told).toEqual([]);
  expect(mixed.settled).toHaveBeenCalledOnce();
  mixed.sizes.choose();
  expect(mixed.sizes.announced).toBe(1024);
});

test('a way that carries less than the packets of the epoch is told apart from one that carries no less', () => {
  const { sizes, answer } = begun();
  for (const rank of [0, 1, 2]) answer(rank, 256);
  sizes.choose();
  expect([0, 256, 1024].map((values) => sizes.narrow(1, { epoch: 1, values }))).toEqual([false, false, false]);
  expect(sizes.of(1)).toBe(256);
  expect(sizes.narrow(1, { epoch: 1, values: 64 })).toBe(true);
  expect(sizes.of(1)).toBe(64);
});

test('a size that packets do not have is refused', () => {
  const { sizes, paths, answer } = begun();
  const refusal = /worker 1 reports a path for packets of 100 values, where they have 64, 256, 1024/;
  expect(() => answer(1, 100)).toThrow(refusal);
  expect(paths.open).toBe(true);
  expect(() => sizes.narrow(1, { epoch: 1, values: 100 })).toThrow(refusal);
});
