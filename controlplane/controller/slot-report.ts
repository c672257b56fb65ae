/** The slots of a job over all of its switches: for each set the round in progress, and which members are missing from it. */
import type { SetReportMessage, SlotReportMessage } from '../messages.js';
import type { SetState, SlotState } from '../../protocol/probe.js';
import { placeAt } from './placement.js';
import type { Switches } from './topology.js';
import type { ActiveEpoch, JobRecord, MemberRecord } from './state.js';

/**
 * @param probed by switch: the job's slots in order; the top of its tree must be among them
 * @returns a report per slot, in order
 */
export function slotReports(
  switches: Switches,
  job: JobRecord,
  probed: ReadonlyMap<string, readonly SlotState[]>,
): SlotReportMessage[] {
  return probed.get(job.switchName)!.map((_, slot) => {
    const sets = [0, 1].map((set) =>
      setReport(switches, job, new Map([...probed].map(([name, slots]) => [name, slots[slot]!.sets[set]!]))),
    );
    return { slot, sets };
  });
}

/**
 * The newest round of the active epoch that any switch holds is the one in progress: a set is reused only
 * after all workers have the result of its previous round. Without such a round: the state of the top switch.
 *
 * @param states of one set, by switch
 */
function setReport(switches: Switches, job: JobRecord, states: ReadonlyMap<string, SetState>): SetReportMessage {
  const { active } = job;
  const begun = [...states.values()].filter((state) => state.epoch === active?.epoch && state.bitmap !== 0);
  if (active === undefined || begun.length === 0) {
    const { epoch, chunk, operation, bitmap, contributions } = states.get(job.switchName)!;
    // For a program that does not count contributions, the bitmap gives their number.
    return {
      epoch,
      chunk,
      operation,
      bitmap,
      contributions: contributions === 0 ? bitsOf(bitmap) : contributions,
      missing: [],
      missingSwitches: [],
    };
  }
  const { chunk, operation } = begun.reduce((newest, state) => (isNewer(state.chunk, newest.chunk) ? state : newest));
  const isIn = (switchName: string, bit: number): boolean => {
    const state = states.get(switchName);
    return (
      state !== undefined && state.epoch === active.epoch && state.chunk === chunk && ((state.bitmap >>> bit) & 1) === 1
    );
  };
  const contributed = ({ switchName, rank }: MemberRecord): boolean => isIn(switchName, rank);
  const present = active.members.filter(contributed);
  return {
    epoch: active.epoch,
    chunk,
    operation,
    bitmap: present.reduce((bits, { rank }) => bits | (1 << rank), 0) >>> 0,
    contributions: present.length,
    missing: active.members.filter((member) => !contributed(member)).map(({ rank }) => rank),
    missingSwitches: missingSwitches(switches, job, active, isIn),
  };
}

function missingSwitches(
  switches: Switches,
  job: JobRecord,
  { members }: ActiveEpoch,
  isIn: (switchName: string, bit: number) => boolean,
): string[] {
  const isComplete = (name: string): boolean => {
    const { workers, children } = placeAt(switches, job, members, name);
    return [...workers.map(({ rank }) => rank), ...children.map(({ bit }) => bit)].every((bit) => isIn(name, bit));
  };
  return job.switches.flatMap((name) =>
    placeAt(switches, job, members, name)
      .children.filter(({ config, bit }) => !isIn(name, bit) && isComplete(config.name))
      .map(({ config }) => config.name),
  );
}

function bitsOf(bitmap: number): number {
  return bitmap.toString(2).replaceAll('0', '').length;
}

/** Whether chunk `a` comes after `b`: serial numbers of 32 bits (RFC 1982). */
function isNewer(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
