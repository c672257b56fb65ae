import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensors } from '../../../host/allreduce/tensor-list.js';
import type { ChunkPlan } from '../../../host/allreduce/chunk-plan.js';
import { MemoryPool } from '../../../host/allreduce/memory-pool.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';

const lists = fc.array(fc.array(fc.float({ noNaN: true }), { maxLength: 12 }), { minLength: 1, maxLength: 5 });

/** Moves every element of `batch` through chunks of `n`, doubled on the way. */
function throughSwitch(batch: TensorBatch, n: number, little: boolean): void {
  const plan = batch.plan({ valuesPerPacket: n, steps: [n] });
  const { packets } = plan;
  for (let chunk = 0; chunk < plan.chunks; chunk++) {
    const count = plan.count(chunk);
    if (chunk >= packets.loaded) load(plan, chunk);
    const view = new DataView(packets.bytes.buffer, packets.bytes.byteOffset + packets.valuesAt(chunk), n * 4);
    for (let i = count; i < n; i++) expect(view.getUint32(i * 4)).toBe(0);
    const out = new DataView(new ArrayBuffer(8 + n * 4));
    for (let i = 0; i < n; i++) out.setFloat32(8 + i * 4, 2 * view.getFloat32(i * 4, true), little);
    plan.store(chunk, new Uint8Array(out.buffer), 8, !little);
  }
}

/** As the engine does before it sends a chunk for the first time. */
function load(plan: ChunkPlan, chunk: number): void {
  plan.load(chunk);
  plan.packets.pad(chunk, plan.count(chunk));
}

describe('tensor batch', () => {
  it('carries every element to its place, whatever chunks span and in either byte order', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 9 }), fc.boolean(), (values, n, little) => {
        const tensors = values.map((one) => new Float32Array(one));
        throughSwitch(new TensorBatch(tensors, 'sum', 'fp32'), n, little);
        expect(tensors).toEqual(values.map((one) => new Float32Array(one.map((value) => Math.fround(2 * value)))));
      }),
    );
  });

  it('restores the input, of which results have overwritten a part, and sends it again, also in packets of another size', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(lists, sizes, fc.boolean(), (values, passes, restored) => {
        const tensors = values.map((one) => new Float32Array(one));
        const pool = new MemoryPool();
        const batch = new TensorBatch(tensors, 'sum', 'fp32', pool);
        for (const n of passes) throughSwitch(batch, n, true);
        const factor = restored ? 1 : 2;
        if (restored) batch.restore();
        batch.release();
        expect(tensors).toEqual(values.map((one) => new Float32Array(one.map((value) => Math.fround(factor * value)))));
      }),
    );
  });

  it('fills up packets with zeros, whatever their memory held before', () => {
    const pool = new MemoryPool();
    const layout = { valuesPerPacket: 8, steps: [2, 4, 8] };
    const first = new TensorBatch(new Float32Array(16).fill(NaN), 'sum', 'fp32', pool);
    const old = first.plan(layout);
    load(old, 0);
    load(old, 1);
    first.release();
    const plan = new TensorBatch(new Float32Array(11).fill(1), 'sum', 'fp32', pool).plan(layout);
    const { packets } = plan;
    expect(packets.bytes).toBe(old.packets.bytes);
    load(plan, 0);
    load(plan, 1);
    const at = packets.valuesAt(1);
    expect([...new Float32Array(packets.bytes.slice(at, at + 4 * 4).buffer)]).toEqual([1, 1, 1, 0]);
  });

  it('works on views into a larger memory', () => {
    const memory = Float32Array.from({ length: 10 }, (_, i) => i);
    throughSwitch(new TensorBatch([memory.subarray(2, 4), memory.subarray(7, 8)], 'sum', 'fp32'), 2, true);
    expect([...memory]).toEqual([0, 1, 4, 6, 4, 5, 6, 14, 8, 9]);
  });

  it.each<[string, (memory: Float32Array) => Tensors, string]>([
    ['the same view twice', (memory) => [memory, memory], 'tensor 0 and tensor 1'],
    ['two views of all of it', (memory) => [memory, new Float32Array(memory.buffer)], 'tensor 0 and tensor 1'],
    [
      'views that overlap in one element, others between',
      (memory) => [memory.subarray(4, 6), new Float32Array(2), memory.subarray(0, 2), memory.subarray(5, 9)],
      'tensor 0 and tensor 3',
    ],
    [
      'a view within another, by name',
      (memory) => ({ head: memory.subarray(1, 2), embed: memory }),
      'tensor "embed" and tensor "head"',
    ],
  ])('refuses shared memory: %s', (_, of, which) => {
    const tensors = of(new Float32Array(10));
    for (const op of ['sum', 'mean'] as const) {
      expect(() => new TensorBatch(tensors, op, 'fp32')).toThrow(`${which} share memory`);
    }
  });

  it('takes views of one memory that only touch, and empty ones anywhere', () => {
    const memory = new Float32Array(6);
    const views = [memory.subarray(3, 6), memory.subarray(0, 3), memory.subarray(2, 2)];
    expect(new TensorBatch(views, 'mean', 'fp32').elements).toBe(6);
  });

  it('has one signature per op, names and shapes, whatever the order in which names were written', () => {
    const of = (tensors: Tensors, op: 'sum' | 'mean' = 'sum') => new TensorBatch(tensors, op, 'fp32').signature;
    const f = (length: number) => new Float32Array(length);
    expect(of(f(3))).toBe(of([f(3)]));
    expect(of({ b: f(1), a: f(2) })).toBe(of({ a: f(2), b: f(1) }));
    expect(of(new Map([['b', f(1)]]).set('a', f(2)))).toBe(of({ a: f(2), b: f(1) }));
    expect(of({ a: { shape: [2], data: f(2) } })).toBe(of({ a: f(2) }));
    const different: Tensors[] = [
      f(6),
      [f(1), f(5)],
      [f(5), f(1)],
      { bias: f(6) },
      { gamma: f(6) },
      { layer1: f(1), layer2: f(5) },
      { layer1: f(5), layer2: f(1) },
      { bias: { shape: [2, 3], data: f(6) } },
      { shape: [3, 2], data: f(6) },
    ];
    expect(new Set([...different.map((tensors) => of(tensors)), of(f(6), 'mean')]).size).toBe(different.length + 1);
  });

  it('takes a record whose tensors are called shape and data for what it is', () => {
    const record = { shape: new Float32Array(2), data: new Float32Array(3) };
    expect(new TensorBatch(record, 'sum', 'fp32').lengths).toEqual([3, 2]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['an empty list', [], 'sum', /empty/],
    ['an empty record', {}, 'sum', /empty/],
    ['another element type', new Float64Array(1), 'sum', /Float64Array; a job of format fp32 takes Float32Array/],
    ['a number', 5, 'sum', /Number/],
    ['null', null, 'sum', /null/],
    ['a hole', [new Float32Array(1), undefined], 'sum', /tensor 1 is a undefined/],
    ['another element type, by name', { w: new Float64Array(1) }, 'sum', /tensor "w" is a Float64Array/],
    [
      'a shape of another length',
      { w: { shape: [2, 2], data: new Float32Array(3) } },
      'sum',
      /tensor "w" has 3 elements, its shape \[2, 2\] means 4/,
    ],
    ['an unknown op', new Float32Array(1), 'max', /'max'; a job of format fp32 supports sum, mean/],
  ])('refuses %s', (_, tensors, op, message) => {
    expect(() => new TensorBatch(tensors as Tensors, op as 'sum', 'fp32')).toThrow(message);
  });

  it('refuses one tensor twice', () => {
    const tensor = new Float32Array(1);
    expect(() => new TensorBatch([tensor, tensor], 'sum', 'fp32')).toThrow(/tensor 0 and tensor 1 share memory/);
  });
});
