/** Whether the tensors that a worker announces fit its job and the workers that wait already. */
import { firstDifference, isQuantized } from '../../protocol/submission.js';
import { TensorsDifferError } from '../errors.js';
import type { AnnouncementMessage } from '../messages.js';
import type { JobRecord } from './state.js';

/**
 * @param own what the worker of `rank` will reduce; empty if it does not say
 * @param waiting what the workers that wait for it will reduce, by rank
 * @throws TensorsDifferError naming the first tensor that does not fit
 */
export function checkAnnouncements(
  job: JobRecord,
  rank: number,
  own: readonly AnnouncementMessage[],
  waiting: ReadonlyMap<number, readonly AnnouncementMessage[]>,
): void {
  const { format } = job.profile;
  for (const { submission, source } of own) {
    if (submission === undefined || submission.format === format) continue;
    const name = submission.tensors[0]?.name;
    const what = name === undefined ? 'tensors' : `tensor "${name}"`;
    const does = isQuantized(submission) ? `would quantize ${what} to` : `has ${what} of`;
    throw new TensorsDifferError(
      `${whoOf(rank, source)} ${does} ${submission.format}, but job "${job.name}" is of ${format}`,
    );
  }
  if (own.length === 0) return;
  for (const [other, theirs] of waiting) {
    if (other === rank || theirs.length === 0) continue;
    const difference = differenceOf(rank, own, other, theirs);
    if (difference !== undefined) throw new TensorsDifferError(difference);
  }
}

function differenceOf(
  rank: number,
  own: readonly AnnouncementMessage[],
  other: number,
  theirs: readonly AnnouncementMessage[],
): string | undefined {
  for (let i = 0; i < Math.min(own.length, theirs.length); i++) {
    const [a, b] = [own[i]!, theirs[i]!];
    if (a.submission === undefined || b.submission === undefined) continue;
    const difference = firstDifference(
      { who: whoOf(rank, a.source), what: a.submission },
      { who: whoOf(other, b.source), what: b.submission },
    );
    if (difference !== undefined) return own.length === 1 ? difference : `in operation ${i + 1}, ${difference}`;
  }
  if (own.length === theirs.length) return undefined;
  return `rank ${rank} will reduce ${operations(own.length)}, rank ${other} ${operations(theirs.length)}`;
}

function operations(count: number): string {
  return count === 1 ? '1 operation' : `${count} operations`;
}

function whoOf(rank: number, source: string): string {
  return source === '' ? `rank ${rank}` : `rank ${rank} (${source})`;
}
