/**
 * The host's side of the int32 baseline: SwitchML's block quantisation (NSDI'21), as its public host
 * library does it per packet. Workers first agree on the largest exponent of a block, which costs a round of
 * communication that floating-point aggregation does not need.
 */

const INT32_MAX = 2 ** 31 - 1;

/** The smallest e with |x| < 2^e for every element, or the exponent of the smallest number when all are zero. @param values finite */
export function blockExponent(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, largest);
  return (view.getUint32(0) >>> 23) - 126;
}

/** Factor with which the sum of `workers` values below 2^exponent cannot saturate an int32. */
export function blockScale(workers: number, exponent: number): number {
  return INT32_MAX / (workers * 2 ** exponent);
}

/** value × scale, rounded to the nearest whole number, ties to even. */
export function quantize(values: Float32Array, scale: number): Int32Array {
  return Int32Array.from(values, (value) => roundHalfEven(value * scale));
}

/** The inverse, for sums of quantised values. */
export function dequantize(sums: Int32Array, scale: number): Float32Array {
  const step = 1 / scale;
  return Float32Array.from(sums, (sum) => sum * step);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const over = x - floor;
  return over > 0.5 || (over === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
