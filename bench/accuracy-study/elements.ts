/** Numbers as elements of a format, rounded to nearest even, and back. */
import {
  FORMATS,
  maxExponentField,
  type FloatFormat,
  type FloatFormatName,
  type NumericVector,
} from '../../arithmetic/index.js';

export function encoded(format: FloatFormatName, values: Float64Array): NumericVector {
  if (format === 'fp64') return values;
  if (format === 'fp16' || format === 'bf16')
    return Uint16Array.from(values, (value) => narrowBits(FORMATS[format], value));
  return Float32Array.from(values);
}

export function decoded(format: FloatFormatName, vector: NumericVector): Float64Array {
  if (format !== 'fp16' && format !== 'bf16') return Float64Array.from(vector as Float32Array | Float64Array);
  return Float64Array.from(vector as Uint16Array, (bits) => narrowValue(FORMATS[format], bits));
}

/** Sequential IEEE addition in the format itself, in the order of arrival. */
export function sequential(format: FloatFormatName, vectors: readonly NumericVector[]): NumericVector {
  const [first, ...others] = vectors;
  let sum = first!;
  for (const vector of others) {
    const values = decoded(format, vector);
    // A double holds more than twice the bits of every narrower format, so rounding its sum again is harmless.
    sum = encoded(
      format,
      decoded(format, sum).map((value, i) => value + values[i]!),
    );
  }
  return sum;
}

const view = new DataView(new ArrayBuffer(8));

function narrowBits(format: FloatFormat, value: number): number {
  const { fractionBits } = format;
  const sign = value < 0 || Object.is(value, -0) ? 2 ** (format.bits - 1) : 0;
  const infinity = maxExponentField(format) * 2 ** fractionBits;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return infinity + 2 ** (fractionBits - 1);
  if (magnitude === Infinity) return sign + infinity;
  view.setFloat64(0, magnitude);
  const bias = 2 ** (format.exponentBits - 1) - 1;
  const field = Math.max(1, (view.getUint16(0) >>> 4) - 1023 + bias);
  const significand = halfToEven(magnitude / 2 ** (field - bias - fractionBits));
  // Adding lets a carry out of the fraction raise the exponent.
  return sign + Math.min((field - 1) * 2 ** fractionBits + significand, infinity);
}

function halfToEven(x: number): number {
  const floor = Math.floor(x);
  const over = x - floor;
  return over > 0.5 || (over === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

function narrowValue(format: FloatFormat, bits: number): number {
  const implied = 2 ** format.fractionBits;
  const sign = bits >>> (format.bits - 1) === 0 ? 1 : -1;
  const magnitude = bits % 2 ** (format.bits - 1);
  const [field, fraction] = [Math.floor(magnitude / implied), magnitude % implied];
  if (field === maxExponentField(format)) return fraction === 0 ? sign * Infinity : Number.NaN;
  const bias = 2 ** (format.exponentBits - 1) - 1;
  const significand = field === 0 ? fraction : implied + fraction;
  return sign * significand * 2 ** (Math.max(1, field) - bias - format.fractionBits);
}
