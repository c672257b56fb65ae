import { beforeAll, describe, expect, it } from 'vitest';
import { writeNpy } from '../../host/index.js';
import { expectFailure, fpisa, onlyJson, type Ended } from './support/command.js';
import { Site } from './support/site.js';

interface Job {
  readonly name: string;
  readonly workers: number;
  readonly slots: number;
  readonly state: string;
  readonly profile: { readonly name: string; readonly guard: number };
}

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 2 });
});

function job(...args: string[]): Promise<Ended> {
  return site.run('job', ...args);
}

/** A job that no other test uses. */
async function created(name: string, ...args: string[]): Promise<Job> {
  const ended = await job('create', name, '--json', ...args);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return onlyJson<Job>(ended);
}

describe('fpisa job', () => {
  it('create, list, show, delete: as text', async () => {
    const { code, stdout } = await job('create', 'training', '--workers', '4');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^job training: waiting, 4 workers, epoch 0\n.*slots \d+ to \d+\nprofile fpisa: fp32, full, 5 guard digits, alignment nearest-even, rounding nearest-even\nvalues per packet: up to \d+\n$/,
      ) as string,
    });
    expect((await job('list')).stdout).toMatch(
      /^job +switch +state +workers .*\n-.*\ntraining +s1 +waiting +0\/4 +64 +fpisa/,
    );
    expect((await job('show', 'training')).stdout).toMatch(/^job training: waiting.*\nCONTRIBUTION +0\n/s);
    expect(await job('delete', 'training')).toMatchObject({ code: 0, stdout: 'job training deleted\n' });
    expect((await job('list')).stdout).toMatch(/^no jobs; "fpisa job create NAME --workers N" creates one$/m);
  });

  it('the same as JSON, one object each', async () => {
    expect(await created('first', '--workers', '2', '--slots', '16')).toMatchObject({
      name: 'first',
      workers: 2,
      slots: 16,
      state: 'waiting',
      profile: { name: 'fpisa', guard: 6 },
    });
    expect(await created('second', '--workers', '3', '--profile', 'int32')).toMatchObject({
      profile: { name: 'int32' },
    });
    const { jobs } = onlyJson<{ jobs: Job[] }>(await job('list', '--json'));
    expect(jobs.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(onlyJson(await job('show', 'first', '--json'))).toMatchObject({
      name: 'first',
      events: { CONTRIBUTION: 0, RESULT: 0 },
    });
    for (const name of ['first', 'second'])
      expect(onlyJson(await job('delete', name, '--json'))).toEqual({ ok: true, deleted: name });
    expect(onlyJson(await job('list', '--json'))).toEqual({ jobs: [] });
  });

  it("a profile of one's own", async () => {
    const own = await created(
      'own',
      '--workers',
      '4',
      '--profile',
      'fpisa-paper',
      '--guard',
      '3',
      '--rounding',
      'nearest-even',
      '--alignment',
      'nearest-even',
    );
    expect(own.profile).toMatchObject({
      name: 'custom',
      guard: 3,
      alignment: 'nearest-even',
      rounding: 'nearest-even',
    });
    expect((await job('show', 'own')).stdout).toContain(
      'profile custom: fp32, full, 3 guard digits, alignment nearest-even, rounding nearest-even\n',
    );
    await job('delete', 'own');
  });

  it('a guard that is too large: names the largest that fits', async () => {
    expectFailure(
      await job('create', 'wide', '--workers', '8', '--guard', '5'),
      2,
      /for 8 workers the guard is at most 4, with guard 5 at most 4 workers fit/,
    );
    expect((await created('wide', '--workers', '8', '--guard', '4')).profile.guard).toBe(4);
    await job('delete', 'wide');
  });

  it('twice the same name; a name that cannot be; more slots than are left', async () => {
    await created('taken', '--workers', '2');
    expectFailure(
      await job('create', 'taken', '--workers', '2'),
      4,
      /a job named "taken" exists already \(jobs: taken\)/,
    );
    expectFailure(
      await job('create', 'no spaces', '--workers', '2'),
      2,
      /"no spaces" is not a job name: 1 to 63 letters, digits/,
    );
    expectFailure(await job('create', 'huge', '--workers', '2', '--slots', '500'), 4, /no room for 500 slots/);
    expectFailure(
      await job('create', 'elsewhere', '--workers', '2', '--switch', 's9'),
      4,
      /there is no switch "s9" \(switches: s1\)/,
    );
    await job('delete', 'taken');
  });

  it.each(['show', 'delete'])('%s of a job that is not there lists those that are', async (command) => {
    await created('present', '--workers', '2');
    expectFailure(await job(command, 'absent'), 4, /there is no job "absent" \(jobs: present\)/);
    const ended = await job(command, 'absent', '--json');
    expect(onlyJson(ended)).toMatchObject({
      ok: false,
      error: { code: 'FPISA_UNKNOWN_JOB', message: expect.stringContaining('(jobs: present)') as string },
    });
    expect(ended.code).toBe(4);
    await job('delete', 'present');
  });

  it('delete of a job with workers wants --force', async () => {
    await created('busy', '--workers', '2');
    await writeNpy(site.file('x.npy'), {
      tensors: new Map([['x', { shape: [1], data: Float32Array.of(1) }]]),
      metadata: {},
    });
    const worker = site.worker('busy', 0, site.file('x.npy'), site.file('y.npy'));
    await worker.line(({ event }) => event === 'joined');
    expectFailure(
      await job('delete', 'busy'),
      4,
      /job "busy" has connected workers \(ranks 0\); stop them, or force the deletion/,
    );
    expect(await job('delete', 'busy', '--force')).toMatchObject({ code: 0 });
    const { code, stdout } = await worker.ended;
    expect(stdout).toMatch(/"message":"[^\n]*job \\"busy\\" was deleted/);
    expect(code).toBe(4);
  });
});

describe('fpisa job on a build that does not compute every profile', () => {
  let restricted: Site;
  beforeAll(async () => {
    restricted = await Site.start({ ports: 2, build: 'fpisa-a-n16' });
  });

  it.each([
    ['--profile fpisa', 'profile fpisa'],
    ['', 'profile fpisa'],
    [
      '--profile fpisa-a --rounding nearest-even',
      'a profile of fp32, mode approximate, guard 0, alignment floor, rounding nearest-even, left-shift limit 7',
    ],
    [
      '--profile fpisa-a --alignment nearest-even',
      'a profile of fp32, mode approximate, guard 0, alignment nearest-even, rounding truncate, left-shift limit 7',
    ],
  ])('"%s" is refused with the profiles that there are', async (flags, what) => {
    const args = ['job', 'create', 'refused', '--workers', '2', ...flags.split(' ').filter((flag) => flag !== '')];
    const message = `switch "s1" runs build fpisa-a-n16, which does not compute ${what} (its profiles: fpisa-a, int32)`;
    const ended = await restricted.run(...args, '--json');
    expect(onlyJson(ended)).toMatchObject({
      ok: false,
      error: { code: 'FPISA_PROFILE_NOT_OFFERED', message: expect.stringContaining(message) as string },
    });
    expect(ended.code).toBe(4);
  });

  it('what it offers is taken', async () => {
    for (const profile of ['fpisa-a', 'int32']) {
      expect(
        onlyJson(await restricted.run('job', 'create', profile, '--workers', '2', '--profile', profile, '--json')),
      ).toMatchObject({ profile: { name: profile } });
    }
  });
});

describe('without a controller', () => {
  it.each(['job list', 'job create training --workers 2', 'doctor'])(
    'fpisa %s says where it looked, and what mends it',
    async (line) => {
      expectFailure(
        await fpisa(...line.split(' '), '--controller', '127.0.0.1:1'),
        3,
        /no controller answers at 127\.0\.0\.1:1: .*ECONNREFUSED.*; start one with "fpisa controller", or name another with --controller\n$/,
      );
    },
  );
});
