import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { median, render, type Report } from '../../bench/throughput.js';
import { ensureBuilt, ROOT } from '../cli/support/built.js';
import { namespacesMissing } from '../emulator/support/network-namespace.js';

const missing = await namespacesMissing();

const REPORT: Report = {
  machine: '2 x a processor, Linux 6.1',
  versions: { simple_switch_grpc: '1.15.5', emulator: 'node 20.19.0' },
  skipped: [],
  options: { values: [16, 64], workers: 2, window: 24, rounds: 3, seconds: 2 },
  rows: [
    { switch: 'simple_switch_grpc', values: 16, contributions: 10_000.4, generatorBusy: 0.111 },
    { switch: 'emulator', values: 16, contributions: 25_000, generatorBusy: 0.2 },
    { switch: 'simple_switch_grpc', values: 64, contributions: 4000, generatorBusy: 0.05 },
    { switch: 'emulator', values: 64, contributions: 2000, generatorBusy: 0.01 },
  ],
  ratios: [
    { values: 16, ratio: 2.504 },
    { values: 64, ratio: 0.5 },
  ],
};

describe('the throughput report', () => {
  it('has a row for each build, with rates and their ratio', () => {
    expect(render(REPORT).split('\n').slice(3)).toEqual([
      '| N | simple_switch_grpc | emulator | emulator against simple_switch_grpc |',
      '|---|---|---|---|',
      '| 16 | 10,000 (11 %) | 25,000 (20 %) | 2.50 x |',
      '| 64 | 4,000 (5 %) | 2,000 (1 %) | 0.50 x |',
    ]);
  });

  it('says which switch was not there', () => {
    const alone = { ...REPORT, skipped: ['simple_switch_grpc' as const], rows: REPORT.rows.filter((row) => row.switch === 'emulator'), ratios: [] };
    expect(render(alone)).toMatch(/^simple_switch_grpc is not on PATH, so it was not measured$/m);
    expect(render(alone)).toMatch(/^\| 16 \| 25,000 \(20 %\) \| {2}\|$/m);
  });

  it('takes medians', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  });
});

describe.skipIf(missing !== undefined)(missing === undefined ? 'the throughput measurement' : `the throughput measurement (${missing})`, () => {
  beforeAll(ensureBuilt, 180_000);

  it('runs on a machine without BMv2, with right sums and nothing lost', { timeout: 120_000 }, () => {
    // Only what it needs is on PATH.
    const bin = mkdtempSync(join(tmpdir(), 'fpisa-bench-test-'));
    try {
      for (const name of ['ip', 'sysctl', 'unshare']) symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name));
      const args = [join(ROOT, 'dist/bench/throughput.js'), '--values', '16', '--workers', '3', '--window', '5', '--rounds', '1', '--seconds', '1', '--json'];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, PATH: bin } });
      expect(status, stderr).toBe(0);
      const report = JSON.parse(stdout) as Report;
      expect(report).toMatchObject({ skipped: ['simple_switch_grpc'], options: { workers: 3, window: 5 }, ratios: [] });
      expect(report.rows).toMatchObject([{ switch: 'emulator', values: 16 }]);
      expect(report.rows[0]!.contributions).toBeGreaterThan(0);
    } finally {
      rmSync(bin, { recursive: true, force: true });
    }
  });
});
