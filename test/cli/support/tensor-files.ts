import { writeTensorFile, type Tensor } from '../../../host/index.js';
import type { Site } from './site.js';

let files = 0;

/** Writes tensors to a new file. */
export async function tensorFile(
  site: Site,
  extension: 'npy' | 'safetensors',
  tensors: Readonly<Record<string, Tensor>>,
): Promise<string> {
  const path = site.file(`in-${files++}.${extension}`);
  const entries = Object.entries(tensors).map(([name, data]) => [name, { shape: [data.length], data }] as const);
  await writeTensorFile(path, { tensors: new Map(entries), metadata: {} });
  return path;
}
