/** What `fpisa doctor` says. */

export interface Finding {
  /** A fault keeps something from working; a note may explain why it is slow, or nothing at all. */
  readonly level: 'fault' | 'note';
  /** What it is about: `switch s1`, `job training`. */
  readonly subject: string;
  /** One sentence. */
  readonly finding: string;
  /** What ends it. */
  readonly remedy: string;
}

/** `worker 3`, `workers 1, 2`. */
export function workers(ranks: readonly number[]): string {
  return `${ranks.length === 1 ? 'worker' : 'workers'} ${ranks.join(', ')}`;
}
