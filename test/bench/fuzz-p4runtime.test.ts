/** The fuzzer of P4Runtime writes, for a short while: no crash, and BMv2's verdicts where BMv2 is on PATH. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzzP4Runtime } from '../../bench/fuzz-p4runtime.js';
import { CLASSES } from '../../bench/p4runtime-fuzz/differences.js';
import { renderDifference } from '../../bench/p4runtime-fuzz/fuzzer.js';
import { bmv2Version, startBmv2, startOurs } from '../../bench/p4runtime-fuzz/servers.js';

const TIMEOUT_MS = 300_000;

describe('random P4Runtime writes', () => {
  it('never break the server', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzP4Runtime({ writes: 2000, seed: 1 });
    expect(report.unknown.map(renderDifference)).toEqual([]);
    expect(report.writes).toBe(2000);
    expect(report.mutated).toBeGreaterThan(report.updates / 3);
    expect(report.accepted).toBeGreaterThan(report.updates / 3);
    expect(report.accepted).toBeLessThan(report.updates - report.mutated / 3);
  });

  it('are no different on the same server twice', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzP4Runtime({ writes: 200, seed: 2, startOther: startOurs });
    expect([...report.known]).toEqual([]);
    expect(report.unknown.map(renderDifference)).toEqual([]);
  });

  it('show a server that takes too much', { timeout: TIMEOUT_MS }, async () => {
    const startOther = async () => Object.assign(await startOurs(), { write: async () => ({ code: 'OK', message: '', updates: [] }) });
    expect((await fuzzP4Runtime({ writes: 60, seed: 3, only: 'tables', startOther })).unknown.length).toBeGreaterThan(0);
  });

  it.skipIf(bmv2Version() === undefined)('have the verdicts of simple_switch_grpc, but for the known differences', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzP4Runtime({ writes: 500, seed: 4, startOther: startBmv2 });
    expect(report.unknown.map(renderDifference)).toEqual([]);
  });
});

describe('the known differences', () => {
  it('are those that docs/compatibility.md explains', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url)), 'utf8');
    const section = page.slice(page.indexOf('## P4Runtime'), page.indexOf('\n## ', page.indexOf('## P4Runtime') + 3));
    const explained = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, name]) => name!).filter((name) => name !== 'difference' && !name.startsWith('--'));
    expect(explained.sort()).toEqual(CLASSES.map(({ name }) => name).sort());
  });
});
