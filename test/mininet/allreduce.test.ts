/** The main job on real interfaces, with each switch that this machine has. */
import { afterAll, describe, expect, it } from 'vitest';
import { endAll, expectNothingLeft, run } from './support/run.js';
import { NO_NETEM, TARGETS } from './support/targets.js';

afterAll(endAll);

for (const { kind, missing } of TARGETS) {
  describe(`fpisa mininet --switch ${kind}`, { timeout: 300_000 }, () => {
    it('reduces the recorded gradients, every worker in a host of its own', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = run(['--switch', kind, '--json']);
      const { code, report, errors } = await network.end;
      expect(report, errors).toMatchObject({
        ok: true,
        workers: 4,
        elements: 36_308,
        identicalAcrossWorkers: true,
        outOfBound: 0,
        valuesPerPacket: 256,
        switch: kind,
        switches: ['s1'],
        lost: [],
      });
      expect(report!.layers).toHaveLength(16);
      expect(report!.layers.every(({ ranks }) => ranks.length === 4)).toBe(true);
      expect(code).toBe(0);
      await expectNothingLeft(network);
    });

    it('survives links that lose every tenth packet', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = run(['--switch', kind, '--loss', '0.1', '--values', '64', '--json']);
      const { code, report, errors } = await network.end;
      expect(report, errors).toMatchObject({
        ok: true,
        loss: 0.1,
        identicalAcrossWorkers: true,
        outOfBound: 0,
        valuesPerPacket: 64,
      });
      // 1 % would be a run without the requested loss.
      expect(report!.retransmissions).toBeGreaterThan(report!.packets / 100);
      expect(code).toBe(0);
      await expectNothingLeft(network);
    });

    it('reduces over a tree of switches', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const network = run(['--switch', kind, '--tree', '--workers', '3', '--json']);
      const { code, report, errors } = await network.end;
      expect(report, errors).toMatchObject({
        ok: true,
        workers: 3,
        switches: ['s1', 's2', 's3'],
        identicalAcrossWorkers: true,
        outOfBound: 0,
      });
      expect(code).toBe(0);
      await expectNothingLeft(network);
    });
  });
}

describe('links', { timeout: 300_000 }, () => {
  const { kind, missing } = TARGETS.find((target) => target.missing === undefined) ?? TARGETS[0]!;

  it('have the bandwidth that they were given', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const { report, errors } = await run(['--switch', kind, '--workers', '2', '--bw', '1', '--json']).end;
    expect(report, errors).toMatchObject({ ok: true });
    // 36,308 values of 4 bytes at 1 Mbit/s, less the burst that a link lets through at once.
    const bits = 36_308 * 32 - 8 * 15_000;
    const measured = (report as unknown as { layers: { elapsedMs: number }[] }).layers.reduce(
      (sum, { elapsedMs }) => sum + elapsedMs,
      0,
    );
    expect(measured).toBeGreaterThan((bits / 1e6) * 1000);
  });

  it('delay packets where the kernel can', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    if (NO_NETEM !== undefined) skip(NO_NETEM);
    const { report, errors } = await run(['--switch', kind, '--workers', '2', '--delay', '5', '--json']).end;
    expect(report, errors).toMatchObject({ ok: true });
    // There and back over a host's link.
    const slowest = Math.max(
      ...(report as unknown as { layers: { elapsedMs: number }[] }).layers.map(({ elapsedMs }) => elapsedMs),
    );
    expect(slowest).toBeGreaterThan(20);
  });
});
