/** Parts that fail while an operation is under way: no sum is wrong, and nothing is left behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGradients } from './support/files.js';
import { endAll, expectNothingLeft, run, temporaryFolder, type Run } from './support/run.js';
import { TARGETS } from './support/targets.js';

const WORKERS = 4;
const folder = temporaryFolder();
let pattern: string;

beforeAll(async () => {
  pattern = await writeGradients(folder.path, WORKERS, 150_000);
});
afterAll(async () => {
  await endAll();
  folder.remove();
});

/** A run whose one operation is under way, over links so slow that what follows happens during it. */
async function underWay(kind: string, ...more: string[]): Promise<Run> {
  const network = run([
    '--switch',
    kind,
    '--workers',
    String(WORKERS),
    '--in',
    pattern,
    '--bw',
    '1',
    '--json',
    '--events',
    '--control',
    ...more,
  ]);
  await network.event(({ event, share }) => event === 'progress' && share! > 0.1);
  return network;
}

async function done(network: Run, command: unknown): Promise<void> {
  const answer = network.event(({ event }) => event === 'done' || event === 'refused');
  network.send(command);
  expect(await answer).toEqual({ event: 'done', command });
}

for (const { kind, missing } of TARGETS) {
  describe(`with --switch ${kind}`, { timeout: 300_000 }, () => {
    it('a worker is killed: the others finish, with a sum of theirs alone', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = await underWay(kind, '--elastic');
      await done(network, { kill: 'worker', rank: 2 });
      const { code, report, errors } = await network.end;
      expect(report, errors).toMatchObject({ ok: true, identicalAcrossWorkers: true, outOfBound: 0, lost: [2] });
      expect(report!.layers.map(({ ranks }) => ranks)).toEqual([[0, 1, 3]]);
      expect(report!.partial).toBe('summed over 3 of 4 workers (rank 2 was lost)');
      expect(report!.restarts).toBeGreaterThanOrEqual(WORKERS - 1);
      expect(code).toBe(0);
      await expectNothingLeft(network);
    });

    it('a worker of a job that needs all is killed: the others fail, and name it', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = await underWay(kind);
      await done(network, { kill: 'worker', rank: 2 });
      const { code, report } = await network.end;
      expect(report).toMatchObject({ ok: false, error: { code: 'FPISA_CHILD' } });
      expect(report!.error!.message).toMatch(/rank 2 was lost and did not return within 15 s/);
      expect(code).toBe(6);
      await expectNothingLeft(network);
    });

    it('the switch is killed and started again: a new epoch sums everything anew', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = await underWay(kind);
      await done(network, { restart: 's1' });
      const { code, report, errors } = await network.end;
      expect(report, errors).toMatchObject({ ok: true, identicalAcrossWorkers: true, outOfBound: 0, lost: [] });
      expect(report!.layers.map(({ ranks }) => ranks)).toEqual([[0, 1, 2, 3]]);
      // Registers were lost, so no worker can have gone on with what it had.
      expect(report!.restarts).toBeGreaterThanOrEqual(WORKERS);
      expect(code).toBe(0);
      await expectNothingLeft(network);
    });

    it('the switch dies for good: one sentence says so', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = await underWay(kind);
      for (const pid of network.find(kind === 'bmv2' ? 'simple_switch_grpc' : 'fpisa.js switch'))
        process.kill(pid, 'SIGKILL');
      const { code, report } = await network.end;
      expect(report).toMatchObject({ ok: false, error: { code: 'FPISA_NETWORK' } });
      expect(report!.error!.message).toMatch(/^switch s1 \(\w+\) ended with code -9/);
      expect(code).toBe(6);
      await expectNothingLeft(network);
    });
  });
}

describe('in a tree', { timeout: 300_000 }, () => {
  const { kind, missing } = TARGETS.find((target) => target.missing === undefined) ?? TARGETS[0]!;

  it.for(['s1', 's2'])(
    'switch %s is killed and started again: a new epoch sums everything anew',
    async (name, { skip }) => {
      if (missing !== undefined) skip(missing);
      const network = await underWay(kind, '--tree');
      await done(network, { restart: name });
      const { report, errors } = await network.end;
      expect(report, errors).toMatchObject({
        ok: true,
        identicalAcrossWorkers: true,
        outOfBound: 0,
        lost: [],
        switches: ['s1', 's2', 's3'],
      });
      expect(report!.restarts).toBeGreaterThanOrEqual(WORKERS);
    },
  );

  it('all workers of a leaf are killed: the other leaf finishes alone', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const network = await underWay(kind, '--tree', '--elastic');
    await done(network, { kill: 'worker', rank: 0 });
    await done(network, { kill: 'worker', rank: 1 });
    const { report, errors } = await network.end;
    expect(report, errors).toMatchObject({ ok: true, identicalAcrossWorkers: true, outOfBound: 0, lost: [0, 1] });
    expect(report!.layers.map(({ ranks }) => ranks)).toEqual([[2, 3]]);
  });
});

describe('whatever the switch', { timeout: 300_000 }, () => {
  const { kind, missing } = TARGETS.find((target) => target.missing === undefined) ?? TARGETS[0]!;

  it('the controller is killed and started again: the operation goes on', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const network = await underWay(kind);
    await done(network, { restart: 'controller' });
    const { report, errors } = await network.end;
    expect(report, errors).toMatchObject({ ok: true, identicalAcrossWorkers: true, outOfBound: 0, lost: [] });
  });

  it('a worker fails: the run ends with its reason', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const other = temporaryFolder();
    try {
      const shapes = await writeGradients(other.path, 2, (rank) => 1000 + rank);
      const network = run(['--switch', kind, '--workers', '2', '--in', shapes, '--json']);
      const { code, report } = await network.end;
      expect(report!.error!.message).toMatch(/^worker \d on h\d ended with code 6: .*100\d/s);
      expect(code).toBe(6);
      await expectNothingLeft(network);
    } finally {
      other.remove();
    }
  });

  it('a worker is killed before the job runs: one sentence says when to kill', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const network = run([
      '--switch',
      kind,
      '--workers',
      '4',
      '--in',
      pattern,
      '--elastic',
      '--json',
      '--events',
      '--control',
    ]);
    await network.event(({ event }) => event === 'started');
    // Its process has begun, and cannot have joined: node takes longer to load.
    await done(network, { kill: 'worker', rank: 2 });
    const { code, report } = await network.end;
    expect(report).toMatchObject({ ok: false, error: { code: 'FPISA_NETWORK' } });
    expect(report!.error!.message).toMatch(
      /^worker 2 on h3 was killed before the job ran, and the job needs all 4 workers to begin: kill workers after the first "progress" of --events$/,
    );
    expect(code).toBe(6);
    await expectNothingLeft(network);
  });

  it.for(['SIGINT', 'SIGTERM'] as const)('%s ends it in order', async (signal, { skip }) => {
    if (missing !== undefined) skip(missing);
    const network = await underWay(kind);
    network.process.kill(signal);
    const { code, report } = await network.end;
    expect(report).toMatchObject({ ok: false, error: { code: 'FPISA_INTERRUPTED' } });
    expect(code).toBe(130);
    await expectNothingLeft(network);
  });

  it('its own violent death leaves no process and no interface', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const network = await underWay(kind);
    network.process.kill('SIGKILL');
    await network.end;
    await expect.poll(() => network.leftovers().processes).toEqual([]);
    expect(network.leftovers().interfaces).toEqual([]);
  });

  it('a command that makes no sense is refused, and changes nothing', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const network = await underWay(kind);
    for (const [command, why] of [
      [{ kill: 'worker', rank: 9 }, /no worker 9/],
      [{ restart: 's9' }, /one of s1/],
      [{ hug: 's1' }, /is not a command/],
    ] as const) {
      const answer = network.event(({ event }) => event === 'refused');
      network.send(command);
      expect((await answer).error).toMatch(why);
    }
    const { report, errors } = await network.end;
    expect(report, errors).toMatchObject({ ok: true, restarts: 0 });
  });
});
