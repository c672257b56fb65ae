import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { Worker, writeNpy } from '../../host/index.js';
import { marked } from '../e2e/support/data.js';
import { message } from '../e2e/support/forge.js';
import { ControllerClient } from '../../controlplane/index.js';
import { diagnose as findingsOf } from '../../cli/doctor/diagnose.js';
import { takeReading } from '../../cli/doctor/reading.js';
import { Command, fpisa, onEnd, onlyJson, scratch, type Ended } from './support/command.js';
import { Site } from './support/site.js';

interface Verdict {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly level: 'fault' | 'note';
    readonly subject: string;
    readonly finding: string;
    readonly remedy: string;
  }[];
}

/** Its JSON output, which must agree with its exit code. */
async function diagnose(run: (...args: string[]) => Promise<Ended>, ...args: string[]): Promise<Verdict> {
  const ended = await run('doctor', '--json', ...args);
  const verdict = onlyJson<Verdict>(ended);
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: verdict.ok ? 0 : 1, stderr: '' });
  expect(verdict.ok).toBe(verdict.findings.every(({ level }) => level !== 'fault'));
  for (const { remedy } of verdict.findings) expect(remedy).not.toBe('');
  return verdict;
}

/** Waits for a state that comes by itself. */
async function until(run: () => Promise<Verdict>, fits: (verdict: Verdict) => boolean): Promise<Verdict> {
  for (;;) {
    const verdict = await run();
    if (fits(verdict)) return verdict;
  }
}

async function input(site: Site): Promise<string> {
  const path = site.file('in.npy');
  await writeNpy(path, { tensors: new Map([['x', { shape: [40], data: marked(0, 40) }]]), metadata: {} });
  return path;
}

describe('fpisa doctor', () => {
  it('a controller without a switch', async () => {
    const keeper = new Command(['controller', '--json', '--listen', '127.0.0.1:0']);
    const { controller } = await keeper.line();
    const verdict = await diagnose((...args) => fpisa(...args, '--controller', controller as string));
    expect(verdict.findings).toEqual([
      {
        level: 'fault',
        subject: 'controller',
        finding: 'it has no switch',
        remedy: 'start it with --switch or --config',
      },
    ]);
  });

  it('a switch that is not there', async () => {
    const keeper = new Command([
      'controller',
      '--json',
      '--listen',
      '127.0.0.1:0',
      '--store',
      `${scratch()}/store.json`,
      '--switch',
      '127.0.0.1:1',
      '--ports',
      '2',
    ]);
    const controller = (await keeper.line())['controller'] as string;
    const run = (...args: string[]): Promise<Ended> => fpisa(...args, '--controller', controller);
    const verdict = await until(
      () => diagnose(run),
      ({ findings }) => !findings[0]!.finding.startsWith('connecting'),
    );
    expect(verdict.findings).toEqual([
      {
        level: 'fault',
        subject: 'switch s1',
        finding: expect.stringMatching(/^unreachable at 127\.0\.0\.1:1: .*ECONNREFUSED/) as string,
        remedy: 'start the switch, or correct its address: the controller keeps trying 127.0.0.1:1',
      },
    ]);
    // A job can be created nevertheless; what is missing is named for each part.
    expect(await run('job', 'create', 'training', '--workers', '2')).toMatchObject({ code: 0 });
    expect((await diagnose(run)).findings.map(({ subject }) => subject)).toEqual(['switch s1', 'job training']);
  });

  it('everything well; a missing worker; packets that were dropped', async () => {
    const site = await Site.start({ ports: 3 });
    const run = (...args: string[]): Promise<Ended> => site.run(...args);
    await until(
      () => diagnose(run),
      ({ ok }) => ok,
    );
    expect(onlyJson(await site.run('doctor', '--json'))).toMatchObject({
      transport: expect.stringMatching(/^(batches|node:dgram)/) as string,
    });
    expect((await site.run('doctor')).stdout).toBe('inspected 1 switch and 0 jobs: no fault\n');

    expect(await site.run('job', 'create', 'training', '--workers', '3')).toMatchObject({ code: 0 });
    expect(await site.run('doctor')).toMatchObject({
      code: 0,
      stdout:
        'note   job training: idle, no worker is connected; none needed; it begins when its 3 workers start with --job training\ninspected 1 switch and 1 job: no fault\n',
    });
    const path = await input(site);
    const workers = [0, 2].map((rank) => site.worker('training', rank, path, site.file(`out-${rank}.npy`)));
    await Promise.all(workers.map((worker) => worker.line(({ event }) => event === 'joined')));
    const missing = await diagnose(run);
    expect(missing.findings).toEqual([
      {
        level: 'fault',
        subject: 'job training',
        finding: 'waiting, without worker 1 of 3',
        remedy: expect.stringMatching(/^start .*--job training/) as string,
      },
    ]);
    const { code, stdout } = await site.run('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^FAULT {2}job training: waiting, without worker 1 of 3; start .*\ninspected 1 switch and 1 job: 1 fault\n$/,
    );

    const last = site.worker('training', 1, path, site.file('out-1.npy'));
    expect(await Promise.all([...workers, last].map(async (worker) => (await worker.ended).code))).toEqual([0, 0, 0]);

    // Another program sends a message that no worker of this version sends.
    const socket = createSocket('udp4');
    const [host, port] = site.ports['2']!.split(':');
    const datagram = message({}, 96);
    datagram[2] = 9;
    for (let i = 0; i < 5; i++)
      await new Promise<void>((resolve) => socket.send(datagram, Number(port), host, () => resolve()));
    socket.close();
    // Whether the cause persists or has ended, the drops are reported by reason.
    const dropped = await until(
      () => diagnose(run, '--job', 'training'),
      ({ findings }) => findings.some(({ finding }) => finding.includes('BAD_VERSION')),
    );
    const named = dropped.findings.find(({ finding }) => finding.includes('BAD_VERSION'))!;
    expect(named).toMatchObject({
      subject: 'switch s1',
      finding: expect.stringMatching(/dropped 5 packets of another protocol version/) as string,
    });
    expect(named.remedy).toMatch(/the same version of fpisa/);
  });

  it('a worker that hangs', async () => {
    const site = await Site.start({ ports: 2 });
    await site.run('job', 'create', 'training', '--workers', '2', '--elastic');
    const path = await input(site);
    const hanging = site.worker('training', 1, path, site.file('out-1.npy'));
    await hanging.line(({ event }) => event === 'joined');
    hanging.kill('SIGSTOP');
    // The other one joins from here: until the controller drops the first there is no time for a process to begin in on a busy machine.
    const other = await Worker.join({ controller: site.address, job: 'training', rank: 0 });
    onEnd(() => other.close());
    const client = new ControllerClient(site.address);
    onEnd(() => client.close());
    await expect
      .poll(async () => {
        const reading = await takeReading(client, 'training');
        return findingsOf({ before: reading, after: reading, seconds: 0 }).map(
          ({ subject, finding }) => `${subject}: ${finding}`,
        );
      })
      .toEqual(['job training: a new epoch (1) has not begun, because a member has not answered']);
    expect(await other.allreduce(marked(0, 40))).toMatchObject({ workers: 1 });
  });

  it('a job that is not there lists those that are', async () => {
    const site = await Site.start({ ports: 1 });
    await site.run('job', 'create', 'present', '--workers', '1');
    const ended = await site.run('doctor', '--job', 'absent', '--json');
    expect(onlyJson(ended)).toMatchObject({
      ok: false,
      error: { code: 'FPISA_UNKNOWN_JOB', message: expect.stringContaining('(jobs: present)') as string },
    });
    expect(ended.code).toBe(4);
  });
});
