/**
 * The form of a store's file. It comes from outside the process - an older release, an editor, a disk - so nothing
 * in it is trusted before it has this form. The meaning of values, such as addresses, is checked where they are used.
 */
import { z } from 'zod';
import type { ActiveEpoch, ControllerState, JobRecord, MemberRecord, ProfileRecord, SwitchConfig } from './state.js';

const MAX_STORE_ID = 2 ** 32 - 1;

// Each leaf describes the expected value: that is the whole message that zod returns.
const text = z.string('a string');
const count = z.int('a whole number from 0').nonnegative('a whole number from 0');
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values, values.join(' or '));
const list = <T extends z.ZodType>(item: T) => z.array(item, 'a list');
/** Unknown fields, which a later release may add, are kept, so that a return to that release is possible. */
const fields = <T extends z.ZodRawShape>(shape: T) => z.looseObject(shape, 'an object');
const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value, 'an object');

const switchConfig = fields({
  name: text,
  address: text,
  deviceId: count,
  serviceIp: text,
  serviceMac: text,
  serviceUdpPort: count,
  ports: byName(z.union([z.string(), z.null()], 'a string or null')),
  valuesPerPacket: count,
  build: text.exactOptional(),
  target: oneOf(['bmv2', 'tofino', 'tofino2']).exactOptional(),
  buildDir: text.exactOptional(),
  parent: fields({ switch: text, port: count, parentPort: count }).exactOptional(),
  routes: list(fields({ prefix: text, port: count, mac: text })).exactOptional(),
});

const member = fields({
  rank: count,
  ip: text,
  udpPort: count,
  mac: text,
  // Stores of earlier releases lack it.
  process: text.exactOptional(),
  // Stores of the first release lack it, where a job had one switch.
  switchName: text.exactOptional(),
  switchPort: count,
});

const job = fields({
  name: text,
  switchName: text,
  number: count,
  multicastGroup: count,
  workers: count,
  slotBase: count,
  slots: count,
  profile: fields({
    name: text,
    format: oneOf(['fp32', 'int32']),
    mode: oneOf(['full', 'approximate']),
    guard: count,
    // Stores of earlier releases lack it: all switches rounded down.
    alignment: oneOf(['floor', 'nearest-even']).exactOptional(),
    rounding: oneOf(['truncate', 'nearest-even']),
    leftShiftLimit: count,
  }),
  epoch: count,
  members: list(member),
  active: fields({ epoch: count, members: list(member) }).exactOptional(),
  completed: count,
  // The next two exist since this release; the first release had the third in place of the second.
  switches: list(text).exactOptional(),
  countersResetOn: list(text).exactOptional(),
  countersReset: z.boolean('true or false').exactOptional(),
  // Stores of earlier releases lack these two.
  minWorkers: count.exactOptional(),
  left: list(count).exactOptional(),
});

export const storedState = fields({
  version: z.literal(1, '1'),
  switches: byName(switchConfig),
  jobs: byName(job),
  epochFloor: byName(count),
  storeId: count.max(MAX_STORE_ID, `a whole number up to ${MAX_STORE_ID}`),
  // Stores of the first release lack it, and have an "electionId" that means nothing any more.
  generations: byName(count).exactOptional(),
  electionId: count.exactOptional(),
});

type StoredJob = z.infer<typeof job>;
type StoredMember = z.infer<typeof member>;

/** The state, completed with what the first release did not write. @param stored has the form of {@link storedState} */
export function completeState(stored: z.infer<typeof storedState>): ControllerState {
  const { version, storeId, epochFloor, generations = {}, ...rest } = stored;
  const switches: Readonly<Record<string, SwitchConfig>> = stored.switches;
  const jobs = Object.fromEntries(Object.entries(stored.jobs).map(([name, each]) => [name, completeJob(each)]));
  return { ...rest, version, storeId, switches, jobs, epochFloor, generations };
}

/** What was the preset `fpisa` before profiles had an alignment is none of today's presets. */
function completeProfile({ alignment, ...profile }: StoredJob['profile']): ProfileRecord {
  if (alignment !== undefined) return { ...profile, alignment };
  return { ...profile, name: profile.name === 'fpisa' ? 'custom' : profile.name, alignment: 'floor' };
}

function completeJob({ countersReset, active, members, ...job }: StoredJob): JobRecord {
  const { switchName } = job;
  const complete = (each: readonly StoredMember[]): MemberRecord[] =>
    each.map((member) => ({
      ...member,
      process: member.process ?? '',
      switchName: member.switchName ?? switchName,
    }));
  const completeEpoch = ({ members, ...epoch }: NonNullable<typeof active>): ActiveEpoch => ({
    ...epoch,
    members: complete(members),
  });
  return {
    ...job,
    profile: completeProfile(job.profile),
    switches: job.switches ?? [switchName],
    minWorkers: job.minWorkers ?? job.workers,
    left: job.left ?? [],
    countersResetOn: job.countersResetOn ?? (countersReset === true ? [switchName] : []),
    members: complete(members),
    ...(active && { active: completeEpoch(active) }),
  };
}
