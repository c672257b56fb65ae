/** What makes the demonstration fail: its own processes never differ, so the parts that would notice are tested directly. */
import { describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { reductionReport, exitCodeOfReport, printReport, type ReductionReport } from '../../cli/reduction-report.js';
import { verifyLayer } from '../../cli/sum-verification.js';
import { Output } from '../../cli/output.js';
import { floats, roundedSum } from '../e2e/support/data.js';

const PROFILE = resolveProfile({ preset: 'fpisa', workers: 4 });
const INPUTS = [0, 1, 2, 3].map((rank) => floats(rank, 200, 5));

function report(results: readonly Float32Array[], inputs: readonly Float32Array[] = INPUTS): ReductionReport {
  const layer = {
    phase: 'early',
    layer: 'dense',
    elapsedMs: 1,
    packets: 10,
    retransmissions: 2,
    packetValues: 16,
    ...verifyLayer(inputs, results, PROFILE),
  };
  const transports = ['node:dgram (no koffi)', 'batches', 'batches'];
  const facts = { workers: 4, valuesPerPacket: 16, loss: 0, profile: 'fpisa', elapsedMs: 5, transports };
  return reductionReport([layer, layer], facts);
}

/** The sums, as each worker has them. */
function sums(): Float32Array[] {
  return INPUTS.map(() => roundedSum(INPUTS));
}

/** The smallest change of an element that there is. */
function flipLastBit(values: Float32Array, index: number): void {
  new Uint32Array(values.buffer)[index]! ^= 1;
}

function printed(each: ReductionReport): string {
  let text = '';
  const output = new Output(false);
  output.line = (line = '') => void (text += `${line}\n`);
  printReport(output, each);
  return text;
}

describe('the verdict of the demonstration', () => {
  it('is good, with exit code 0, when all workers hold the right sums', () => {
    const good = report(sums());
    expect(good).toMatchObject({
      ok: true,
      identicalAcrossWorkers: true,
      outOfBound: 0,
      elements: 400,
      packets: 20,
      retransmissions: 4,
    });
    expect(exitCodeOfReport(good)).toBe(0);
    expect(good.transports).toEqual(['batches', 'node:dgram (no koffi)']);
    expect(printed(good)).toMatch(/^packets went by batches; node:dgram \(no koffi\)$/m);
    expect(printed(good)).toMatch(/^OK: every worker holds the same sums/m);
  });

  it.each([1, 2, 3])('is bad, with exit code 1, when worker %i differs from the others by one bit', (worker) => {
    const results = sums();
    flipLastBit(results[worker]!, 199);
    const bad = report(results);
    expect(bad).toMatchObject({ ok: false, identicalAcrossWorkers: false });
    expect(exitCodeOfReport(bad)).toBe(1);
    expect(printed(bad)).toMatch(/^FAILED: workers hold different sums/m);
  });

  it('tells +0 from −0', () => {
    const inputs = INPUTS.map(() => Float32Array.of(0));
    const results = inputs.map((_, worker) => Float32Array.of(worker === 2 ? -0 : 0));
    expect(report(results, inputs)).toMatchObject({ ok: false, identicalAcrossWorkers: false });
  });

  it('is bad when all agree on a sum that is further from the exact one than the arithmetic allows', () => {
    const results = sums();
    // Far beyond what the guard digits of 4 workers can lose.
    for (const result of results) result[7]! *= 1 + 2 ** -18;
    const bad = report(results);
    expect(bad).toMatchObject({ ok: false, identicalAcrossWorkers: true, outOfBound: 2 });
    expect(exitCodeOfReport(bad)).toBe(1);
    expect(printed(bad)).toMatch(/^FAILED: 2 elements are further from the exact sum/m);
  });

  it('is bad when a contribution is missing, or in there twice', () => {
    const missing = roundedSum(INPUTS.slice(1));
    expect(report(INPUTS.map(() => missing)).outOfBound).toBeGreaterThan(300);
    const twice = roundedSum([...INPUTS, INPUTS[2]!]);
    expect(report(INPUTS.map(() => twice)).outOfBound).toBeGreaterThan(300);
  });
});
