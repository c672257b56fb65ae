export * from './errors.js';
export type { ReadOptions } from './element-types.js';
export { FILE_EXTENSIONS, readTensorFile, writeTensorFile } from './load.js';
export { readNpy, writeNpy } from './npy.js';
export { readSafetensors, writeSafetensors } from './safetensors.js';
export { type FileTensor, SINGLE_TENSOR, type TensorFile } from './tensor-file.js';
