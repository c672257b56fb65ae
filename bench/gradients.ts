/** The recorded gradients of bench/data, flattened: one vector per worker. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedFile } from '../net/package-files.js';

export const PHASES = ['early', 'late'] as const;
export type Phase = (typeof PHASES)[number];

/** Workers that bench/data/gradients was recorded with. */
export const RECORDED_WORKERS = 8;

/** One worker's gradient of a phase: all its fp32 tensors end to end, in the order of the file. @param folder of the recording */
export function loadGradient(phase: Phase, rank: number, folder = shippedFile('bench/data/gradients')): Float32Array {
  return readTensor(readFileSync(join(folder, phase, `worker-${rank}.safetensors`)));
}

/** All fp32 tensors of a safetensors file end to end. */
export function readTensor(file: Buffer): Float32Array {
  // A safetensors file: length of its JSON header (8 bytes, little-endian), header, tensors.
  const data = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, data)) as Record<string, { dtype?: string }>;
  const foreign = Object.entries(header).find(([name, tensor]) => name !== '__metadata__' && tensor.dtype !== 'F32');
  if (foreign) throw new Error(`tensor ${foreign[0]} is ${foreign[1].dtype}, but a recording holds only F32`);
  return new Float32Array(file.buffer.slice(file.byteOffset + data, file.byteOffset + file.length));
}
