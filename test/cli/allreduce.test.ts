import { beforeAll, describe, expect, it } from 'vitest';
import { readTensorFile, type Tensor } from '../../host/index.js';
import { expectSameBits, floats, integers, marked, markedSum, roundedSum } from '../e2e/support/data.js';
import { expectFailure, onlyJson, withoutNotices, type Ended } from './support/command.js';
import { Site } from './support/site.js';
import { tensorFile } from './support/tensor-files.js';

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 3 });
});

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
    const paths = await Promise.all(inputs.map((data) => tensorFile(site, 'npy', { x: data })));
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
      expect({ ...ended, stderr: withoutNotices(ended.stderr) }).toMatchObject({ code: 0, stderr: '' });
      expect(onlyJson<Done>(ended)).toMatchObject({ ok: true, rank, tensors: [{ elements: 2000, workers: 3 }] });
      expectSameBits(await tensor(site.file(`sum-${rank}.npy`)), roundedSum(inputs));
    }
  });

  it('means of .safetensors, every tensor on its own, as text', async () => {
    await job('mean', '--workers', '2');
    const inputs = [0, 1].map((rank) => ({ bias: marked(rank, 3), weight: marked(rank, 100) }));
    const paths = await Promise.all(inputs.map((tensors) => tensorFile(site, 'safetensors', tensors)));
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
      expect({ code, stderr: withoutNotices(stderr) }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^joined job mean as worker \d of 2\n.*: bias: 3 elements in \d+ ms.*\n.*: weight: 100 elements .*\nwrote .*\npackets went by (batches|node:dgram) .*\n$/,
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
    const paths = await Promise.all(inputs.map((data) => tensorFile(site, 'npy', { x: data })));
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

  it('floats in a job of integers are refused before the worker is a member, in the terms of the file', async () => {
    await job('whole', '--workers', '1', '--profile', 'int32');
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'whole', '--rank', '0', '--in', path, '--out', site.file('never.npy')),
      6,
      /rank 0 \(.*\.npy\) has tensor "data" of fp32, but job "whole" is of int32/,
    );
  });

  it('pairs tensors by name, whatever their order in the files, also one after the other', async () => {
    await job('names', '--workers', '2');
    const [one, two] = [marked(0, 20), marked(1, 20)];
    const paths = [
      await tensorFile(site, 'safetensors', { layer1: one, layer2: two }),
      await tensorFile(site, 'safetensors', { layer2: two, layer1: one }),
    ];
    for (const each of [[], ['--each']]) {
      const ends = await Promise.all(
        paths.map((path, rank) =>
          allreduce(
            ...['--job', 'names', '--rank', String(rank), '--in', path],
            ...['--out', site.file(`names-${rank}.safetensors`), ...each],
          ),
        ),
      );
      expect(ends.map(({ code }) => code)).toEqual([0, 0]);
      for (const rank of [0, 1]) {
        const file = site.file(`names-${rank}.safetensors`);
        expectSameBits(
          await tensor(file, 'layer1'),
          one.map((value) => 2 * value),
        );
        expectSameBits(
          await tensor(file, 'layer2'),
          two.map((value) => 2 * value),
        );
      }
    }
  });

  it('tensors that differ in name or shape: refused with the first, the one that waits is told, and can go on', async () => {
    await job('differ', '--workers', '2');
    const tensors = { bias: marked(0, 40), weight: marked(0, 40) };
    const first = site.worker(
      ...(['differ', 0, await tensorFile(site, 'safetensors', tensors), site.file('differ-0.safetensors')] as const),
    );
    await first.line(({ event }) => event === 'joined');
    const refused = async (others: Readonly<Record<string, Tensor>>, difference: RegExp): Promise<void> => {
      const path = await tensorFile(site, 'safetensors', others);
      const ended = await allreduce(
        '--job',
        'differ',
        '--rank',
        '1',
        '--in',
        path,
        '--out',
        site.file('never.safetensors'),
      );
      expectFailure(ended, 6, difference);
      await first.line(({ event, message }) => event === 'notice' && difference.test(String(message)));
    };
    await refused(
      { gamma: marked(1, 40), weight: marked(1, 40) },
      /rank 0 \(.*\) has tensor "bias", rank 1 \(.*\) has none of that name/,
    );
    await refused(
      { bias: marked(1, 40), weight: marked(1, 50) },
      /tensor "weight" has shape \[50\] at rank 1 \(.*\) and \[40\] at rank 0 \(.*\)/,
    );
    await expect(tensor(site.file('never.safetensors'))).rejects.toThrow(/there is no such file/);
    const right = site.worker(
      'differ',
      1,
      await tensorFile(site, 'safetensors', tensors),
      site.file('differ-1.safetensors'),
    );
    expect([(await first.ended).code, (await right.ended).code]).toEqual([0, 0]);
  });

  it('says after two seconds whom it waits for, on standard error and as an event', async () => {
    await job('late', '--workers', '3');
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    const worker = site.worker('late', 1, path, site.file('never.npy'));
    expect(await worker.line(({ event }) => event === 'waiting')).toEqual({
      event: 'waiting',
      for: 'join',
      ranks: [0, 2],
      message: 'waiting for ranks 0 and 2 of 3 to join',
    });
    worker.kill('SIGINT');
    expect((await worker.ended).stderr).toContain('fpisa: waiting for ranks 0 and 2 of 3 to join\n');
  });

  it('--cast fp32 reduces a file of doubles', async () => {
    await job('cast', '--workers', '1');
    const source = new URL('../host/fixtures/f8-8.npy', import.meta.url).pathname;
    const out = site.file('cast.npy');
    expect(
      await allreduce('--job', 'cast', '--rank', '0', '--in', source, '--out', out, '--cast', 'fp32'),
    ).toMatchObject({
      code: 0,
    });
    expect((await tensor(out))[0]).toBe(Math.fround(1 / 3));
  });

  it('Ctrl-C takes a worker out of the job, at once', async () => {
    await job('interrupted', '--workers', '2');
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
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
