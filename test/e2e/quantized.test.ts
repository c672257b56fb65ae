/** Tensors of fp32 through a job that adds integers: scales agreed on, quantised, summed by the switch, converted back. */
import { describe, expect, it } from 'vitest';
import { blockExponent, blockScale, dequantize, quantize } from '../../arithmetic/index.js';
import type { Worker } from '../../host/index.js';
import { failure } from '../host/support/network.js';
import { Cluster } from './support/cluster.js';
import { expectSameBits, floats, integers } from './support/data.js';

const TRANSPORTS = ['in-process', 'udp'] as const;

/** By the definition in arithmetic/quantize.ts. @param workers of the job, for which the scale leaves room */
function reference(inputs: readonly Float32Array[], block: number, workers = inputs.length): Float32Array {
  const result = new Float32Array(inputs[0]!.length);
  for (let at = 0; at < result.length; at += block) {
    const blocks = inputs.map((input) => input.subarray(at, at + block));
    const scale = blockScale(workers, Math.max(...blocks.map(blockExponent)));
    const sums = blocks.map((values) => quantize(values, scale)).reduce((a, b) => a.map((value, i) => value + b[i]!));
    result.set(dequantize(sums, scale), at);
  }
  return result;
}

async function reduced(members: readonly Worker[], inputs: readonly Float32Array[]): Promise<Float32Array[]> {
  const tensors = inputs.map((input) => input.slice());
  await Promise.all(members.map((worker, i) => worker.allreduce(tensors[i]!, { quantize: true })));
  return tensors;
}

describe.each(TRANSPORTS)('quantised sums over %s', (transport) => {
  it.each([
    { values: 16, workers: 2, groups: 5 },
    { values: 64, workers: 5, groups: 3 },
    { values: 2048, workers: 3, groups: 0 },
  ] as const)(
    'are those of the definition: $workers workers, $values values per packet',
    async ({ values, workers, groups }) => {
      const cluster = await Cluster.start({ workers, values, transport, profile: 'int32' });
      const members = await cluster.joinAll();
      for (const length of [0, 1, values - 1, values, values + 1, groups * 64 * values + 3 * values + 7]) {
        const inputs = members.map((_, rank) => floats(1000 * length + rank, length, 40));
        const results = await reduced(members, inputs);
        for (const result of results) expectSameBits(result, reference(inputs, values));
      }
    },
  );

  it('are the same where packets are lost', async () => {
    const faults = { drop: 0.05, duplicate: 0.02, reorder: 0.02, seed: 5 };
    const cluster = await Cluster.start({ workers: 3, transport, profile: 'int32', faults });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => floats(rank, 5000, 40));
    for (const result of await reduced(members, inputs)) expectSameBits(result, reference(inputs, 16));
  });
});

describe('a quantised operation', () => {
  it('takes zeros, subnormal and largest numbers', async () => {
    const cluster = await Cluster.start({ workers: 2, profile: 'int32' });
    const members = await cluster.joinAll();
    const large = new Float32Array(48).fill(3.4028234663852886e38, 32);
    large.fill(2 ** -149, 16, 32);
    const inputs = [large, large.map((value) => -value / 2)];
    for (const result of await reduced(members, inputs)) expectSameBits(result, reference(inputs, 16));
  });

  it('divides a mean by the members, and keeps tensors apart', async () => {
    const cluster = await Cluster.start({ workers: 2, profile: 'int32' });
    const members = await cluster.joinAll();
    const tensors = members.map((_, rank) => ({ a: Float32Array.of(rank, 8), b: Float32Array.of(16 + 2 * rank) }));
    await Promise.all(members.map((worker, i) => worker.allreduce(tensors[i]!, { quantize: true, op: 'mean' })));
    const sum = reference([Float32Array.of(0, 8, 16), Float32Array.of(1, 8, 18)], 16);
    for (const { a, b } of tensors) expect([...a, ...b]).toEqual([...sum].map((value) => Math.fround(value / 2)));
  });

  it('follows others, of integers and of floats, in one job', async () => {
    const cluster = await Cluster.start({ workers: 2, profile: 'int32' });
    const members = await cluster.joinAll();
    const whole = members.map((_, rank) => integers(rank, 100, 2 ** 29));
    const sum = whole[0]!.map((value, i) => value + whole[1]![i]!);
    await Promise.all(members.map((worker, i) => worker.allreduce(whole[i]!)));
    const inputs = members.map((_, rank) => floats(rank, 100, 5));
    for (const result of await reduced(members, inputs)) expectSameBits(result, reference(inputs, 16));
    for (const result of whole) expect(result).toEqual(sum);
  });

  it('leaves room for workers that are away', async () => {
    const cluster = await Cluster.start({ workers: 3, profile: 'int32', elastic: true });
    const members = await cluster.joinAll();
    await members[1]!.leave();
    const left = [members[0]!, members[2]!];
    const inputs = left.map((_, rank) => floats(rank, 500, 20));
    for (const result of await reduced(left, inputs)) expectSameBits(result, reference(inputs, 16, 3));
  });

  it('begins again with a new process at a lost rank, exponents and all', async () => {
    const cluster = await Cluster.start({ workers: 3, ports: 4, profile: 'int32' });
    const members = await cluster.joinAll({ mortal: true });
    const inputs = members.map((_, rank) => floats(rank, 3000, 20));
    const survivors = [members[0]!, members[2]!];
    const missing = new Promise((resolve) => survivors[0]!.once('missing', resolve));
    const others = reduced(survivors, [inputs[0]!, inputs[2]!]);
    await cluster.kill(members[1]!);
    await missing;
    const results = [...(await reduced([await cluster.join(1)], [inputs[1]!])), ...(await others)];
    for (const result of results) expectSameBits(result, reference(inputs, 16));
  });

  it.each([NaN, -Infinity])('fails at all workers for %s at one, and the next one works', async (value) => {
    const cluster = await Cluster.start({ workers: 2, profile: 'int32' });
    const members = await cluster.joinAll();
    const good = { first: new Float32Array(3000).fill(1), second: new Float32Array(40).fill(2) };
    const bad = { first: new Float32Array(3000).fill(1), second: new Float32Array(40).fill(2) };
    bad.second[33] = value;
    const [other, own] = await Promise.all([
      failure(members[0]!.allreduce(good, { quantize: true })),
      failure(members[1]!.allreduce(bad, { quantize: true })),
    ]);
    const what = `element 33 of tensor "second" is ${value}: a job of format int32 adds finite numbers only`;
    expect([own.code, own.message]).toEqual(['FPISA_NOT_FINITE', what]);
    expect([other.code, other.message]).toEqual([
      'FPISA_ABORTED',
      `operation 1 was aborted by another worker: ${what}`,
    ]);
    expect([good.first[0], bad.first[0], bad.second[33]]).toEqual([1, 1, value]);
    bad.second[33] = 2;
    await Promise.all([good, bad].map((tensors, i) => members[i]!.allreduce(tensors, { quantize: true })));
    expect(bad).toEqual(good);
    expect([good.first[2999], good.second[39]]).toEqual([2, 4]);
  });

  it('is told apart from one of integers', async () => {
    const cluster = await Cluster.start({ workers: 2, profile: 'int32' });
    const members = await cluster.joinAll();
    const errors = await Promise.all([
      failure(members[0]!.allreduce(new Float32Array(20), { quantize: true })),
      failure(members[1]!.allreduce(new Int32Array(20))),
    ]);
    for (const error of errors) {
      expect(error.code).toBe('FPISA_SHAPE_MISMATCH');
      expect(error.message).toMatch(/asks for a quantized sum, .* for a sum|asks for a sum, .* for a quantized sum/);
    }
  });

  it('needs a job of integers', async () => {
    const cluster = await Cluster.start({ workers: 1 });
    const [worker] = await cluster.joinAll();
    const error = await failure(worker!.allreduce(new Float32Array(4), { quantize: true }));
    expect([error.code, error.message]).toEqual([
      'FPISA_ARGUMENT',
      "quantize is for jobs of format int32; job 'training' is of fp32: create one with --profile int32, or reduce without quantize",
    ]);
  });
});
