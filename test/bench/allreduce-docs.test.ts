/** docs/performance.md shows what bench:allreduce measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filled, readAllreduce } from '../../bench/allreduce/docs.js';
import { AllreduceDataError, plotOf, tables } from '../../bench/allreduce/page.js';
import { ROOT } from '../cli/support/built.js';

describe('docs/performance.md', () => {
  const page = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8');
  const report = readAllreduce(join(ROOT, 'bench/data'));

  it.each(Object.entries(tables(report)))('shows the table of %s', (_, table) => {
    expect(page).toContain(table);
  });

  it('is filled in from the report', () => {
    expect(filled(page, report)).toBe(page);
    const other = {
      ...report,
      machine: '64 x something else',
      rounds: 3,
      repeats: 7,
      versions: { ...report.versions, gloo: 'PyTorch 9.8.7' },
      runs: report.runs.map((run) => ({ ...run, seconds: { ...run.seconds, fpisa: 12.3 } })),
    };
    const text = filled(page, other);
    for (const table of Object.values(tables(other))) expect(text).toContain(table);
    expect(text).toMatch(/Measured on 64 x something else; node .* PyTorch 9\.8\.7; medians of 21 repetitions/);
    expect(text).toContain('| 12300 ms |');
    expect(filled(text, report)).toBe(page);
    expect(() => filled('no tables here', report)).toThrow(/the page has no table below/);
  });

  it('has the plot', () => {
    expect(readFileSync(join(ROOT, 'bench/data/allreduce.svg'), 'utf8')).toBe(plotOf(report));
    expect(page).toContain('(../bench/data/allreduce.svg)');
  });

  it('shows all studies of one run, or none', () => {
    const { machine, versions, absent, rounds, repeats, runs } = report;
    expect(() => tables({ machine, versions, absent, rounds, repeats, runs })).toThrow(AllreduceDataError);
    expect(() => plotOf({ ...report, runs: [] })).toThrow('the report lacks a study: measure all of them in one run');
  });

  it('compares systems by medians of at least five', () => {
    expect(report.rounds * report.repeats).toBeGreaterThanOrEqual(5);
    expect(Object.keys(report.versions)).toEqual(['fpisa', 'int32', 'openmpi_tcp', 'openmpi_shm', 'gloo']);
  });
});
