/** What `fpisa doctor` reports. */
import { plural } from '../../net/count.js';

export interface Finding {
  /** A fault keeps something from working; a note may explain why it is slow, or be harmless. */
  readonly level: 'fault' | 'note';
  /** What it is about: `switch s1`, `job training`. */
  readonly subject: string;
  /** One sentence. */
  readonly finding: string;
  /** How to fix it. */
  readonly remedy: string;
}

/** `worker 3`, `workers 1, 2`. */
export function workers(ranks: readonly number[]): string {
  return `${plural(ranks.length, 'worker')} ${ranks.join(', ')}`;
}
