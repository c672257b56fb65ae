import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { POOL_SLOTS } from '../../protocol/constants.js';
import { DEFAULT_SLOTS, newJob, nextEpoch, withJob, withoutJob } from '../../controlplane/controller/jobs.js';
import { profileParams, resolveJobProfile } from '../../controlplane/controller/profile.js';
import { ProfileNotOfferedError } from '../../controlplane/errors.js';
import { emptyState, type ControllerState } from '../../controlplane/controller/state.js';
import type { CreateJobRequest } from '../../controlplane/messages.js';
import { switchConfig } from './site.helpers.js';

function stateWith(...switches: string[]): ControllerState {
  const configs = switches.map((name) => switchConfig('127.0.0.1:9559', { name }));
  return { ...emptyState(7), switches: Object.fromEntries(configs.map((config) => [config.name, config])) };
}

describe('newJob', () => {
  const create = (state: ControllerState, request: Partial<CreateJobRequest>): ControllerState =>
    withJob(state, newJob(state, { name: 'a', workers: 2, ...request }));

  test('defaults', () => {
    expect(newJob(stateWith('s1'), { name: 'a', workers: 2 })).toMatchObject({
      switchName: 's1',
      number: 0,
      multicastGroup: 1,
      slotBase: 0,
      slots: DEFAULT_SLOTS,
      epoch: 0,
      profile: {
        name: 'fpisa',
        format: 'fp32',
        mode: 'full',
        guard: 6,
        alignment: 'nearest-even',
        rounding: 'nearest-even',
        leftShiftLimit: 0,
      },
    });
  });

  test('numbers and groups are unique per switch, slots do not overlap', () => {
    const requests = fc.array(
      fc.record({
        switchName: fc.constantFrom('s1', 's2'),
        slots: fc.integer({ min: 1, max: 90 }),
        remove: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(requests, (list) => {
        let state = stateWith('s1', 's2');
        list.forEach(({ switchName, slots, remove }, i) => {
          const present = Object.values(state.jobs);
          if (remove && present[0]) {
            state = withoutJob(state, present[0]);
            return;
          }
          try {
            state = create(state, { name: `job${i}`, switchName, slots });
          } catch (error) {
            expect((error as Error).message).toMatch(/has no room for/);
          }
        });
        for (const name of ['s1', 's2']) {
          const jobs = Object.values(state.jobs).filter((job) => job.switchName === name);
          expect(new Set(jobs.map(({ number }) => number)).size).toBe(jobs.length);
          expect(new Set(jobs.map(({ multicastGroup }) => multicastGroup)).size).toBe(jobs.length);
          const taken = new Uint8Array(POOL_SLOTS);
          for (const job of jobs) for (let i = 0; i < job.slots; i++) expect(taken[job.slotBase + i]!++).toBe(0);
        }
      }),
    );
  });

  test('a job never starts in an epoch that its slots have seen', () => {
    let state = create(stateWith('s1'), {});
    state = withJob(state, { ...state.jobs['a']!, epoch: 9 });
    state = withoutJob(state, state.jobs['a']!);
    state = create(state, { name: 'b' });
    expect(nextEpoch(state, state.jobs['b']!)).toBe(10);
  });

  test.each([
    ['', /"" is not a job name: 1 to 63 letters, digits, dots, hyphens and underscores/],
    ['a b', /"a b" is not a job name/],
    ['-a', /"-a" is not a job name/],
    ['x'.repeat(64), /is not a job name/],
  ])('name %j', (name, message) => {
    expect(() => newJob(stateWith('s1'), { name, workers: 1 })).toThrow(message);
  });

  test.each([
    [{ name: 'a' }, /a job named "a" exists already \(jobs: a\)/],
    [{ name: 'b', workers: 0 }, /a job has 1 to 32 workers, not 0/],
    [{ name: 'b', workers: 33 }, /a job has 1 to 32 workers, not 33/],
    [{ name: 'b', slots: 513 }, /a job has 1 to 512 slots, not 513/],
    [{ name: 'b', slots: 449 }, /switch "s1" has no room for 449 slots: 448 of 512 are free \(448 from slot 64\)/],
    [{ name: 'b', switchName: 's3' }, /there is no switch "s3" \(switches: s1, s2\)/],
    [{ name: 'b', switchName: '' }, /specify the switch of the job: one of s1, s2/],
    [{ name: '__proto__' }, /is not a job name/],
  ])('%j is refused', (request, message) => {
    const state = create(stateWith('s1', 's2'), { switchName: 's1' });
    expect(() => create(state, { switchName: 's1', ...request })).toThrow(message);
  });

  test('a controller without switches', () => {
    expect(() => newJob(stateWith(), { name: 'a', workers: 1 })).toThrow(
      'the controller has no switch to put a job on',
    );
  });
});

describe('profile', () => {
  test.each([
    [{ workers: 8 }, { mode: 0, format: 0, guard: 4, rounding: 1, left_shift_limit: 0, alignment: 1 }],
    [{ workers: 1 }, { mode: 0, format: 0, guard: 7, rounding: 1, left_shift_limit: 0, alignment: 1 }],
    [
      { workers: 8, profile: 'fpisa-paper' },
      { mode: 0, format: 0, guard: 0, rounding: 0, left_shift_limit: 0, alignment: 0 },
    ],
    [
      { workers: 8, profile: 'fpisa-a' },
      { mode: 1, format: 0, guard: 0, rounding: 0, left_shift_limit: 7, alignment: 0 },
    ],
    [
      { workers: 8, profile: 'fpisa-a', leftShiftLimit: 3 },
      { mode: 1, format: 0, guard: 0, rounding: 0, left_shift_limit: 3, alignment: 0 },
    ],
    [
      { workers: 8, profile: 'int32' },
      { mode: 0, format: 1, guard: 0, rounding: 0, left_shift_limit: 0, alignment: 0 },
    ],
    [
      { workers: 8, guard: 2, rounding: 'truncate' },
      { mode: 0, format: 0, guard: 2, rounding: 0, left_shift_limit: 0, alignment: 1 },
    ],
    [
      { workers: 8, alignment: 'floor' },
      { mode: 0, format: 0, guard: 4, rounding: 1, left_shift_limit: 0, alignment: 0 },
    ],
    [
      { workers: 8, profile: 'fpisa-a', alignment: 'nearest-even' },
      { mode: 1, format: 0, guard: 0, rounding: 0, left_shift_limit: 7, alignment: 1 },
    ],
  ])('%j becomes the parameters of fpisa.join', (request, params) => {
    expect(profileParams(resolveJobProfile({ name: 'a', ...request }))).toEqual(params);
  });

  describe('on a build that does not compute every profile', () => {
    const onRestricted = (request: Partial<CreateJobRequest>) => () => {
      const config = switchConfig('127.0.0.1:9559', {
        name: 'leaf',
        build: 'fpisa-a-n16',
        parent: { switch: 'top', port: 8, parentPort: 9 },
      });
      const state = stateWith('top');
      return newJob({ ...state, switches: { ...state.switches, leaf: config } }, { name: 'a', workers: 2, ...request });
    };

    test.each<Partial<CreateJobRequest>>([
      { profile: 'fpisa-a' },
      { profile: 'int32' },
      // The same numbers by another name.
      { profile: 'fpisa-paper', mode: 'approximate' },
    ])('%j is taken', (request) => {
      expect(onRestricted(request)).not.toThrow();
    });

    test.each<[Partial<CreateJobRequest>, string]>([
      [{}, 'profile fpisa'],
      [{ profile: 'fpisa-paper' }, 'profile fpisa-paper'],
      [
        { profile: 'fpisa-a', leftShiftLimit: 3 },
        'a profile of fp32, mode approximate, guard 0, alignment floor, rounding truncate, left-shift limit 3',
      ],
      [
        { profile: 'fpisa-paper', guard: 2 },
        'a profile of fp32, mode full, guard 2, alignment floor, rounding truncate',
      ],
      [
        { profile: 'fpisa-a', alignment: 'nearest-even' },
        'a profile of fp32, mode approximate, guard 0, alignment nearest-even, rounding truncate, left-shift limit 7',
      ],
    ])('%j is refused, whichever switch of the tree cannot', (request, what) => {
      expect(onRestricted(request)).toThrow(
        new ProfileNotOfferedError(what, 'leaf', 'fpisa-a-n16', ['fpisa-a', 'int32']),
      );
    });
  });

  test.each([
    [{ workers: 8, profile: 'fpsia' }, /unknown preset 'fpsia', valid are: fpisa, fpisa-paper, fpisa-a, int32/],
    [{ workers: 8, rounding: 'up' }, /unknown rounding 'up', valid are: truncate, nearest-even/],
    [{ workers: 8, alignment: 'up' }, /unknown alignment 'up', valid are: floor, nearest-even/],
    [{ workers: 8, guard: 5 }, /for 8 workers the guard is at most 4, with guard 5 at most 4 workers fit/],
  ])('%j is refused', (request, message) => {
    expect(() => resolveJobProfile({ name: 'a', ...request })).toThrow(message);
  });
});
