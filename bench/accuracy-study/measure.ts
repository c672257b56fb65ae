/** From an input and a format to a row of the report for each scheme. */
import {
  errorInUlps,
  exactSum,
  quantile,
  roundExact,
  toUnits,
  ulpLog2,
  type ExactSum,
} from '../../arithmetic/index.js';
import { elementsOf } from '../../arithmetic/element-arrays.js';
import { encoded } from './elements.js';
import type { Group, Input } from './inputs.js';
import { rowOf, SCHEMES, type Scheme, type StudyFormat } from './schemes.js';

export interface StudyRow {
  readonly input: string;
  readonly format: StudyFormat;
  readonly workers: number;
  readonly scheme: string;
  /** Sums measured: those with at least two addends that are not zero, since every other one is exact in most schemes. */
  readonly sums: number;
  /** |result - exact sum| in ulps of the correctly rounded exact sum; null is infinite: the result is Inf or NaN. */
  readonly median: number | null;
  readonly p99: number | null;
  readonly largest: number | null;
  /** Of all sums together: the norm of the errors divided by the norm of the exact sums. */
  readonly relative: number | null;
  /** The mean of log2(1 + error in ulps): bits that a sum has lost, on average. */
  readonly lostBits: number | null;
  readonly overwrites: number;
  /** Additions that saturated. */
  readonly overflows: number;
  /** Results that are Inf or NaN although the sum is a number of the format. */
  readonly infinite: number;
}

export function measure(
  input: Input,
  format: StudyFormat,
  workers: number,
  effort: number,
  schemes: readonly Scheme[] = SCHEMES[format],
): StudyRow[] {
  const tallies = schemes.map((scheme) => new Tally(scheme, format));
  for (const group of input.groups(workers, effort)) {
    const vectors = scaledFor(format, group).map((values) => encoded(format, values));
    const bits = vectors.map((vector) => elementsOf(vector, rowOf(format).bits));
    const exact = Array.from({ length: group[0]!.length }, (_, i) =>
      exactSum(
        rowOf(format),
        bits.map((elements) => elements.get(i)),
      ),
    );
    const isMeasured = exact.map(
      (_, i) => bits.filter((elements) => toUnits(rowOf(format), elements.get(i)) !== 0n).length >= 2,
    );
    for (const tally of tallies) tally.add(vectors, exact, isMeasured);
  }
  return tallies.map((tally) => ({ input: input.name, format, workers, ...tally.row() }));
}

/**
 * fp16 has few exponents: as in training, where the loss is scaled, values are brought to the upper end of its range,
 * with room for the sum of all workers.
 */
function scaledFor(format: StudyFormat, group: Group): Group {
  if (format !== 'fp16') return group;
  const largest = group.reduce((most, values) => values.reduce((m, value) => Math.max(m, Math.abs(value)), most), 0);
  const factor = 2 ** (14 - Math.ceil(Math.log2(group.length)) - Math.floor(Math.log2(largest)));
  return group.map((values) => values.map((value) => value * factor));
}

class Tally {
  private readonly errors: number[] = [];
  private errorSquares = 0;
  private sumSquares = 0;
  private overwrites = 0;
  private overflows = 0;
  private infinite = 0;

  constructor(
    private readonly scheme: Scheme,
    private readonly format: StudyFormat,
  ) {}

  add(vectors: Parameters<Scheme['add']>[1], exact: readonly ExactSum[], isMeasured: readonly boolean[]): void {
    const row = rowOf(this.format);
    const { result, events } = this.scheme.add(this.format, vectors);
    this.overwrites += events.overwrites;
    this.overflows += events.overflows;
    const elements = elementsOf(result, row.bits);
    const leastLog2 = 2 - 2 ** (row.exponentBits - 1) - row.fractionBits;
    for (const [i, sum] of exact.entries()) {
      if (!isMeasured[i]!) continue;
      const error = errorInUlps(row, elements.get(i), sum);
      this.errors.push(error);
      if (error === Infinity) this.infinite++;
      const best = roundExact(row, sum);
      const ulp = 2 ** (ulpLog2(row, best) + leastLog2);
      this.errorSquares += (error * ulp) ** 2;
      this.sumSquares += (Number(toUnits(row, best) ?? 0n) * 2 ** leastLog2) ** 2;
    }
  }

  row(): Omit<StudyRow, 'input' | 'format' | 'workers'> {
    const errors = Float64Array.from(this.errors);
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    return {
      scheme: this.scheme.name,
      sums: errors.length,
      median: finite(quantile(errors, 0.5)),
      p99: finite(quantile(errors, 0.99)),
      largest: finite(quantile(errors, 1)),
      relative: finite(Math.sqrt(this.errorSquares / this.sumSquares)),
      lostBits: finite(errors.reduce((sum, error) => sum + Math.log2(1 + error), 0) / errors.length),
      overwrites: this.overwrites,
      overflows: this.overflows,
      infinite: this.infinite,
    };
  }
}

export interface SpreadRow {
  readonly input: string;
  readonly workers: number;
  /** Of the ratio of the largest to the smallest magnitude among the addends of a sum that are not zero, its log2. */
  readonly median: number;
  readonly p99: number;
  /** Share of sums whose ratio is below 2^7, the headroom of fp32. */
  readonly within7: number;
}

/** How far apart the workers' values of one element are: the paper's reason for its approximate mode. */
export function spread(input: Input, workers: number, effort: number): SpreadRow {
  const ratios: number[] = [];
  for (const group of input.groups(workers, effort)) {
    for (let i = 0; i < group[0]!.length; i++) {
      const magnitudes = group.map((values) => Math.abs(values[i]!)).filter((value) => value !== 0);
      if (magnitudes.length >= 2) ratios.push(Math.log2(Math.max(...magnitudes) / Math.min(...magnitudes)));
    }
  }
  const all = Float64Array.from(ratios);
  return {
    input: input.name,
    workers,
    median: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    within7: all.filter((ratio) => ratio < 7).length / all.length,
  };
}
