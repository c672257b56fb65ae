import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { whyNoLinks } from '../../bench/allreduce/links.js';
import { render, type AllreduceReport } from '../../bench/allreduce/report.js';
import { ensureBuilt, ROOT } from '../cli/support/built.js';
import { namespacesMissing } from '../emulator/support/network-namespace.js';

const PATIENCE_MS = 300_000;

function bench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(ROOT, 'dist/bench/allreduce.js'), ...args], { encoding: 'utf8' });
}

function measured(...args: readonly string[]): AllreduceReport {
  const { status, stdout, stderr } = bench('--quick', '--json', '--python', '/nowhere/python', ...args);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as AllreduceReport;
}

const hasMpi = spawnSync('mpirun', ['--version']).status === 0 && spawnSync('mpicc', ['--version']).status === 0;
const linksMissing = whyNoLinks() ?? (await namespacesMissing());

beforeAll(ensureBuilt, 600_000);

describe('bench:allreduce', () => {
  it('measures each size, and says what is not installed', { timeout: PATIENCE_MS }, () => {
    const report = measured('--only', 'sizes', '--sizes', '4096,65536');
    expect(report.absent).toContainEqual({
      name: 'gloo',
      reason: '/nowhere/python has no PyTorch; --python names another',
    });
    expect(report.runs.map(({ bytes, workers }) => [bytes, workers])).toEqual([
      [4096, 2],
      [65536, 2],
    ]);
    for (const { seconds, cpuSecondsPerGiB } of report.runs) {
      expect(Object.keys(seconds)).toEqual(Object.keys(report.versions));
      expect(Object.keys(cpuSecondsPerGiB)).toEqual(Object.keys(report.versions));
      expect(seconds['fpisa']).toBeGreaterThan(0);
      expect(seconds['int32']).toBeGreaterThan(0);
    }
    expect(render(report)).toMatch(/^4 KiB +2 +[\d.]+ ms, CPU [\d.e+]+ s\/GiB/m);
  });

  it.skipIf(!hasMpi)(
    `runs OpenMPI${hasMpi ? '' : ' (mpicc and mpirun are not on PATH)'}`,
    { timeout: PATIENCE_MS },
    () => {
      const { runs, absent } = measured('--only', 'sizes', '--sizes', '4096');
      expect(absent.map(({ name }) => name)).toEqual(['gloo']);
      expect(runs[0]!.seconds['openmpi_tcp']).toBeGreaterThan(0);
      expect(runs[0]!.seconds['openmpi_shm']).toBeGreaterThan(0);
    },
  );

  it.skipIf(linksMissing !== undefined)(
    `counts what crosses the links of workers${linksMissing === undefined ? '' : ` (${linksMissing})`}`,
    { timeout: PATIENCE_MS },
    () => {
      const { links, runs } = measured('--only', 'links', '--link-workers', '3', '--link-bytes', '4194304');
      expect(runs).toEqual([]);
      const [run] = links!.runs;
      expect(run).toMatchObject({ megabits: 1000, workers: 3, bytes: 4194304 });
      // Once in each direction, and headers; what is repeated on a busy machine comes on top.
      expect(run!.sentPerByte['fpisa']).toBeGreaterThan(1);
      expect(run!.sentPerByte['fpisa']).toBeLessThan(1.5);
      expect(run!.receivedPerByte['fpisa']).toBeGreaterThan(1);
      // 4 MiB at 1 Gb/s take 34 ms.
      expect(run!.seconds['fpisa']).toBeGreaterThan(0.03);
    },
  );

  it('limits processors, and changes one setting at a time', { timeout: PATIENCE_MS }, () => {
    const { cpuLimits, growth } = measured('--only', 'cpu,growth');
    expect(cpuLimits!.runs.map(({ share }) => share)).toEqual([0.5]);
    expect(cpuLimits!.runs[0]!.bytesPerSecond['fpisa']).toBeGreaterThan(0);
    expect(cpuLimits!.runs[0]!.bytesPerSecond['int32']).toBeGreaterThan(0);
    expect(growth!.values.map(({ setting }) => setting)).toEqual([256, 2048]);
    expect(growth!.loss[0]!.seconds).toBeGreaterThan(0);
  });

  it.each([
    [['--only', 'everything'], "--only takes sizes, links, cpu, growth, not 'everything'"],
    [['--sizes', '5'], '--sizes are multiples of 4, the bytes of an element'],
    [['--workers', '1'], "--workers is a whole number from 2 to 32, not '1'"],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = bench(...args);
    expect([status, stderr.trim()]).toEqual([1, message]);
  });
});
