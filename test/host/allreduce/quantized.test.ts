import { describe, expect, it } from 'vitest';
import { QuantizeKernel } from '../../../arithmetic/index.js';
import type { ChunkPlan } from '../../../host/allreduce/chunk-plan.js';
import { QuantizedBatch } from '../../../host/allreduce/quantized.js';

const kernel = QuantizeKernel.create();

const layoutOf = (values: number) => ({ valuesPerPacket: values, steps: [values] });

function planOf(elements: number, values: number, workers: number) {
  const batch = new QuantizedBatch(new Float32Array(elements), 'sum', { rank: 0, workers, kernel });
  const layout = layoutOf(values);
  const plan = batch.plan(layout);
  expect(plan.chunks).toBe(batch.chunksOf(layout));
  return plan;
}

describe('the chunks of a quantised operation', () => {
  it.each([
    [0, 16, 2],
    [1, 16, 2],
    [16 * 64, 16, 4],
    [16 * 64 + 1, 16, 4],
    [16 * 500 + 3, 16, 32],
    [2048 * 129, 2048, 16],
    [64 * 1000, 64, 5],
  ])('hold %i elements, %i in each packet, and the exponents of %i workers, once each', (elements, values, workers) => {
    const plan = planOf(elements, values, workers);
    const words = Math.ceil(workers / 4);
    let [exponents, floats, ahead] = [0, 0, 0];
    for (let chunk = 0; chunk < plan.chunks; chunk++) {
      expect(plan.count(chunk)).toBeGreaterThan(0);
      expect(plan.count(chunk)).toBeLessThanOrEqual(values);
      // Nothing has been agreed on, so what is ready are exponents.
      if (plan.isReady(chunk)) {
        ahead = exponents / words;
        exponents += plan.count(chunk);
      } else {
        floats += plan.count(chunk);
        // Those of this block, and of a group after it, have been sent.
        expect(exponents / words).toBeGreaterThanOrEqual(Math.ceil(floats / values));
        if (exponents / words < Math.ceil(elements / values))
          expect(ahead).toBeGreaterThanOrEqual(Math.ceil(floats / values));
      }
    }
    expect(floats).toBe(elements);
    expect(exponents).toBe(words * Math.ceil(elements / values));
  });

  it('begin with exponents, and wait for those of the others', () => {
    const tensor = Float32Array.of(1, 2, 3);
    const batch = new QuantizedBatch(tensor, 'sum', { rank: 1, workers: 2, kernel });
    const payload = new Uint8Array(64);
    const sent = (plan: ChunkPlan, chunk: number) => {
      plan.load(chunk);
      plan.packets.pad(chunk, plan.count(chunk));
      const at = plan.packets.valuesAt(chunk);
      return plan.packets.bytes.slice(at, at + 64);
    };
    const plan = batch.plan(layoutOf(16));
    // 3 < 2^2, and that of rank 1 is the second byte.
    expect([...sent(plan, 0).subarray(0, 6)]).toEqual([0, 128, 0, 0, 0, 0]);
    expect(plan.isReady(1)).toBe(false);
    // Rank 0 has up to 2^10: sums in network order, or in the other.
    payload.set([136, 128, 0, 0]);
    plan.store(0, payload, 0, true);
    expect(plan.isReady(1)).toBe(true);
    const one = sent(plan, 1);
    plan.store(1, one, 0, true);
    expect([...tensor]).toEqual([1, 2, 3]);
    plan.store(1, new Uint8Array(64), 0, true);
    expect([...tensor]).toEqual([0, 0, 0]);
    // Begins again with its input.
    const again = batch.plan(layoutOf(16));
    expect([...tensor]).toEqual([1, 2, 3]);
    expect(again.isReady(1)).toBe(false);
    sent(again, 0);
    payload.set([0, 0, 128, 136]);
    again.store(0, payload, 0, false);
    expect(sent(again, 1)).toEqual(one);
    expect(new DataView(one.buffer).getInt32(0)).toBe(2 ** 20);
    again.store(1, new Uint8Array(64), 0, true);
    batch.restore();
    expect([...tensor]).toEqual([1, 2, 3]);
  });
});
