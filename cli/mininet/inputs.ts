/** Which file each worker reduces. */
import { basename, extname } from 'node:path';
import { readTensorFile, type TensorFile } from '../../host/index.js';
import { shippedFile } from '../../net/package-files.js';
import { FileError, UsageError } from '../errors.js';

/** Workers from which the gradients were recorded. */
const RECORDED_WORKERS = 8;
const RECORDED_PHASES = ['early', 'late'];
const PLACEHOLDER = '{rank}';

interface TensorSource {
  /** What the report calls it. */
  readonly phase: string;
  /** `.safetensors` or `.npy`. */
  readonly extension: string;
  pathOf(rank: number): string;
}

export interface Inputs {
  readonly sources: readonly TensorSource[];
  /** Something that a reader of the report should know. */
  readonly note?: string;
}

/**
 * @param pattern file name with `{rank}` in it; undefined: the recorded gradients
 * @throws UsageError
 */
export function inputsFor(workers: number, pattern: string | undefined): Inputs {
  if (pattern === undefined) {
    const sources = RECORDED_PHASES.map((phase) => ({
      phase,
      extension: '.safetensors',
      pathOf: (rank: number) =>
        shippedFile(`bench/data/gradients/${phase}/worker-${rank % RECORDED_WORKERS}.safetensors`),
    }));
    if (workers <= RECORDED_WORKERS) return { sources };
    return {
      sources,
      note: `gradients of ${RECORDED_WORKERS} workers were recorded: worker ${RECORDED_WORKERS} and above reuse them from the first on`,
    };
  }
  if (!pattern.includes(PLACEHOLDER))
    throw new UsageError(
      `--in "${pattern}" names one file for all workers: write ${PLACEHOLDER} where their ranks go, as in grad-${PLACEHOLDER}.safetensors`,
    );
  return {
    sources: [
      {
        phase: basename(pattern).replaceAll(PLACEHOLDER, '*'),
        extension: extname(pattern),
        pathOf: (rank) => pattern.replaceAll(PLACEHOLDER, String(rank)),
      },
    ],
  };
}

/** @throws the reader's errors, FileError for tensors that cannot be verified */
export async function readInputs({ sources }: Inputs, workers: number): Promise<void> {
  for (const source of sources) {
    for (let rank = 0; rank < workers; rank++) floats(await readTensorFile(source.pathOf(rank)), source.pathOf(rank));
  }
}

/** @throws FileError */
export function floats(file: TensorFile, path: string): Map<string, Float32Array> {
  return new Map(
    [...file.tensors].map(([name, { data }]) => {
      if (!(data instanceof Float32Array))
        throw new FileError(
          `tensor ${name} of ${path} is not fp32, and only such sums can be verified: give fp32 tensors`,
        );
      return [name, data];
    }),
  );
}
