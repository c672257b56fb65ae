/**
 * Writes `arithmetic/generated/`: the vector code of block quantisation (arithmetic/quantize-kernel.ts) as a WebAssembly
 * module, so that a worker needs no compiler. `npm run generate`; a test checks that the committed file is current.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import binaryen from 'binaryen';
import { shippedFile } from '../net/package-files.js';
import { runAsCommand } from './arguments.js';

const FOLDER = 'generated';
const NAME = 'quantize-module.ts';

/** Where the generated file is. */
export function kernelFile(): string {
  return join(shippedFile('arithmetic'), FOLDER, NAME);
}

const VECTOR_BYTES = 16;
/** Values are processed in groups of this many bytes; the caller's memory is a multiple of it. */
const STEP_BYTES = 64;
/** Added to a number below 2^51 it leaves the number, rounded to the nearest whole one, in the low bits. */
const ROUNDER = 1.5 * 2 ** 52;
/** The upper two lanes of four, as the lower two. */
const UPPER = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
/** The low words of four doubles in two vectors, their bytes reversed. */
const LOW_WORDS_SWAPPED = [3, 2, 1, 0, 11, 10, 9, 8, 19, 18, 17, 16, 27, 26, 25, 24];
const SWAPPED = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const LOWER_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

type Ref = number;

/** Text of the generated file. */
export function generateKernel(): string {
  const { i32, f64, v128, none } = binaryen;
  const m = new binaryen.Module();
  m.setFeatures(binaryen.Features.MVP | binaryen.Features.SIMD128);
  m.setMemory(1, 1, 'memory');
  const [BYTES, FACTOR, AT, VECTOR] = [0, 1, 2, 3];
  const at = (): Ref => m.local.get(AT, i32);
  const vector = (): Ref => m.local.get(VECTOR, v128);
  const load = (offset: number): Ref => m.v128.load(offset, VECTOR_BYTES, at());
  const store = (offset: number, value: Ref): Ref => m.v128.store(offset, VECTOR_BYTES, at(), value);
  const low = (): Ref => vector();
  const high = (): Ref => m.i8x16.shuffle(vector(), vector(), UPPER);
  const scaled = (doubles: Ref): Ref => m.f64x2.mul(doubles, m.f64x2.splat(m.local.get(FACTOR, f64)));

  /** Over all vectors of the first `bytes` of the memory. */
  const each = (body: (offset: number) => Ref[]): Ref =>
    m.block('done', [
      m.br_if('done', m.i32.eqz(m.local.get(BYTES, i32))),
      m.loop(
        'next',
        m.block(null, [
          ...Array.from({ length: STEP_BYTES / VECTOR_BYTES }, (_, k) => body(k * VECTOR_BYTES)).flat(),
          m.local.set(AT, m.i32.add(at(), m.i32.const(STEP_BYTES))),
          m.br_if('next', m.i32.lt_u(at(), m.local.get(BYTES, i32))),
        ]),
      ),
    ]);

  const largest = (): Ref => m.local.get(VECTOR, v128);
  const withoutSign = bitsOf(0x7fffffff);
  m.addFunction(
    'exponent',
    binaryen.createType([i32, f64]),
    i32,
    [i32, v128],
    m.block(
      null,
      [
        each((offset) => [
          m.local.set(VECTOR, m.i32x4.max_s(largest(), m.v128.and(load(offset), m.v128.const(withoutSign)))),
        ]),
        m.local.set(VECTOR, m.i32x4.max_s(largest(), m.i8x16.shuffle(largest(), largest(), UPPER))),
        m.i32.shr_u(
          m.select(
            m.i32.gt_u(m.i32x4.extract_lane(largest(), 0), m.i32x4.extract_lane(largest(), 1)),
            m.i32x4.extract_lane(largest(), 0),
            m.i32x4.extract_lane(largest(), 1),
          ),
          m.i32.const(23),
        ),
      ],
      i32,
    ),
  );
  const rounded = (floats: Ref): Ref =>
    m.f64x2.add(scaled(m.f64x2.promote_low_f32x4(floats)), m.f64x2.splat(m.f64.const(ROUNDER)));
  m.addFunction(
    'quantize',
    binaryen.createType([i32, f64]),
    none,
    [i32, v128],
    each((offset) => [
      m.local.set(VECTOR, load(offset)),
      store(offset, m.i8x16.shuffle(rounded(low()), rounded(high()), LOW_WORDS_SWAPPED)),
    ]),
  );
  const restored = (sums: Ref): Ref => m.f32x4.demote_f64x2_zero(scaled(m.f64x2.convert_low_i32x4_s(sums)));
  m.addFunction(
    'dequantize',
    binaryen.createType([i32, f64]),
    none,
    [i32, v128],
    each((offset) => [
      m.local.set(VECTOR, load(offset)),
      m.local.set(VECTOR, m.i8x16.shuffle(vector(), vector(), SWAPPED)),
      store(offset, m.i8x16.shuffle(restored(low()), restored(high()), LOWER_HALVES)),
    ]),
  );
  for (const name of ['exponent', 'quantize', 'dequantize']) m.addFunctionExport(name, name);
  try {
    if (!m.validate()) throw new Error('the generator produced an invalid module');
    binaryen.setOptimizeLevel(2);
    m.optimize();
    const base64 = Buffer.from(m.emitBinary()).toString('base64');
    return [
      '// Written by scripts/generate-quantize-kernel.ts; do not edit.',
      '',
      '/** In base64: exponent(bytes), quantize(bytes, scale), dequantize(bytes, step) over its memory. */',
      `export const QUANTIZE_MODULE =\n  '${base64}';`,
      '',
    ].join('\n');
  } finally {
    m.dispose();
  }
}

/** Four lanes of 32 bits, as bytes. */
function bitsOf(value: number): number[] {
  const word = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  return [...word, ...word, ...word, ...word];
}

await runAsCommand(import.meta.url, () => {
  const file = kernelFile();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, generateKernel());
  return 0;
});
