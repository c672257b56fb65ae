import type Binaryen from 'binaryen';

export type BinaryenApi = typeof Binaryen;
export type Module = Binaryen.Module;
export type Ref = number;

let loaded: BinaryenApi | undefined;
let loading: Promise<BinaryenApi> | undefined;

/** Binaryen takes half a second and 100 MB to load, so it is loaded when the first program is compiled. */
export function loadBinaryen(): Promise<BinaryenApi> {
  loading ??= import('binaryen').then((module) => (loaded = module.default));
  return loading;
}

/** Undefined until {@link loadBinaryen} has resolved. */
export function binaryenIfLoaded(): BinaryenApi | undefined {
  return loaded;
}
