import { wasm } from '../machine/wasm.js';

/** A module with one function, which splats a number over a vector and counts the bits of each byte. */
const MODULE_WITH_VECTORS = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Whether this engine runs vector instructions; V8 does not on x64 without SSE4.1. */
export function hasVectors(validate: (module: Uint8Array) => boolean = (module) => wasm.validate(module)): boolean {
  return validate(MODULE_WITH_VECTORS);
}
