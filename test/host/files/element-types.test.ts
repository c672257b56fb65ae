/** Files of other element types, byte orders and dimension orders; the fixtures are numpy's and safetensors' own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileTensor, readTensorFile, SINGLE_TENSOR, writeTensorFile } from '../../../host/index.js';
import { inCOrder } from '../../../host/files/element-types.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fpisa-types-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

async function single(name: string, cast?: 'fp32'): Promise<FileTensor> {
  return (await readTensorFile(fixture(name), { cast })).tensors.get(SINGLE_TENSOR)!;
}

/** Bits, so that -0 and 0 differ and NaN is NaN. */
function bits(data: Float32Array | Int32Array): number[] {
  return [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
}

function bitsWithOneNaN(data: Float32Array | Int32Array): number[] {
  return bits(Float32Array.from(data, (value) => (Number.isNaN(value) ? NaN : value)));
}

async function refusal(path: string, cast?: 'fp32'): Promise<unknown> {
  return await readTensorFile(path, { cast }).then(
    () => expect.fail(`${path} was expected to be refused`),
    (error: unknown) => error,
  );
}

describe('fp32 and int32 in any order are read without being asked for', () => {
  it('big-endian', async () => {
    expect(await single('f4-big-endian.npy')).toEqual(await single('f4-2x3.npy'));
    expect(await single('i4-big-endian.npy')).toEqual(await single('i4-4.npy'));
  });

  it('Fortran order, of two dimensions and of three', async () => {
    expect(await single('f4-fortran.npy')).toEqual(await single('f4-2x3.npy'));
    expect(await single('f4-fortran-cube.npy')).toEqual({
      shape: [2, 3, 4],
      data: Float32Array.from({ length: 24 }, (_, i) => i),
    });
  });

  it('Fortran order of any shape: element [i, j, k] stays where it is', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(lengths, (shape) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
        const result = inCOrder(data, shape);
        result.forEach((from, to) => {
          let [c, f, stride] = [to, 0, data.length];
          // The index of `to` from its C strides, then the same index with Fortran strides.
          const index = shape.map((length) => {
            stride /= length;
            const at = Math.floor(c / stride);
            c %= stride;
            return at;
          });
          shape.reduce((step, length, k) => ((f += index[k]! * step), step * length), 1);
          expect(from).toBe(f);
        });
      }),
    );
  });
});

describe('other types', () => {
  it.each([
    ['f2-8.npy', /f2-8\.npy: tensor 'data' is fp16 \(dtype '<f2'\).*; --cast fp32 .* converts it$/],
    ['f8-fortran-big-endian.npy', /tensor 'data' is fp64 \(dtype '>f8'\).*--cast fp32/],
    ['bfloat16.npy', /tensor 'data' has dtype '<V2'; supported: .*bfloat16/],
    [
      'casts.safetensors',
      /: workers reduce F32 and I32, and tensor (?=.*'double' is F64)(?=.*'half' is F16)(?=.*'brain' is BF16).*; --cast fp32 .* converts them$/,
    ],
  ])('%s is refused with dtype, tensor and option', async (name, message) => {
    expect(await refusal(fixture(name))).toMatchObject({
      code: 'FPISA_FILE_DTYPE',
      message: expect.stringMatching(message) as string,
    });
  });

  it('are converted as numpy converts them, with cast', async () => {
    for (const [name, as] of [
      ['f2-8.npy', 'f2-8-as-f4.npy'],
      ['f2-big-endian.npy', 'f2-8-as-f4.npy'],
      ['f8-8.npy', 'f8-8-as-f4.npy'],
    ] as const) {
      const [found, expected] = [await single(name, 'fp32'), await single(as)];
      expect(bitsWithOneNaN(found.data)).toEqual(bitsWithOneNaN(expected.data));
    }
    expect((await single('f8-fortran-big-endian.npy', 'fp32')).data).toEqual(
      Float32Array.from({ length: 12 }, (_, i) => i),
    );
  });

  it('of .safetensors are converted, and what is fp32 already stays', async () => {
    const { tensors } = await readTensorFile(fixture('casts.safetensors'), { cast: 'fp32' });
    const of = (name: string) => bitsWithOneNaN(tensors.get(name)!.data);
    expect(of('half')).toEqual(bitsWithOneNaN((await single('f2-8-as-f4.npy')).data));
    expect(of('double')).toEqual(bitsWithOneNaN((await single('f8-8-as-f4.npy')).data));
    const as = await readTensorFile(fixture('casts-as-f4.safetensors'));
    expect(of('brain')).toEqual(bitsWithOneNaN(as.tensors.get('brain')!.data));
    expect(tensors.get('w')).toEqual(await single('f4-2x3.npy'));
  });

  it('that cannot be converted are refused even so', async () => {
    expect(await refusal(fixture('bfloat16.npy'), 'fp32')).toMatchObject({ code: 'FPISA_FILE_DTYPE' });
    expect(await refusal(fixture('mixed.safetensors'), 'fp32')).toMatchObject({
      code: 'FPISA_FILE_DTYPE',
      message: expect.stringMatching(/: 'index' is I64; supported: F32, I32, and with --cast fp32/) as string,
    });
  });

  it('a value that fp32 has no room for is refused, not made infinite or another integer', async () => {
    const header = (descr: string) => {
      const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (2,), }`.padEnd(117) + '\n';
      return Buffer.concat([
        Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
        Buffer.from([text.length, 0]),
        Buffer.from(text),
      ]);
    };
    const path = join(folder, 'beyond.npy');
    await writeFile(path, Buffer.concat([header('<f8'), Buffer.from(new Float64Array([1, -1e300]).buffer)]));
    expect(await refusal(path, 'fp32')).toMatchObject({
      code: 'FPISA_FILE_DTYPE',
      message: `${path}: element 1 of tensor 'data', -1e+300, is beyond fp32's range`,
    });
    await writeTensorFile(path, {
      tensors: new Map([['x', { shape: [2], data: new Int32Array([7, 2 ** 24 + 1]) }]]),
      metadata: {},
    });
    expect(await refusal(path, 'fp32')).toMatchObject({
      message: expect.stringContaining("element 1 of tensor 'data', 16777217, has no equal in fp32") as string,
    });
  });
});
