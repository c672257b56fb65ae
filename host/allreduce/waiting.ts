/** What an operation that makes no progress waits for, in the words of an event and of an error. */

export interface Waiting {
  /**
   * - `join`: for workers that the job does not have yet.
   * - `controller`: for a new epoch.
   * - `workers`: for contributions to the operation.
   * - `switch`: for its answer.
   */
  readonly for: 'join' | 'controller' | 'workers' | 'switch';
  /** Whom it waits for; empty if not for workers. */
  readonly ranks: readonly number[];
  /** For people, for example `waiting for ranks 2 and 3 of 4 to join`. */
  readonly message: string;
}

/** Who is here while the job waits for its workers, as the controller says. */
export interface Attending {
  readonly ranks: readonly number[];
  /** Whom the job waits for. */
  readonly expected: readonly number[];
}

export function waitsToJoin({ ranks, expected }: Attending): Waiting {
  const message = `waiting for ${ranksText(expected)} of ${ranks.length + expected.length} to join`;
  return { for: 'join', ranks: expected, message };
}

export function waitsForController(connected: boolean, epoch: number | undefined): Waiting {
  const what = epoch === undefined ? 'to let the job run' : `to begin epoch ${epoch}`;
  const message = `waiting for the controller ${what}${connected ? '' : ', with which there is no connection'}`;
  return { for: 'controller', ranks: [], message };
}

export interface Contributors {
  /** This worker. */
  readonly rank: number;
  /** Whose contribution the switch lacks; undefined if it has not said. */
  readonly missing: readonly number[] | undefined;
  /** Whose contributions pass other switches. */
  readonly elsewhere: readonly number[];
  /** Whether the operation has had no result yet. */
  readonly first: boolean;
  readonly switchAddress: string;
}

export function waitsForContributors(contributors: Contributors): Waiting {
  const { rank, missing, elsewhere, first, switchAddress } = contributors;
  const silent = (message: string): Waiting => ({ for: 'switch', ranks: [], message });
  if (missing === undefined) return silent(`waiting for the switch at ${switchAddress} to answer`);
  const others = missing.filter((other) => other !== rank);
  const action = first ? 'to begin' : 'to go on';
  if (others.length > 0)
    return { for: 'workers', ranks: others, message: `waiting for ${ranksText(others)} ${action}` };
  if (missing.length > 0)
    return silent(`waiting for the switch at ${switchAddress}, which this worker's packets do not reach`);
  if (elsewhere.length === 0) return silent('waiting for the result, to which all ranks have contributed');
  const message = `waiting for ${ranksText(elsewhere)} at other switches ${action}`;
  return { for: 'workers', ranks: elsewhere, message };
}

/** `rank 1`, `ranks 1 and 2`, `ranks 1, 2 and 3`. */
function ranksText(ranks: readonly number[]): string {
  if (ranks.length === 1) return `rank ${ranks[0]}`;
  return `ranks ${ranks.slice(0, -1).join(', ')} and ${ranks.at(-1)}`;
}
