import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Switch } from '../../emulator/index.js';
import { median, render, type Report } from '../../bench/switch.js';
import { contributed, fpisa, router } from '../../bench/switch/workloads.js';
import { ensureBuilt, ROOT } from '../cli/support/built.js';
import { namespacesMissing } from '../emulator/support/network-namespace.js';

const REPORT: Report = {
  machine: '2 x a processor, Linux 6.1',
  versions: { simple_switch_grpc: '1.15.5', emulator: 'node 20.19.0' },
  skipped: [],
  options: { values: [64], workers: 2, window: 24, more: [64], rounds: 3, seconds: 2, anyCpu: false },
  rows: [
    {
      workload: 'fpisa, N = 64',
      window: 24,
      switch: 'simple_switch_grpc',
      packetsPerSecond: 10_000.4,
      generatorBusy: 0.111,
      switchBusy: 1,
    },
    {
      workload: 'fpisa, N = 64',
      window: 24,
      switch: 'emulator',
      packetsPerSecond: 25_000,
      generatorBusy: 0.2,
      switchBusy: 0.999,
    },
    {
      workload: 'fpisa, N = 64',
      window: 64,
      switch: 'simple_switch_grpc',
      packetsPerSecond: undefined,
      generatorBusy: 0,
      switchBusy: 0.5,
    },
    {
      workload: 'fpisa, N = 64',
      window: 64,
      switch: 'emulator',
      packetsPerSecond: 26_000,
      generatorBusy: 0.2,
      switchBusy: 1,
    },
  ],
  ratios: [{ workload: 'fpisa, N = 64', window: 24, ratio: 2.504 }],
  engines: [
    { engine: 'C loop', values: 64, nsPerValue: 2, ratio: 1 },
    { engine: 'compiled', values: 64, nsPerValue: 5, ratio: 2.5 },
  ],
};

describe('the report of bench:switch', () => {
  it('has a row for each program and window, with rates and their ratio', () => {
    expect(render(REPORT).split('\n').slice(3)).toEqual([
      '| program | in flight | simple_switch_grpc | emulator | emulator against simple_switch_grpc |',
      '|---|---|---|---|---|',
      '| fpisa, N = 64 | 24 | 10,000 (100 %, 11 %) | 25,000 (100 %, 20 %) | 2.5 x |',
      '| fpisa, N = 64 | 64 | loses packets | 26,000 (100 %, 20 %) |  |',
      '',
      'In process, nanoseconds per fp32 value added (the whole packet, against a C loop that only adds):',
      '',
      '| N | C loop | compiled | compiled against C |',
      '|---|---|---|---|',
      '| 64 | 2.00 | 5.00 | 2.50 x |',
    ]);
  });

  it('says which switch was not there', () => {
    const alone = {
      ...REPORT,
      skipped: ['simple_switch_grpc' as const],
      rows: REPORT.rows.filter((row) => row.switch === 'emulator'),
      ratios: [],
    };
    expect(render(alone)).toMatch(/^simple_switch_grpc is not on PATH, so it was not measured$/m);
    expect(render(alone)).toMatch(/^\| fpisa, N = 64 \| 24 \| 25,000 \(100 %, 20 %\) \| {2}\|$/m);
  });

  it('takes medians', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  });
});

describe('the workloads', () => {
  it('expect of a router what the committed program does: next hop, time to live, checksum', () => {
    const { load } = router(['a', 'b', 'c']);
    const device = new Switch();
    device.load(readFileSync(join(ROOT, 'bench/p4/router.json'), 'utf8'));
    load.ports.forEach((_, port) => {
      for (let route = 0; route < 64; route++) {
        device.control.insertEntry('RouterIngress.routes', {
          keys: [{ kind: 'lpm', value: BigInt((20 << 24) | (port << 16) | (route << 8)), prefixLength: 24 }],
          priority: 0,
          call: { action: 'RouterIngress.forward', args: [BigInt(port + 1), 0x0200_0000_0000n + BigInt(port)] },
        });
      }
    });
    load.ports.forEach(({ out }, port) => {
      const to = (port + 1) % 3;
      for (const frame of out)
        expect(device.receive(port + 1, frame)).toEqual([{ port: to + 1, bytes: load.ports[to]!.in[frame.at(-1)!] }]);
    });
  });

  it('expect of the fpisa program the sum of what all workers contribute', () => {
    const { load } = fpisa(16, ['a', 'b', 'c'], 8);
    const first = 42 + 32;
    const valueAt = (frame: Uint8Array, i: number): number =>
      new DataView(frame.buffer, frame.byteOffset).getFloat32(first + 4 * i, true);
    expect(load.ports.map(({ out }) => valueAt(out[0]!, 15))).toEqual([1, 2, 4]);
    expect(load.ports.map(({ in: [result] }) => [valueAt(result!, 0), valueAt(result!, 15)])).toEqual([
      [7, 7],
      [7, 7],
      [7, 7],
    ]);
    expect(contributed(10)).toBe(1024);
  });

  it('of sizes that are not built need p4c', () => {
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      expect(() => fpisa(32, ['a', 'b'], 8)).toThrow(
        'there is no build of 32 values per packet, and p4c is not on PATH to make one; there are 16, 64, 256',
      );
    } finally {
      process.env.PATH = PATH;
    }
  });
});

function found(command: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const missing =
  (await namespacesMissing()) ??
  ['cc', 'taskset', 'sysctl', 'unshare']
    .filter((each) => found(each) === undefined)
    .map((each) => `needs the command "${each}"`)[0];

describe.skipIf(missing !== undefined)(missing === undefined ? 'bench:switch' : `bench:switch (${missing})`, () => {
  /** Only what it needs is on PATH, so no BMv2. */
  const bin = mkdtempSync(join(tmpdir(), 'fpisa-bench-test-'));
  beforeAll(async () => {
    await ensureBuilt();
    for (const name of ['ip', 'sysctl', 'unshare', 'taskset', 'cc', 'as', 'ld'])
      symlinkSync(found(name)!, join(bin, name));
  }, 600_000);
  afterAll(() => rmSync(bin, { recursive: true, force: true }));

  it('runs on a machine without BMv2, with right sums, right routes and nothing lost', { timeout: 600_000 }, () => {
    const args = [
      join(ROOT, 'dist/bench/switch.js'),
      '--values',
      '16',
      '--workers',
      '3',
      '--window',
      '5',
      '--more',
      '40',
      '--rounds',
      '1',
      '--seconds',
      '1',
      '--json',
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, PATH: bin },
    });
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({
      skipped: ['simple_switch_grpc'],
      options: { workers: 3, window: 5, more: [40] },
      ratios: [],
    });
    expect(report.rows.map(({ workload, window, switch: name }) => [workload, window, name])).toEqual([
      ['fpisa, N = 16', 5, 'emulator'],
      ['fpisa, N = 16', 40, 'emulator'],
      ['IPv4 router', 5, 'emulator'],
      ['IPv4 router', 40, 'emulator'],
    ]);
    for (const { packetsPerSecond } of report.rows) expect(packetsPerSecond).toBeGreaterThan(0);
  });

  it('says when there is no C compiler', () => {
    rmSync(join(bin, 'cc'));
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/bench/switch.js')], {
      encoding: 'utf8',
      env: { ...process.env, PATH: bin },
    });
    expect([status, stderr.trim()]).toEqual([
      1,
      'this measurement needs a C compiler for its generator; "cc" is not on PATH',
    ]);
  });
});
