import type { Occupant } from './admission.js';
import { jobsOn } from './jobs.js';
import type { ControllerState, JobRecord, MemberRecord } from './state.js';

/**
 * Members of all jobs on any of the job's switches: connected ones, and stored ones that are still expected to return.
 * @param connectedMembers of the job of that name
 */
export function occupantsBeside(
  state: ControllerState,
  { switches }: JobRecord,
  connectedMembers: (job: string) => readonly MemberRecord[],
): Occupant[] {
  const jobs = new Set(switches.flatMap((name) => jobsOn(state, name)));
  return [...jobs].flatMap(({ name: job, members }) => {
    const connected = connectedMembers(job);
    const away = members.filter(({ rank }) => connected.every((member) => member.rank !== rank));
    return [
      ...connected.map((member): Occupant => ({ job, member, connected: true })),
      ...away.map((member): Occupant => ({ job, member, connected: false })),
    ];
  });
}
