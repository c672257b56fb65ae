/**
 * The functions of quantize.ts over memory that is reused: for the packets of a worker, with vectors of WebAssembly where
 * the machine has them. Both ways give the same bits, those of quantize.ts.
 */
import { QUANTIZE_MODULE } from './generated/quantize-module.js';

const WORD_BYTES = 4;
/** The vector code processes values in groups of this many bytes. */
const GROUP_BYTES = 64;
/** One page of WebAssembly. */
const MEMORY_BYTES = 65_536;
/** The most values that fit. */
export const KERNEL_VALUES = MEMORY_BYTES / WORD_BYTES;
/** Added to a number below 2^51 and subtracted again, it rounds to the nearest whole one, ties to even. */
const ROUNDER = 1.5 * 2 ** 52;
/** Exponent fields, as blockExponent() counts from them. */
const EXPONENT_SHIFT = 23;
/** Of a block that holds an infinity or a NaN. */
export const NOT_FINITE = 255;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The little of WebAssembly that is needed: its types belong to those of browsers. */
interface WebAssemblyApi {
  validate(module: Uint8Array): boolean;
  readonly Module: new (module: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** What both ways do, over the first `bytes` of the memory. */
interface Code {
  readonly memory: ArrayBuffer;
  exponent(bytes: number): number;
  quantize(bytes: number, scale: number): void;
  dequantize(bytes: number, step: number): void;
}

export class QuantizeKernel {
  /** Values, in place: floats of this machine, or integers in network order. */
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;

  private constructor(
    private readonly code: Code,
    /** Which way it is, for people. */
    readonly description: 'WebAssembly SIMD' | 'scalar',
  ) {
    this.bytes = new Uint8Array(code.memory);
    this.floats = new Float32Array(code.memory);
  }

  /** @param vectors false: without them, also where the machine has them */
  static create(vectors = true): QuantizeKernel {
    const code = vectors ? vectorCode() : undefined;
    return code === undefined
      ? new QuantizeKernel(scalarCode(), 'scalar')
      : new QuantizeKernel(code, 'WebAssembly SIMD');
  }

  /** Exponent field of the largest of the first `count` floats; {@link NOT_FINITE} if one of them is no number. */
  exponent(count: number): number {
    return this.code.exponent(this.padded(count));
  }

  /** Floats to integers in network order. @param scale of blockScale(), for which no value exceeds an int32 */
  quantize(count: number, scale: number): void {
    this.code.quantize(this.padded(count), scale);
  }

  /** Sums in network order to floats. */
  dequantize(count: number, scale: number): void {
    this.code.dequantize(this.padded(count), 1 / scale);
  }

  /** Fills up the last group: what lies behind the values must not count. */
  private padded(count: number): number {
    const end = Math.ceil((count * WORD_BYTES) / GROUP_BYTES) * GROUP_BYTES;
    this.bytes.fill(0, count * WORD_BYTES, end);
    return end;
  }
}

/** The exponent as in blockExponent(), of the field that {@link QuantizeKernel.exponent} returns. */
export function exponentOfField(field: number): number {
  return field - 126;
}

/** Undefined where the machine has no vectors in WebAssembly, or is big-endian, as WebAssembly's memory is not. */
function vectorCode(): Code | undefined {
  const module = Uint8Array.from(atob(QUANTIZE_MODULE), (char) => char.charCodeAt(0));
  const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi };
  if (!IS_LITTLE_ENDIAN || api?.validate(module) !== true) return undefined;
  const { exports } = new api.Instance(new api.Module(module));
  const { memory, exponent, quantize, dequantize } = exports as Omit<Code, 'memory'> & {
    readonly memory: { readonly buffer: ArrayBuffer };
  };
  return { memory: memory.buffer, exponent, quantize, dequantize };
}

function scalarCode(): Code {
  const memory = new ArrayBuffer(MEMORY_BYTES);
  const floats = new Float32Array(memory);
  const words = new Int32Array(memory);
  return {
    memory,
    exponent: (bytes) => {
      let largest = 0;
      // The order of bits is that of magnitudes.
      for (let i = 0; i < bytes / WORD_BYTES; i++) largest = Math.max(largest, words[i]! & 0x7fff_ffff);
      return largest >>> EXPONENT_SHIFT;
    },
    quantize: (bytes, scale) => {
      for (let i = 0; i < bytes / WORD_BYTES; i++) words[i] = networkOrder(floats[i]! * scale + ROUNDER - ROUNDER);
    },
    dequantize: (bytes, step) => {
      for (let i = 0; i < bytes / WORD_BYTES; i++) floats[i] = networkOrder(words[i]!) * step;
    },
  };
}

function networkOrder(value: number): number {
  if (!IS_LITTLE_ENDIAN) return value;
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
