/** The accuracy study: what it measures, what docs/accuracy.md shows of it, and what the profiles promise there. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { approximatePlusProfile } from '../../arithmetic/index.js';
import { study } from '../../bench/accuracy-study.js';
import { filled, readAccuracy } from '../../bench/accuracy-study/docs.js';
import { INPUTS, MAX_RECORDED_WORKERS, RECORDED_INPUTS } from '../../bench/accuracy-study/inputs.js';
import { measure, spread, type StudyRow } from '../../bench/accuracy-study/measure.js';
import { plotOf, tables } from '../../bench/accuracy-study/page.js';
import { SCHEMES } from '../../bench/accuracy-study/schemes.js';
import { ROOT } from '../cli/support/built.js';

const page = readFileSync(join(ROOT, 'docs/accuracy.md'), 'utf8');
const report = readAccuracy(join(ROOT, 'bench/data'));
const COUNTS = [2, 4, 8, 16, 32, 64, 128];
const fp32 = report.rows.filter(({ format }) => format === 'fp32');

function row(input: string, workers: number, scheme: string): StudyRow {
  return fp32.find((each) => each.input === input && each.workers === workers && each.scheme === scheme)!;
}

describe('docs/accuracy.md', () => {
  it.each(Object.entries(tables(report)))('shows the table of %s', (_, table) => {
    expect(table).not.toBe('');
    expect(page).toContain(table);
  });

  it('is filled in from the report', () => {
    expect(filled(page, report)).toBe(page);
    const other = { ...report, rows: report.rows.map((each) => ({ ...each, median: 77.7 })) };
    expect(filled(page, other)).toContain('| 77.7 / ');
    expect(filled(filled(page, other), report)).toBe(page);
    expect(() => filled('no tables here', report)).toThrow(/the page has no table below/);
    expect(() => filled(page, { ...report, search: [] })).toThrow(/lacks the rows of search/);
  });

  it('has the plots', () => {
    expect(readFileSync(join(ROOT, 'bench/data/accuracy.svg'), 'utf8')).toBe(plotOf(report));
    expect(page).toContain('(../bench/data/accuracy.svg)');
  });
});

describe('the recorded report', () => {
  it('has every input, scheme and format, and the recording for every worker count', () => {
    expect(report.workers).toEqual(COUNTS);
    expect(new Set(report.rows.map(({ input }) => input))).toEqual(new Set(INPUTS.map(({ name }) => name)));
    for (const [format, schemes] of Object.entries(SCHEMES)) {
      const found = report.rows.filter((each) => each.format === format).map(({ scheme }) => scheme);
      expect(new Set(found)).toEqual(new Set(schemes.map(({ name }) => name)));
    }
    for (const { name } of RECORDED_INPUTS)
      for (const workers of COUNTS) expect(row(name, workers, 'fpisa').sums).toBeGreaterThan(5000);
  });

  it.each(RECORDED_INPUTS.map(({ name }) => name))('is what the study measures now: %s, 8 workers', (name) => {
    const input = RECORDED_INPUTS.find((each) => each.name === name)!;
    const expected = fp32.filter((each) => each.input === name && each.workers === 8);
    expect(measure(input, 'fp32', 8, 1)).toEqual(expected);
    expect(report.spreads).toContainEqual(spread(input, 8, 1));
  });
});

describe('on the recorded gradients', () => {
  const cases = RECORDED_INPUTS.flatMap(({ name }) => COUNTS.map((workers) => ({ name, workers })));

  it.each(cases)('$name, $workers workers: fpisa is at least as close as sequential addition', ({ name, workers }) => {
    const [ours, sequential] = [row(name, workers, 'fpisa'), row(name, workers, 'sequential')];
    expect(ours.median!).toBeLessThanOrEqual(sequential.median!);
    // Two workers' sequential sum is the correctly rounded one: nothing can be closer.
    if (workers > 2) expect(ours.p99!).toBeLessThan(sequential.p99!);
    expect(ours.p99!).toBeLessThanOrEqual(sequential.p99! + 2 ** -6);
  });

  it.each(cases)('$name, $workers workers: fpisa-a+ loses less than fpisa-a', ({ name, workers }) => {
    const [plus, paper] = [row(name, workers, 'fpisa-a+'), row(name, workers, 'fpisa-a')];
    expect(plus.overwrites).toBeLessThan(paper.overwrites);
    expect(plus.relative!).toBeLessThan(paper.relative!);
  });
});

it.each(
  fp32
    .filter(({ scheme }) => scheme === 'fpisa-wide' || scheme === 'exact')
    .map((each) => [each.input, each.workers, each.scheme, each] as const),
)('%s, %i workers: %s is at least as close as sequential addition in every respect', (input, workers, _, each) => {
  const sequential = row(input, workers, 'sequential');
  for (const key of ['median', 'p99', 'largest'] as const) expect(each[key]!).toBeLessThanOrEqual(sequential[key]!);
  expect(each).toMatchObject({ overwrites: 0, overflows: 0, infinite: 0 });
});

describe('where a stored mantissa cannot move', () => {
  const of = (scheme: string, value: (each: StudyRow) => number): number[] =>
    RECORDED_INPUTS.map(({ name }) => {
      const found = report.search.filter((each) => each.input === name && each.scheme === scheme);
      return found.reduce((sum, each) => sum + value(each), 0) / found.length;
    });
  const lost = (scheme: string): number => of(scheme, (each) => each.lostBits!).reduce((a, b) => a + b);
  const earlyTail = (scheme: string): number => of(scheme, (each) => Math.log(each.p99!))[0]!;
  const places = [...new Set(report.search.map(({ scheme }) => scheme))].filter((name) => name !== 'fpisa-a');

  it('four places given away lose least: that is fpisa-a+', () => {
    const { guard, leftShiftLimit } = approximatePlusProfile('fp32');
    expect([guard, leftShiftLimit]).toEqual([-4, 5 + 4]);
    expect(places).toContain('4');
    expect(earlyTail('4')).toBe(Math.min(...places.map(earlyTail)));
    expect(lost('4')).toBeLessThan(lost('fpisa-a'));
    for (const more of places.filter((name) => Number(name) > 4)) expect(lost(more)).toBeGreaterThan(lost('fpisa-a'));
  });
});

describe('the study', () => {
  it('measures every input and format it is asked for', () => {
    const small = study({ workers: [8], inputs: INPUTS, effort: 1 / 64 });
    expect(small.rows.filter(({ format }) => format === 'fp16').length).toBe(2 * SCHEMES.fp16.length);
    expect(small.rows.filter(({ scheme }) => scheme === 'exact').every(({ largest }) => largest! <= 0.5)).toBe(true);
    expect(small.search.length).toBeGreaterThan(10);
    expect(small.spreads).toHaveLength(INPUTS.length);
  });

  it('has a recording of 128 workers that is small enough to be kept', () => {
    const folder = join(ROOT, 'bench/data/gradients-128');
    const bytes = readdirSync(folder).map((file) => statSync(join(folder, file)).size);
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(2e6);
    for (const input of RECORDED_INPUTS) {
      const [group] = input.groups(MAX_RECORDED_WORKERS, 1 / 8);
      expect(group).toHaveLength(MAX_RECORDED_WORKERS);
      for (const values of group!) expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});
