/**
 * Where a job stands when its members have stopped, from what they report (docs/controller.md, "What members report").
 *
 * A member contributes to an operation only when it has completed the one before, and commits only when it holds all
 * of its results. So of members that ran in the same epoch, each has received at least what any other has completed,
 * and all stand at one operation or at two successive ones. A report for which that is not so cannot be true.
 */

/** One process's report about itself. */
export interface StandingReport {
  readonly rank: number;
  /** It was a member of the last epoch that ran, as the same process. */
  readonly isVeteran: boolean;
  readonly completed: number;
  readonly received: number;
}

/** An operation that a member cannot finish: its number is used up for all. */
export interface Failure {
  readonly rank: number;
  readonly operation: number;
}

export interface Settlement {
  /** The last operation that is used up: complete, or failed. */
  readonly completed: number;
  /** Ranks whose reports contradict those of the others. */
  readonly contradicting: readonly number[];
}

/** @param known last operation that was used up when the last epoch began */
export function settle(reports: readonly StandingReport[], failures: readonly Failure[], known: number): Settlement {
  const veterans = reports.filter(({ isVeteran }) => isVeteran);
  // After a loss of all records, those that have worked before are all there is to judge by.
  const witnesses = veterans.length > 0 ? veterans : reports.filter(({ completed }) => completed > 0);
  // One that never got the Resume of the last epoch stands further back, which nobody can hold against it.
  const position = ({ received }: StandingReport): number => Math.max(received, known);
  const start = commonStart(witnesses.map(position)) ?? known;
  const agrees = (report: StandingReport): boolean => position(report) === start || position(report) === start + 1;
  const agreeing = witnesses.filter(agrees);
  const possible = failures.filter(({ operation }) => operation <= start + 1);
  // What all veterans have received is complete, even if the members that knew have died: to repeat it over the
  // remaining members would give another sum than they, and perhaps the dead, had already seen.
  const received = agreeing.filter(({ isVeteran }) => isVeteran).map((report) => report.received);
  const completed = Math.max(
    known,
    ...(received.length === 0 ? [] : [Math.min(...received)]),
    ...agreeing.map((report) => report.completed),
    ...possible.map(({ operation }) => operation),
  );
  const contradicting = [
    ...witnesses.filter((report) => !agrees(report)),
    ...reports.filter((report) => !witnesses.includes(report) && report.completed > completed),
    ...failures.filter((failure) => !possible.includes(failure)),
  ];
  return { completed, contradicting: [...new Set(contradicting.map(({ rank }) => rank))] };
}

/** The number n for which most positions are n or n + 1; of several the lowest. */
function commonStart(positions: readonly number[]): number | undefined {
  let best: number | undefined;
  let most = 0;
  for (const start of positions.toSorted((a, b) => a - b)) {
    const count = positions.filter((position) => position === start || position === start + 1).length;
    if (count > most) [best, most] = [start, count];
  }
  return best;
}
