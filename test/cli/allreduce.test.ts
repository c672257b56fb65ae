import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTensorFile, writeTensorFile, type Tensor } from '../../host/index.js';
import { expectSameBits, floats, integers, marked, markedSum, roundedSum } from '../e2e/support/data.js';
import { Command, expectFailure, onlyJson, type Ended } from './support/command.js';
import { Site } from './support/site.js';

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 3 });
});

let files = 0;

/** Writes tensors to a new file. */
async function tensorFile(
  extension: 'npy' | 'safetensors',
  tensors: Readonly<Record<string, Tensor>>,
): Promise<string> {
  const path = site.file(`in-${files++}.${extension}`);
  const entries = Object.entries(tensors).map(([name, data]) => [name, { shape: [data.length], data }] as const);
  await writeTensorFile(path, { tensors: new Map(entries), metadata: {} });
  return path;
}

async function tensor(path: string, name?: string): Promise<Tensor> {
  const { tensors } = await readTensorFile(path);
  return (name === undefined ? [...tensors.values()][0]! : tensors.get(name)!).data;
}

async function job(name: string, ...args: string[]): Promise<void> {
  expect(await site.run('job', 'create', name, '--slots', '16', ...args)).toMatchObject({ code: 0 });
}

function allreduce(...args: string[]): Promise<Ended> {
  return site.run('allreduce', ...args);
}

interface Done {
  readonly ok: boolean;
  readonly rank: number;
  readonly tensors: readonly {
    readonly tensors: readonly string[];
    readonly elements: number;
    readonly workers: number;
  }[];
}

describe('fpisa allreduce', () => {
  it('sums .npy files of three processes', async () => {
    await job('sum', '--workers', '3');
    const inputs = [0, 1, 2].map((rank) => floats(rank, 2000, 5));
    const paths = await Promise.all(inputs.map((data) => tensorFile('npy', { x: data })));
    const ends = await Promise.all(
      paths.map((path, rank) =>
        allreduce(
          '--job',
          'sum',
          '--rank',
          String(rank),
          '--in',
          path,
          '--out',
          site.file(`sum-${rank}.npy`),
          '--json',
        ),
      ),
    );
    for (const [rank, ended] of ends.entries()) {
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(onlyJson<Done>(ended)).toMatchObject({ ok: true, rank, tensors: [{ elements: 2000, workers: 3 }] });
      expectSameBits(await tensor(site.file(`sum-${rank}.npy`)), roundedSum(inputs));
    }
  });

  it('means of .safetensors, every tensor on its own, as text', async () => {
    await job('mean', '--workers', '2');
    const inputs = [0, 1].map((rank) => ({ bias: marked(rank, 3), weight: marked(rank, 100) }));
    const paths = await Promise.all(inputs.map((tensors) => tensorFile('safetensors', tensors)));
    const ends = await Promise.all(
      paths.map((path, rank) =>
        allreduce(
          '--job',
          'mean',
          '--rank',
          String(rank),
          '--in',
          path,
          '--out',
          site.file(`mean-${rank}.safetensors`),
          '--op',
          'mean',
          '--each',
        ),
      ),
    );
    for (const [rank, { code, stdout, stderr }] of ends.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^joined job mean as worker \d of 2\n.*: bias: 3 elements in \d+ ms.*\n.*: weight: 100 elements .*\nwrote .*\n$/,
      );
      expectSameBits(
        await tensor(site.file(`mean-${rank}.safetensors`), 'weight'),
        markedSum([0, 1], 100).map((sum) => sum / 2),
      );
      expectSameBits(
        await tensor(site.file(`mean-${rank}.safetensors`), 'bias'),
        markedSum([0, 1], 3).map((sum) => sum / 2),
      );
    }
  });

  it('integers, in a job of integers', async () => {
    await job('integers', '--workers', '2', '--profile', 'int32');
    const inputs = [0, 1].map((rank) => integers(rank, 50, 1e6));
    const paths = await Promise.all(inputs.map((data) => tensorFile('npy', { x: data })));
    const ends = await Promise.all(
      paths.map((path, rank) =>
        allreduce('--job', 'integers', '--rank', String(rank), '--in', path, '--out', site.file(`int-${rank}.npy`)),
      ),
    );
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expectSameBits(
      await tensor(site.file('int-1.npy')),
      inputs[0]!.map((value, i) => value + inputs[1]![i]!),
    );
  });

  it('floats in a job of integers are refused', async () => {
    await job('whole', '--workers', '1', '--profile', 'int32');
    const path = await tensorFile('npy', { x: marked(0, 4) });
    expectFailureAfterJoining(
      await allreduce('--job', 'whole', '--rank', '0', '--in', path, '--out', site.file('never.npy')),
      2,
      /tensor 0 is a Float32Array; a job of format int32 takes Int32Array/,
    );
  });

  it('files of different shapes: both processes say so, and fail', async () => {
    await job('shapes', '--workers', '2');
    const paths = [await tensorFile('npy', { x: marked(0, 40) }), await tensorFile('npy', { x: marked(1, 50) })];
    const ends = await Promise.all(
      paths.map((path, rank) =>
        allreduce('--job', 'shapes', '--rank', String(rank), '--in', path, '--out', site.file(`never-${rank}.npy`)),
      ),
    );
    for (const ended of ends) expectFailureAfterJoining(ended, 6, /submitted sum of fp32 \[[45]0\]/);
    await expect(tensor(site.file('never-0.npy'))).rejects.toThrow(/there is no such file/);
  });

  it('Ctrl-C takes a worker out of the job, at once', async () => {
    await job('interrupted', '--workers', '2');
    const path = await tensorFile('npy', { x: marked(0, 4) });
    const worker = site.worker('interrupted', 0, path, site.file('never.npy'));
    await worker.line(({ event }) => event === 'joined');
    worker.kill('SIGINT');
    const ended = await worker.ended;
    expect(ended.code).toBe(130);
    expect(ended.stdout).toMatch(/"error":\{"code":"FPISA_INTERRUPTED"/);
    expect(onlyJson(await site.run('job', 'show', 'interrupted', '--json'))).toMatchObject({
      state: 'waiting',
      members: [],
    });
  });
});

/** Text on standard error, after the progress messages. */
function expectFailureAfterJoining(ended: Ended, code: number, message: RegExp): void {
  expect(ended.stdout).toMatch(/^joined job /);
  expectFailure({ ...ended, stdout: '' }, code, message);
}

describe('files that cannot be used are exit code 5, before others wait for this worker', () => {
  it('missing', async () => {
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', site.file('nowhere.npy'), '--out', site.file('out.npy')),
      5,
      /nowhere\.npy: there is no such file/,
    );
  });

  it('a folder', async () => {
    mkdirSync(site.file('input.npy'));
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', site.file('input.npy'), '--out', site.file('out.npy')),
      5,
      /input\.npy: /,
    );
  });

  it('of an unknown extension', async () => {
    writeFileSync(site.file('data.csv'), '1,2,3');
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', site.file('data.csv'), '--out', site.file('out.npy')),
      5,
      /extension '\.csv' is unknown; supported: \.npy, \.safetensors/,
    );
  });

  it('to be written under an unknown extension', async () => {
    const path = await tensorFile('npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.txt')),
      5,
      /out\.txt: results cannot be written as '\.txt'; choose one of \.npy, \.safetensors/,
    );
  });

  it('to be written into a folder that is not there', async () => {
    const path = await tensorFile('npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('nowhere/out.npy')),
      5,
      /nothing can be written to folder .*nowhere: ENOENT/,
    );
  });

  it('to be written where a folder is', async () => {
    const path = await tensorFile('npy', { x: marked(0, 4) });
    mkdirSync(site.file('folder.npy'));
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('folder.npy')),
      5,
      /folder\.npy: this is a folder/,
    );
  });

  it('of another element type', async () => {
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".padEnd(117) + '\n';
    const length = Buffer.alloc(2);
    length.writeUInt16LE(header.length);
    writeFileSync(
      site.file('double.npy'),
      Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), Buffer.alloc(8)]),
    );
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', site.file('double.npy'), '--out', site.file('out.npy')),
      5,
      /double\.npy: .*<f8.*<f4, <i4/,
    );
  });

  it.each(['npy', 'safetensors'] as const)('.%s that ends too early', async (extension) => {
    const path = await tensorFile(extension, { x: marked(0, 100) });
    truncateSync(path, 300);
    const ended = await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.npy'), '--json');
    expect(onlyJson(ended)).toMatchObject({
      ok: false,
      error: { code: 'FPISA_FILE_TRUNCATED', message: expect.stringContaining(path) as string },
    });
    expect(ended.code).toBe(5);
  });

  it('several tensors into one .npy', async () => {
    const path = await tensorFile('safetensors', { a: marked(0, 4), b: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.npy')),
      5,
      /a \.npy file holds one tensor, not 2; \.safetensors holds any number/,
    );
  });
});

describe('what the controller refuses is exit code 4', () => {
  it('a job that does not exist: lists the jobs', async () => {
    await job('exists', '--workers', '1');
    const path = await tensorFile('npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'exist', '--rank', '0', '--in', path, '--out', site.file('out.npy')),
      4,
      /there is no job "exist" \(jobs: .*exists.*\)\n$/,
    );
  });

  it('a rank that the job does not have, or that another one holds', async () => {
    await job('ranks', '--workers', '2');
    const path = await tensorFile('npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'ranks', '--rank', '2', '--in', path, '--out', site.file('out.npy')),
      4,
      /it has 2 workers, ranks 0 to 1 \(free: 0, 1\)/,
    );
    const first = site.worker('ranks', 0, path, site.file('out.npy'));
    await first.line(({ event }) => event === 'joined');
    expectFailure(
      await allreduce('--job', 'ranks', '--rank', '0', '--in', path, '--out', site.file('out.npy')),
      4,
      /rank 0 of job "ranks" is held by the worker at 127\.0\.0\.1:\d+ \(free: 1\)/,
    );
  });
});

describe('what is not there', () => {
  it('the controller: gives up in bounded time', async () => {
    const path = await tensorFile('npy', { x: marked(0, 4) });
    const args = ['--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.npy')];
    expectFailure(
      await new Command(['allreduce', ...args, '--controller', '127.0.0.1:1']).ended,
      3,
      /no controller answered at 127\.0\.0\.1:1 within 10000 ms: .*ECONNREFUSED/,
    );
  });

  it("the other workers: gives up after --wait, and names the job's state", async () => {
    await job('lonely', '--workers', '2');
    const path = await tensorFile('npy', { x: marked(0, 4) });
    const ended = await allreduce(
      '--job',
      'lonely',
      '--rank',
      '0',
      '--in',
      path,
      '--out',
      site.file('out.npy'),
      '--wait',
      '1',
    );
    expectFailureAfterJoining(
      ended,
      6,
      /rank 0 has waited \d+ ms for the controller to let the job run; no members are known yet/,
    );
  });

  it('its own UDP port, when another one has it', async () => {
    const path = await tensorFile('npy', { x: marked(0, 4) });
    const taken = site.ports['1']!.split(':')[1]!;
    const ended = await allreduce(
      '--job',
      'any',
      '--rank',
      '0',
      '--in',
      path,
      '--out',
      site.file('out.npy'),
      '--udp-port',
      taken,
    );
    expectFailure(ended, 2, new RegExp(`cannot bind UDP 127\\.0\\.0\\.1:${taken}: .*EADDRINUSE`));
  });
});
