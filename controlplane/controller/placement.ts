/**
 * A job's members as each switch of its tree sees them. To a switch, a child switch is one more member: it
 * contributes the sum of all workers below it.
 *
 * Bits. In a slot's bitmap at a switch, a worker has the bit of its rank, and a child switch the bit of the
 * lowest rank below it. The workers below different members of a switch differ, so bits do too, and 32 are
 * enough for a job's 32 workers, whatever its tree.
 *
 * Numbers. In its packets a worker has its rank, and a switch {@link FIRST_SWITCH} plus its index in the
 * job's list of switches, which is above every rank and the same in all epochs.
 */
import { MAX_WORKERS } from '../../protocol/constants.js';
import type { Switches } from './topology.js';
import { childrenOf } from './topology.js';
import type { JobRecord, MemberRecord, SwitchConfig } from './state.js';

/** Field `worker` of contributions that come from a switch: above every rank. */
const FIRST_SWITCH = 0x8000;

/** The value that {@link bitsSeenAt} returns for a rank that is counted at another switch. */
export const NO_BIT = MAX_WORKERS;

interface ChildPlace {
  readonly config: SwitchConfig;
  readonly bit: number;
  /** Ranks of the workers below. */
  readonly ranks: readonly number[];
}

/** What contributes to a job at one switch. */
export interface Place {
  readonly workers: readonly MemberRecord[];
  readonly children: readonly ChildPlace[];
}

/** Field `worker` of the packets that the switch sends to its parent for the job. */
export function switchNumber(job: JobRecord, switchName: string): number {
  return FIRST_SWITCH + job.switches.indexOf(switchName);
}

/** @param members of one epoch of the job */
export function placeAt(
  switches: Switches,
  job: JobRecord,
  members: readonly MemberRecord[],
  switchName: string,
): Place {
  const children = childrenInJob(switches, job, switchName).flatMap((config) => {
    const ranks = ranksBelow(switches, job, members, config.name);
    return ranks.length === 0 ? [] : [{ config, ranks, bit: ranks[0]! }];
  });
  return { workers: members.filter((member) => member.switchName === switchName), children };
}

/** Ranks of the workers at the switch and at all switches below it, in ascending order. */
function ranksBelow(
  switches: Switches,
  job: JobRecord,
  members: readonly MemberRecord[],
  switchName: string,
): number[] {
  const below = new Set([switchName]);
  for (const name of below) for (const child of childrenInJob(switches, job, name)) below.add(child.name);
  return members
    .filter((member) => below.has(member.switchName))
    .map(({ rank }) => rank)
    .sort((a, b) => a - b);
}

/** The switches that the members' packets pass: those with members below them. Parents before children. */
export function switchesInUse(switches: Switches, job: JobRecord, members: readonly MemberRecord[]): string[] {
  return job.switches.filter((name) => ranksBelow(switches, job, members, name).length > 0);
}

/**
 * Which bit of a slot's bitmap at `switchName` says that a member's contribution is in; {@link NO_BIT} for
 * one that does not pass this switch on its way up.
 * @returns in the order of `members`
 */
export function bitsSeenAt(
  switches: Switches,
  job: JobRecord,
  members: readonly MemberRecord[],
  switchName: string,
): number[] {
  const { children } = placeAt(switches, job, members, switchName);
  return members.map((member) => {
    if (member.switchName === switchName) return member.rank;
    return children.find(({ ranks }) => ranks.includes(member.rank))?.bit ?? NO_BIT;
  });
}

/** The job's tree was fixed when the job was created; switches that came later have no slots for it. */
function childrenInJob(switches: Switches, job: JobRecord, switchName: string): SwitchConfig[] {
  return childrenOf(switches, switchName).filter(({ name }) => job.switches.includes(name));
}
