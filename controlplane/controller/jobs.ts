/** Creating and finding jobs: pure functions from one stored state to the next. */
import { MAX_JOBS, MAX_WORKERS, POOL_SLOTS } from '../../protocol/constants.js';
import {
  choices,
  InvalidJobError,
  JobExistsError,
  SwitchConfigError,
  TooManyJobsError,
  UnknownJobError,
  UnknownSwitchError,
} from '../errors.js';
import type { CreateJobRequest } from '../messages.js';
import { checkProfileOffered, resolveJobProfile } from './profile.js';
import { allocateSlots, freeRanges, type SlotRange } from './slot-allocator.js';
import type { ControllerState, JobRecord, SwitchConfig } from './state.js';
import { rootsOf, treeBelow } from './topology.js';

/** Default number of slots of a job: a window of 64 packets, and room for eight such jobs. */
export const DEFAULT_SLOTS = 64;

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i;

/**
 * The record of a new job; not yet in the state.
 * @throws InvalidJobError, JobExistsError, UnknownSwitchError, ProfileNotOfferedError, TooManyJobsError, PoolFullError
 */
export function newJob(state: ControllerState, request: CreateJobRequest): JobRecord {
  const { name, workers } = request;
  if (!NAME.test(name)) {
    throw new InvalidJobError(
      `"${name}" is not a job name: 1 to 63 letters, digits, dots, hyphens and underscores, with a letter or digit at both ends`,
    );
  }
  if (Object.hasOwn(state.jobs, name)) throw new JobExistsError(name, jobNames(state));
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new InvalidJobError(`a job has 1 to ${MAX_WORKERS} workers, not ${workers}`);
  }
  const minWorkers = minWorkersOf(request);
  const slots = request.slots === undefined || request.slots === 0 ? DEFAULT_SLOTS : request.slots;
  if (!Number.isInteger(slots) || slots < 1 || slots > POOL_SLOTS) {
    throw new InvalidJobError(`a job has 1 to ${POOL_SLOTS} slots, not ${slots}`);
  }
  const profile = resolveJobProfile(request);
  const switchName = switchOf(state, request.switchName).name;
  const switches = treeBelow(state.switches, switchName);
  checkProfileOffered(
    profile,
    workers,
    switches.map((each) => state.switches[each]!),
  );
  const where =
    switches.length === 1 ? `switch "${switchName}"` : `the tree of switch "${switchName}" (${choices(switches)})`;
  const others = jobsOnAny(state, switches);
  const number = freeNumber(others, where);
  const range = allocateSlots(POOL_SLOTS, rangesOf(others), slots, where);
  return {
    name,
    switchName,
    switches,
    number,
    // Group 0 means "no multicast" to the packet replication engine.
    multicastGroup: number + 1,
    workers,
    minWorkers,
    slotBase: range.base,
    slots,
    profile,
    epoch: 0,
    members: [],
    left: [],
    completed: 0,
    countersResetOn: [],
  };
}

/** @throws InvalidJobError */
function minWorkersOf({ workers, elastic = false, minWorkers = 0 }: CreateJobRequest): number {
  if (!elastic) {
    if (minWorkers === 0 || minWorkers === workers) return workers;
    throw new InvalidJobError(
      `only an elastic job can go on with ${minWorkers} of its ${workers} workers: add --elastic, or leave out the minimum`,
    );
  }
  if (!Number.isInteger(minWorkers) || minWorkers < 0 || minWorkers > workers)
    throw new InvalidJobError(
      `an elastic job of ${workers} workers has a minimum of 1 to ${workers}, not ${minWorkers}`,
    );
  return Math.max(1, minWorkers);
}

/** @throws UnknownJobError listing the jobs */
export function findJob(state: ControllerState, name: string): JobRecord {
  const job = Object.hasOwn(state.jobs, name) ? state.jobs[name] : undefined;
  if (job === undefined) throw new UnknownJobError(name, jobNames(state));
  return job;
}

export function withJob(state: ControllerState, job: JobRecord): ControllerState {
  return { ...state, jobs: { ...state.jobs, [job.name]: job } };
}

/** The state without the job; its epochs remain used up on its switches. */
export function withoutJob(state: ControllerState, job: JobRecord): ControllerState {
  const floors = job.switches.map((name) => [name, Math.max(state.epochFloor[name] ?? 0, job.epoch)] as const);
  return {
    ...state,
    jobs: without(state.jobs, job.name),
    epochFloor: { ...state.epochFloor, ...Object.fromEntries(floors) },
  };
}

export function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

export function nextEpoch(state: ControllerState, job: JobRecord): number {
  return Math.max(job.epoch, ...job.switches.map((name) => state.epochFloor[name] ?? 0)) + 1;
}

/** Jobs that have slots on the switch, whether or not they have workers there. */
export function jobsOn(state: ControllerState, switchName: string): JobRecord[] {
  return jobsOnAny(state, [switchName]);
}

export function slotsFree(state: ControllerState, switchName: string): number {
  return freeRanges(POOL_SLOTS, rangesOf(jobsOn(state, switchName))).reduce((sum, range) => sum + range.slots, 0);
}

/**
 * Whether each job's switches still form the tree that they formed when it was created.
 * @throws SwitchConfigError
 */
export function checkJobTrees(state: ControllerState): void {
  for (const job of Object.values(state.jobs)) {
    for (const name of job.switches) {
      const config = Object.hasOwn(state.switches, name) ? state.switches[name] : undefined;
      const present =
        name === job.switchName
          ? config !== undefined
          : config?.parent !== undefined && job.switches.includes(config.parent.switch);
      if (present) continue;
      throw new SwitchConfigError(
        `switch "${name}" is no longer below switch "${job.switchName}", but job "${job.name}" spans both (switches: ${choices(job.switches)}); restore its parent, or delete the job first`,
      );
    }
  }
}

function jobsOnAny(state: ControllerState, switches: readonly string[]): JobRecord[] {
  return Object.values(state.jobs).filter((job) => job.switches.some((name) => switches.includes(name)));
}

function jobNames(state: ControllerState): string[] {
  return Object.keys(state.jobs).sort();
}

function rangesOf(jobs: readonly JobRecord[]): SlotRange[] {
  return jobs.map(({ slotBase, slots }) => ({ base: slotBase, slots }));
}

/** @param name empty or undefined: the only switch without a parent. @throws UnknownSwitchError */
function switchOf(state: ControllerState, name: string | undefined): SwitchConfig {
  if (name === undefined || name === '') {
    const [only, ...others] = rootsOf(state.switches);
    if (only === undefined) throw new UnknownSwitchError('the controller has no switch to put a job on');
    if (others.length > 0)
      throw new UnknownSwitchError(`specify the switch of the job: one of ${choices([only, ...others])}`);
    return state.switches[only]!;
  }
  const found = Object.hasOwn(state.switches, name) ? state.switches[name] : undefined;
  if (found === undefined)
    throw new UnknownSwitchError(`there is no switch "${name}" (switches: ${choices(Object.keys(state.switches))})`);
  return found;
}

/** @param others the jobs on any of the new job's switches */
function freeNumber(others: readonly JobRecord[], where: string): number {
  const used = new Set(others.map(({ number }) => number));
  for (let number = 0; number < MAX_JOBS; number++) if (!used.has(number)) return number;
  throw new TooManyJobsError(`${where} already has ${MAX_JOBS} jobs, the maximum; delete one first`);
}
