/** A Tofino adds in the pipe at which packets arrive, because each pipe has its own registers. So a job's packets must all use one pipe. */
import { pipeOf } from '../tofino/ports.js';
import type { JobRecord, MemberRecord, SwitchConfig } from './state.js';
import { childrenOf, type Switches } from './topology.js';

/**
 * The pipe that a job uses on a switch: that of the switches below, whose links are fixed, or that of its workers.
 * @param members of the job, those to take into account
 * @returns undefined when any pipe is possible, or the switch has no pipes
 */
export function pipeOfJob(
  switches: Switches,
  { name, target = 'bmv2' }: SwitchConfig,
  job: JobRecord,
  members: readonly MemberRecord[],
): number | undefined {
  if (target === 'bmv2') return undefined;
  const child = childrenOf(switches, name).find((each) => job.switches.includes(each.name));
  const port = child?.parent?.parentPort ?? members.find(({ switchName }) => switchName === name)?.switchPort;
  return port === undefined ? undefined : pipeOf(port);
}
