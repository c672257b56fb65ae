/** docs/queries.md shows what bench:query measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QUERIES } from '../../bench/query/queries.js';
import { filled } from '../../bench/query/docs.js';
import { plotOf, readReport, tables } from '../../bench/query/report.js';
import { ROOT } from '../cli/support/built.js';

describe('docs/queries.md', () => {
  const page = readFileSync(join(ROOT, 'docs/queries.md'), 'utf8');
  const report = readReport(join(ROOT, 'bench/data'));

  it.each(Object.entries(tables(report)))('shows the table of %s', (_, table) => {
    expect(page).toContain(table);
  });

  it('is filled in from the report', () => {
    expect(filled(page, report)).toBe(page);
    const other = {
      ...report,
      machine: '64 x something else',
      scale: 3,
      rounds: 7,
      versions: { ...report.versions, duckdb: 'v9.8.7' },
      queries: report.queries.map((row) => ({ ...row, rows: 12_345_678 })),
    };
    const text = filled(page, other);
    for (const table of Object.values(tables(other))) expect(text).toContain(table);
    expect(text).toMatch(/Machine: 64 x something else; node .* DuckDB 9\.8\.7, Spark/);
    expect(text).toMatch(/TPC-H at scale factor 3 .*tables at scale 3 /);
    expect(filled(text, report)).toBe(page);
    expect(() => filled('no tables here', report)).toThrow(/the page has no table below/);
  });

  it('has the plot, the machine and the versions', () => {
    expect(readFileSync(join(ROOT, 'bench/data/query.svg'), 'utf8')).toBe(plotOf(report));
    expect(page).toContain('(../bench/data/query.svg)');
    for (const version of Object.values(report.versions)) expect(page).toContain(version.replace(/^v/, ''));
    expect(page).toContain(report.machine);
  });

  it('has every query of the benchmark', () => {
    expect(report.queries.map(({ name }) => name)).toEqual(QUERIES.map(({ name }) => name));
  });
});
