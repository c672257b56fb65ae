import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { marked } from '../e2e/support/data.js';
import { Command, expectFailure, onlyJson, type Ended } from './support/command.js';
import { Site } from './support/site.js';
import { tensorFile } from './support/tensor-files.js';

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 3 });
});

async function job(name: string, ...args: string[]): Promise<void> {
  expect(await site.run('job', 'create', name, '--slots', '16', ...args)).toMatchObject({ code: 0 });
}

function allreduce(...args: string[]): Promise<Ended> {
  return site.run('allreduce', ...args);
}

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
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.txt')),
      5,
      /out\.txt: results cannot be written as '\.txt'; choose one of \.npy, \.safetensors/,
    );
  });

  it('to be written into a folder that is not there', async () => {
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('nowhere/out.npy')),
      5,
      /nothing can be written to folder .*nowhere: there is no such file/,
    );
  });

  it('to be written where a folder is', async () => {
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
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
      /double\.npy: tensor 'data' is fp64 \(dtype '<f8'\).*--cast fp32/,
    );
  });

  it.each(['npy', 'safetensors'] as const)('.%s that ends too early', async (extension) => {
    const path = await tensorFile(site, extension, { x: marked(0, 100) });
    truncateSync(path, 300);
    const ended = await allreduce('--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.npy'), '--json');
    expect(onlyJson(ended)).toMatchObject({
      ok: false,
      error: { code: 'FPISA_FILE_TRUNCATED', message: expect.stringContaining(path) as string },
    });
    expect(ended.code).toBe(5);
  });

  it('several tensors into one .npy', async () => {
    const path = await tensorFile(site, 'safetensors', { a: marked(0, 4), b: marked(0, 4) });
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
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    expectFailure(
      await allreduce('--job', 'exist', '--rank', '0', '--in', path, '--out', site.file('out.npy')),
      4,
      /there is no job "exist" \(jobs: .*exists.*\)\n$/,
    );
  });

  it('a rank that the job does not have, or that another one holds', async () => {
    await job('ranks', '--workers', '2');
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
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
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
    const args = ['--job', 'any', '--rank', '0', '--in', path, '--out', site.file('out.npy')];
    expectFailure(
      await new Command(['allreduce', ...args, '--controller', '127.0.0.1:1']).ended,
      3,
      /no controller answered at 127\.0\.0\.1:1 within 10000 ms: .*ECONNREFUSED/,
    );
  });

  it('the other workers: gives up after --wait, and names them', async () => {
    await job('lonely', '--workers', '2');
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
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
      /rank 0 has waited \d+ ms for the job to have its workers: waiting for rank 1 of 2 to join/,
    );
  });

  it('its own UDP port, when another one has it', async () => {
    const path = await tensorFile(site, 'npy', { x: marked(0, 4) });
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
