/** What results say that do not contain all of a job's workers. */
import type { AllreduceStats } from '../host/index.js';

/** One sentence for all of them; undefined when every sum has all workers. */
export function partialOf(results: readonly Pick<AllreduceStats, 'partial'>[]): string | undefined {
  const sentences = new Set(results.flatMap(({ partial }) => (partial === undefined ? [] : [partial])));
  return sentences.size === 0 ? undefined : [...sentences].join('; ');
}
