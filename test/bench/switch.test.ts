import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Switch } from '../../emulator/index.js';
import { median } from '../../bench/median.js';
import { render, targetsOf, TARGETS, type Ratio, type Report } from '../../bench/switch/report.js';
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
    ...[24, 64].map((window) => ({
      workload: 'fpisa, N = 64',
      window,
      switch: 'kernel' as const,
      packetsPerSecond: 40_000,
      generatorBusy: 0.3,
      switchBusy: 1,
    })),
  ],
  ratios: [
    { workload: 'fpisa, N = 64', window: 24, ratio: 2.504, limit: 4, ofLimit: 0.626 },
    { workload: 'fpisa, N = 64', window: 64, ratio: undefined, limit: undefined, ofLimit: 0.65 },
  ],
  engines: [
    { engine: 'C loop', values: 64, nsPerValue: 2, ratio: 1 },
    { engine: 'compiled', values: 64, nsPerValue: 5, ratio: 2.5 },
  ],
  targets: [],
};

describe('the report of bench:switch', () => {
  it('has a row for each program and window, with rates and their ratio', () => {
    expect(render(REPORT).split('\n').slice(3)).toEqual([
      "| program | in flight | simple_switch_grpc | emulator | kernel's limit | emulator, of the kernel's limit | emulator against simple_switch_grpc |",
      '|---|---|---|---|---|---|---|',
      '| fpisa, N = 64 | 24 | 10,000 (100 %, 11 %) | 25,000 (100 %, 20 %) | 40,000 (100 %, 30 %) | 63 % | 2.50 x |',
      '| fpisa, N = 64 | 64 | loses packets | 26,000 (100 %, 20 %) | 40,000 (100 %, 30 %) | 65 % |  |',
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
      rows: REPORT.rows.filter((row) => row.switch !== 'simple_switch_grpc'),
      ratios: [],
    };
    expect(render(alone)).toMatch(/^simple_switch_grpc is not on PATH, so it was not measured$/m);
    expect(render(alone)).toMatch(
      /^\| fpisa, N = 64 \| 24 \| 25,000 \(100 %, 20 %\) \| 40,000 \(100 %, 30 %\) \| {2}\| {2}\|$/m,
    );
  });

  it("says of each target whether it is reached, and if not whether the kernel's limit would be", () => {
    const { fpisa, router, perValue } = TARGETS;
    const of = (workload: string, ratio: number, limit: number): Ratio => ({
      workload,
      window: 24,
      ratio,
      limit,
      ofLimit: ratio / limit,
    });
    const targets = targetsOf(
      [
        of('fpisa, N = 16', 1, 2),
        of('fpisa, N = 64', fpisa[64], 500),
        of('fpisa, N = 256', fpisa[256] - 1, fpisa[256]),
        of('IPv4 router', router - 2, router - 1),
        // In which simple_switch_grpc loses packets.
        { workload: 'IPv4 router', window: 64, ratio: undefined, limit: undefined, ofLimit: 0.5 },
      ],
      [
        { engine: 'C loop', values: 64, nsPerValue: 2, ratio: 1 },
        { engine: 'compiled', values: 64, nsPerValue: 3, ratio: perValue[64] },
        { engine: 'compiled', values: 256, nsPerValue: 3, ratio: perValue[256] + 0.25 },
      ],
    );
    expect(targets.map(({ isReached, limitReaches }) => [isReached, limitReaches])).toEqual([
      [true, true],
      [false, true],
      [false, false],
      [true, undefined],
      [false, undefined],
    ]);
    expect(
      render({ ...REPORT, targets })
        .split('\n')
        .slice(-7),
    ).toEqual([
      "| target | | reached | kernel's limit |",
      '|---|---|---|---|',
      '| fpisa, N = 64, against simple_switch_grpc | at least 120 x | 120.0 x | 500.0 x |',
      '| fpisa, N = 256, against simple_switch_grpc | at least 300 x | 299.0 x: missed | 300.0 x: would reach it |',
      '| IPv4 router, against simple_switch_grpc | at least 6 x | 4.0 x: missed | 5.0 x: would not reach it either |',
      '| in process, N = 64: time per value, against the C loop | at most 2 x | 2.00 x |  |',
      '| in process, N = 256: time per value, against the C loop | at most 1 x | 1.25 x: missed |  |',
    ]);
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
      targets: [],
    });
    expect(report.rows.map(({ workload, window, switch: name }) => [workload, window, name])).toEqual([
      ['fpisa, N = 16', 5, 'emulator'],
      ['fpisa, N = 16', 5, 'kernel'],
      ['fpisa, N = 16', 40, 'emulator'],
      ['fpisa, N = 16', 40, 'kernel'],
      ['IPv4 router', 5, 'emulator'],
      ['IPv4 router', 5, 'kernel'],
      ['IPv4 router', 40, 'emulator'],
      ['IPv4 router', 40, 'kernel'],
    ]);
    for (const { packetsPerSecond } of report.rows) expect(packetsPerSecond).toBeGreaterThan(0);
    expect(report.ratios.map(({ ratio, ofLimit }) => [ratio, ofLimit! > 0])).toEqual(
      Array.from({ length: 4 }, () => [undefined, true]),
    );
  });

  it.each(['generator', 'frame_loop'])('the C program %s has no warnings', (name) => {
    const source = join(ROOT, `bench/c/${name}.c`);
    const args = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', source];
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
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
