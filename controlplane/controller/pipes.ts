/** A Tofino adds up in the pipe at which packets arrive, because each pipe has registers of its own. So all of a job's come through one. */
import { pipeOf } from '../tofino/ports.js';
import type { JobRecord, MemberRecord, SwitchConfig } from './state.js';
import { childrenOf, type Switches } from './topology.js';

/**
 * The pipe of a switch in which a job is: that of the switches below, whose links are fixed, or of the workers there.
 * @param members of the job, those that count
 * @returns undefined when any pipe will do, or the switch has none
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
