/**
 * Where the cells of registers and counters are stored. The compiled engine keeps them in WebAssembly memory; all code
 * that works on the state, control plane and interpreter included, sees the same typed arrays.
 */
export interface CellStorage {
  /** Uint32Array up to 32 bits; above, limbs of 64 bits, the lowest first. All zero. */
  registers(index: number, width: number, size: number): Uint32Array | BigUint64Array;
  counters(index: number, what: 'packets' | 'bytes', size: number): Float64Array;
}

export const plainStorage: CellStorage = {
  registers: (_, width, size) =>
    width <= 32 ? new Uint32Array(size) : new BigUint64Array(size * Math.ceil(width / 64)),
  counters: (_index, _what, size) => new Float64Array(size),
};
