import { beforeAll, describe, expect, it } from 'vitest';
import { readTensorFile } from '../../host/index.js';
import { expectFailure, type Ended } from './support/command.js';
import { Site } from './support/site.js';
import { tensorFile } from './support/tensor-files.js';

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 2 });
});

async function job(name: string, ...args: string[]): Promise<void> {
  expect(await site.run('job', 'create', name, '--workers', '2', '--slots', '16', ...args)).toMatchObject({ code: 0 });
}

async function both(name: string, inputs: readonly (Float32Array | Int32Array)[], ...args: string[]): Promise<Ended[]> {
  const paths = await Promise.all(inputs.map((data) => tensorFile(site, 'npy', { data })));
  return await Promise.all(
    paths.map((path, rank) =>
      site.run(
        ...['allreduce', '--job', name, '--rank', String(rank), '--in', path],
        ...['--out', site.file(`${name}-${rank}.npy`), '--wait', '20', ...args],
      ),
    ),
  );
}

describe('fpisa allreduce --quantize', () => {
  it('sums fp32 files in a job of integers', async () => {
    await job('quantized', '--profile', 'int32');
    const ends = await both('quantized', [Float32Array.of(1, 2, 3), Float32Array.of(0.5, -2, 4)], '--quantize');
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual(ends.map(() => [0, expect.anything()]));
    for (const rank of [0, 1]) {
      const { tensors } = await readTensorFile(site.file(`quantized-${rank}.npy`));
      const values = [...tensors.get('data')!.data];
      // Each is within two units of 2·2^3 / 2^31.
      [1.5, 0, 7].forEach((sum, i) => expect(Math.abs(values[i]! - sum)).toBeLessThan(2 ** -26));
    }
  });

  it('fails for a NaN, and names it', async () => {
    await job('nan', '--profile', 'int32');
    const [own, other] = await both('nan', [Float32Array.of(1, NaN), Float32Array.of(1, 2)], '--quantize');
    const what = 'element 1 of tensor "data" is NaN: a job of format int32 adds finite numbers only';
    expect([own!.code, own!.stderr]).toEqual([6, expect.stringContaining(`fpisa: ${what}\n`)]);
    expect([other!.code, other!.stderr]).toEqual([6, expect.stringContaining(`by another worker: ${what}\n`)]);
  });

  it('is refused by a job of floats, and takes no integers', async () => {
    await job('floats');
    for (const ended of await both('floats', [Float32Array.of(1), Float32Array.of(2)], '--quantize'))
      expectFailure(ended, 6, /would quantize tensor "data" to int32, but job "floats" is of fp32/);
    for (const ended of await both('floats', [Int32Array.of(1), Int32Array.of(2)], '--quantize'))
      expectFailure(ended, 2, /tensor "data" is a Int32Array; quantize takes Float32Array/);
  });
});
