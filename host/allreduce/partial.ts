/** Sentences about the ranks of a job that are not there. */

/** A rank of the job without a member. */
export interface MissingRank {
  readonly rank: number;
  /** It left of its own accord; otherwise it was lost. */
  readonly left: boolean;
}

/** For example `rank 1 was lost`, or `ranks 1, 3 were lost and rank 2 left`. */
export function describeMissing(missing: readonly MissingRank[]): string {
  const lost = missing.filter(({ left }) => !left);
  const left = missing.filter((each) => each.left);
  const parts = [
    ...(lost.length === 0 ? [] : [`${rankList(lost)} ${lost.length === 1 ? 'was' : 'were'} lost`]),
    ...(left.length === 0 ? [] : [`${rankList(left)} left`]),
  ];
  return parts.join(' and ');
}

/** What a sum over some of the job's workers says about itself; undefined for one over all. */
export function partialNote(workers: number, of: number, missing: readonly MissingRank[]): string | undefined {
  if (workers >= of) return undefined;
  const why = missing.length === 0 ? '' : ` (${describeMissing(missing)})`;
  return `summed over ${workers} of ${of} workers${why}`;
}

function rankList(ranks: readonly MissingRank[]): string {
  return `${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.map(({ rank }) => rank).join(', ')}`;
}
