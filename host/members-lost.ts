/** The end of a job for those who are left, when too few are. */
import { describeMissing } from './allreduce/index.js';
import { MembersLostError } from './errors.js';
import type { JobInfo, MembersLost } from './session/messages.js';

export function membersLostError({ ranks, waitedMs }: MembersLost, job: JobInfo): MembersLostError {
  const { name, workers, minWorkers } = job;
  const needed =
    minWorkers < workers ? `at least ${minWorkers} of its ${workers} workers` : `all of its ${workers} workers`;
  return new MembersLostError(
    `${describeMissing(ranks)} and did not return within ${waitedMs / 1000} s, but an operation of job '${name}' needs ${needed}: ` +
      'start all of them again, or create the job with --elastic to go on with fewer',
    ranks.map(({ rank }) => rank),
  );
}
