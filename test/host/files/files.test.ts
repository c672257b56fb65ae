import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTensorFile, SINGLE_TENSOR, type TensorFile, writeTensorFile } from '../../../host/index.js';

const MATRIX = new Float32Array([1.5, -2.25, 0, 3.0e38, -1e-45, 7]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fpisa-files-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

async function failure(path: string): Promise<{ code: string; message: string }> {
  return await readTensorFile(path).then(
    () => {
      throw new Error(`${path} was expected to be refused`);
    },
    (error: { code: string; message: string }) => error,
  );
}

/** A file of these bytes; the fixture's with one change, or others. */
async function spoiled(name: string, change: (bytes: Buffer) => unknown): Promise<string> {
  const bytes = await readFile(fixture(name));
  const path = join(folder, `spoiled-${name}`);
  const changed = change(bytes);
  await writeFile(path, Buffer.isBuffer(changed) ? changed : bytes);
  return path;
}

function single(file: TensorFile) {
  return file.tensors.get(SINGLE_TENSOR)!;
}

describe('.npy files that numpy wrote', () => {
  it.each(['f4-2x3.npy', 'f4-v2.npy', 'f4-v3.npy'])('%s', async (name) => {
    expect(single(await readTensorFile(fixture(name)))).toEqual({ shape: [2, 3], data: MATRIX });
  });

  it('integers, scalars and empty arrays', async () => {
    expect(single(await readTensorFile(fixture('i4-4.npy')))).toEqual({
      shape: [4],
      data: new Int32Array([1, -2, 2 ** 31 - 1, -(2 ** 31)]),
    });
    expect(single(await readTensorFile(fixture('f4-scalar.npy')))).toEqual({
      shape: [],
      data: new Float32Array([2.5]),
    });
    expect(single(await readTensorFile(fixture('f4-empty.npy')))).toEqual({ shape: [0, 5], data: new Float32Array(0) });
  });

  it.each([
    ['f8-3.npy', /fp64 \(dtype '<f8'\), and workers reduce fp32 and int32; --cast fp32/],
    ['structured.npy', /structured type; supported: f4, i4, and with --cast fp32/],
  ])('%s is refused with what is supported', async (name, message) => {
    const error = await failure(fixture(name));
    expect(error).toMatchObject({ code: 'FPISA_FILE_DTYPE' });
    expect(error.message).toMatch(message);
  });

  it('are written byte for byte as numpy does', async () => {
    for (const name of ['f4-2x3.npy', 'i4-4.npy', 'f4-scalar.npy', 'f4-empty.npy']) {
      const path = join(folder, name);
      await writeTensorFile(path, await readTensorFile(fixture(name)));
      expect(await readFile(path)).toEqual(await readFile(fixture(name)));
    }
  });
});

describe('.safetensors files that safetensors wrote', () => {
  it('are read with names, shapes and metadata', async () => {
    const file = await readTensorFile(fixture('model.safetensors'));
    expect(file.metadata).toEqual({ format: 'np', note: 'größer' });
    expect(Object.fromEntries(file.tensors)).toEqual({
      'layer.weight': { shape: [2, 3], data: MATRIX },
      'layer.bias': { shape: [1], data: new Float32Array([0.5]) },
      step: { shape: [2], data: new Int32Array([3, -4]) },
      empty: { shape: [3, 0], data: new Float32Array(0) },
    });
  });

  it('other dtypes are named with their tensors', async () => {
    const error = await failure(fixture('mixed.safetensors'));
    expect(error.code).toBe('FPISA_FILE_DTYPE');
    expect(error.message).toMatch(/'index' is I64; supported: F32, I32, and with --cast fp32 .* F16, BF16, F64/);
  });
});

describe('what was written is read again', () => {
  const tensor = fc.array(fc.float({ noNaN: false, noDefaultInfinity: false }), { maxLength: 20 }).map((values) => ({
    shape: [values.length],
    data: new Float32Array(values),
  }));

  it('.safetensors, with data at a multiple of 8', async () => {
    const path = join(folder, 'any.safetensors');
    const name = fc.string({ unit: 'grapheme' }).filter((one) => one !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([one]) => one }),
        fc.dictionary(fc.string(), fc.string()),
        async (tensors, metadata) => {
          await writeTensorFile(path, { tensors: new Map(tensors), metadata });
          const back = await readTensorFile(path);
          // Tensors without elements share an offset, so their order is not kept.
          expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
          expect({ ...back.metadata }).toEqual({ ...metadata });
          expect(((await readFile(path)).readUInt32LE() + 8) % 8).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('.npy', async () => {
    const path = join(folder, 'any.npy');
    await fc.assert(
      fc.asyncProperty(tensor, async (one) => {
        await writeTensorFile(path, { tensors: new Map([['x', one]]), metadata: {} });
        expect(single(await readTensorFile(path))).toEqual(one);
      }),
      { numRuns: 50 },
    );
  });
});

describe('refused', () => {
  it('a missing file and a folder', async () => {
    expect(await failure(join(folder, 'none.npy'))).toMatchObject({
      code: 'FPISA_FILE_ACCESS',
      message: expect.stringContaining('no such file'),
    });
    await writeFile(join(folder, 'file'), '');
    expect((await failure(join(folder, 'file', 'x.npy'))).code).toBe('FPISA_FILE_ACCESS');
  });

  it('unknown extensions, with the valid ones', async () => {
    for (const name of ['x.pt', 'x']) {
      expect(await failure(join(folder, name))).toMatchObject({
        code: 'FPISA_FILE_EXTENSION',
        message: expect.stringContaining('.npy, .safetensors'),
      });
    }
  });

  it.each(['f4-2x3.npy', 'f4-v3.npy', 'model.safetensors'])('%s cut off at any byte', async (name) => {
    const whole = await readFile(fixture(name));
    for (let length = 0; length < whole.length; length++) {
      const path = await spoiled(name, (bytes) => bytes.subarray(0, length));
      expect(await failure(path), `${length} bytes`).toMatchObject({ code: 'FPISA_FILE_TRUNCATED' });
    }
  });

  it.each(['f4-2x3.npy', 'model.safetensors'])('%s with bytes behind its end', async (name) => {
    expect((await failure(await spoiled(name, (bytes) => Buffer.concat([bytes, Buffer.alloc(3)])))).message).toMatch(
      /3 bytes/,
    );
  });

  it('.npy headers that are none', async () => {
    const spoil: ((bytes: Buffer) => unknown)[] = [
      (bytes) => bytes.writeUInt8(0x92, 0),
      (bytes) => bytes.writeUInt8(9, 6),
      (bytes) => bytes.write('[', 10),
      (bytes) => bytes.write('}', bytes.indexOf('False')),
      (bytes) => bytes.write('0.5', bytes.indexOf('2, 3')),
      (bytes) => bytes.write('None ', bytes.indexOf('False')),
      (bytes) => bytes.write('xhape', bytes.indexOf('shape')),
    ];
    for (const change of spoil)
      expect((await failure(await spoiled('f4-2x3.npy', change))).code).toBe('FPISA_FILE_HEADER');
  });

  it('.safetensors headers that contradict themselves', async () => {
    const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    const headers: [unknown, RegExp][] = [
      ['{', /not JSON/],
      [[], /not a JSON object/],
      [{ a: 3 }, /entry is not an object/],
      [{ a: { ...entry, dtype: 4 } }, /dtype/],
      [{ a: { ...entry, shape: [-1] } }, /shape/],
      [{ a: { ...entry, data_offsets: [8, 0] } }, /data_offsets/],
      [{ a: { ...entry, data_offsets: [0] } }, /data_offsets/],
      [{ a: { ...entry, shape: [3] } }, /needs 12 bytes/],
      [{ a: { ...entry, data_offsets: [4, 8], shape: [1] } }, /begins at byte 4/],
      [{ a: entry, b: { ...entry } }, /begins at byte 0/],
      [{ a: { ...entry, data_offsets: [0, 4], shape: [1] } }, /belong to no tensor/],
      [{ a: entry, __metadata__: { x: 1 } }, /__metadata__/],
    ];
    for (const [header, message] of headers) {
      const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(json.length));
      const path = join(folder, 'bad.safetensors');
      await writeFile(path, Buffer.concat([length, json, Buffer.alloc(8)]));
      const error = await failure(path);
      expect(error.code).toBe('FPISA_FILE_HEADER');
      expect(error.message).toMatch(message);
    }
    const path = join(folder, 'bad.safetensors');
    await writeFile(path, Buffer.alloc(64, 0xff));
    expect((await failure(path)).message).toMatch(/not a safetensors file/);
  });

  it('to write several tensors as .npy, or data that does not fit its shape', async () => {
    const one = { shape: [1], data: new Float32Array(1) };
    const tensors = new Map([
      ['a', one],
      ['b', one],
    ]);
    await expect(writeTensorFile(join(folder, 'two.npy'), { tensors, metadata: {} })).rejects.toMatchObject({
      code: 'FPISA_FILE_HEADER',
    });
    for (const name of ['w.npy', 'w.safetensors']) {
      const wrong = new Map([['a', { shape: [2], data: new Float32Array(3) }]]);
      await expect(writeTensorFile(join(folder, name), { tensors: wrong, metadata: {} })).rejects.toThrow(/3 elements/);
    }
    await expect(
      writeTensorFile(join(folder, 'no', 'x.npy'), { tensors: new Map([['a', one]]), metadata: {} }),
    ).rejects.toMatchObject({ code: 'FPISA_FILE_ACCESS' });
  });
});
