import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blockExponent,
  blockScale,
  dequantize,
  exponentOfField,
  KERNEL_VALUES,
  NOT_FINITE,
  quantize,
  QuantizeKernel,
} from '../../arithmetic/index.js';
import { generateKernel, kernelFile } from '../../scripts/generate-quantize-kernel.js';

const LARGEST = 3.4028234663852886e38;
const SMALLEST = 2 ** -149;
const NORMAL = 2 ** -126;
const SPECIALS = [
  0,
  -0,
  SMALLEST,
  -SMALLEST,
  NORMAL,
  -NORMAL,
  NORMAL - SMALLEST,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  LARGEST,
  -LARGEST,
];

const kernels = [QuantizeKernel.create(), QuantizeKernel.create(false)];
const floats = fc
  .array(fc.oneof(fc.constantFrom(...SPECIALS), fc.float({ noNaN: true, noDefaultInfinity: true })), {
    minLength: 1,
    maxLength: 70,
  })
  .map((list) => Float32Array.from(list));

function put(kernel: QuantizeKernel, values: Float32Array): void {
  // What an earlier, longer block left must not count.
  kernel.floats.fill(LARGEST);
  kernel.floats.set(values);
}

/** Integers of the kernel's memory, which are in network order. */
function integers({ bytes }: QuantizeKernel, count: number): number[] {
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => view.getInt32(4 * i));
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

describe('the vector code of block quantisation', () => {
  it('is what the generator makes', () => {
    expect(readFileSync(kernelFile(), 'utf8')).toBe(generateKernel());
  });

  it('is used on this machine, unless it is not wanted', () => {
    expect(kernels.map(({ description }) => description)).toEqual(['WebAssembly SIMD', 'scalar']);
  });
});

describe.each(kernels.map((kernel) => [kernel.description, kernel] as const))('%s', (_, kernel) => {
  it('finds the exponent of a block', () => {
    fc.assert(
      fc.property(floats, (values) => {
        put(kernel, values);
        expect(exponentOfField(kernel.exponent(values.length))).toBe(blockExponent(values));
      }),
    );
  });

  it.each([NaN, -NaN, Infinity, -Infinity])('finds %s wherever it is', (value) => {
    for (let length = 1; length <= 35; length++) {
      for (let i = 0; i < length; i++) {
        const values = new Float32Array(length).fill(LARGEST);
        values[i] = value;
        put(kernel, values);
        expect(kernel.exponent(length)).toBe(NOT_FINITE);
      }
    }
    put(kernel, Float32Array.of(LARGEST, 0));
    expect(kernel.exponent(2)).toBe(NOT_FINITE - 1);
  });

  it('quantises as quantize() does, to network order', () => {
    fc.assert(
      fc.property(
        floats,
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 0, max: 20 }),
        (values, workers, above) => {
          // Another worker's exponent may be greater.
          const scale = blockScale(workers, Math.min(128, blockExponent(values) + above));
          put(kernel, values);
          kernel.quantize(values.length, scale);
          expect(integers(kernel, values.length)).toEqual([...quantize(values, scale)]);
        },
      ),
    );
  });

  it('rounds ties to even', () => {
    const values = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5);
    put(kernel, values);
    kernel.quantize(values.length, 1);
    expect(integers(kernel, values.length)).toEqual([0, 2, 2, 0, -2, -2, 4]);
  });

  it('converts sums back as dequantize() does', () => {
    const sums = fc.array(fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer()), { minLength: 1 });
    fc.assert(
      fc.property(sums, fc.integer({ min: 1, max: 32 }), fc.integer({ min: -126, max: 128 }), (list, workers, e) => {
        const scale = blockScale(workers, e);
        const view = new DataView(kernel.bytes.buffer);
        list.forEach((sum, i) => view.setInt32(4 * i, sum));
        kernel.dequantize(list.length, scale);
        const expected = dequantize(Int32Array.from(list), scale);
        expect([...bits(kernel.floats.slice(0, list.length))]).toEqual([...bits(expected)]);
      }),
    );
  });

  it('takes a whole memory of values, and none', () => {
    const values = Float32Array.from({ length: KERNEL_VALUES }, (_, i) => i - KERNEL_VALUES / 2);
    put(kernel, values);
    expect(exponentOfField(kernel.exponent(KERNEL_VALUES))).toBe(14);
    kernel.quantize(KERNEL_VALUES, 2);
    expect(integers(kernel, KERNEL_VALUES)).toEqual([...values].map((value) => 2 * value));
    expect(kernel.exponent(0)).toBe(0);
  });
});
