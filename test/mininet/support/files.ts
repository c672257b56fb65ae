/** Tensor files that are large enough for something to happen while they are reduced. */
import { join } from 'node:path';
import { writeTensorFile } from '../../../host/index.js';

/** @returns the pattern of the files' names */
export async function writeGradients(
  folder: string,
  workers: number,
  elements: number | ((rank: number) => number),
): Promise<string> {
  for (let rank = 0; rank < workers; rank++) {
    const length = typeof elements === 'number' ? elements : elements(rank);
    // Any numbers of both signs and many exponents.
    const data = Float32Array.from(
      { length },
      (_, index) => Math.sin(index * 12.9898 + rank * 78.233) * 2 ** ((index * 7 + rank) % 23),
    );
    await writeTensorFile(join(folder, `grad-${rank}.safetensors`), {
      tensors: new Map([['gradient', { shape: [length], data }]]),
      metadata: {},
    });
  }
  return join(folder, 'grad-{rank}.safetensors');
}
