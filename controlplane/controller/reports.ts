/** Reports on a switch and on a job's counters, as far as they can be read. */
import { DropReason, EVENTS_PER_JOB, JobEvent } from '../../protocol/constants.js';
import type { SwitchEventsMessage, SwitchStatusMessage } from '../messages.js';
import { COMPLETIONS, Counter } from './build-fit.js';
import { slotsFree } from './jobs.js';
import type { SwitchSession } from './switch-session.js';
import type { ControllerState, JobRecord, SwitchConfig } from './state.js';

export async function switchStatus(
  state: ControllerState,
  config: SwitchConfig,
  session: SwitchSession,
): Promise<SwitchStatusMessage> {
  const { name, address, valuesPerPacket, serviceIp, parent } = config;
  const drops: Record<string, number> = {};
  const status = {
    name,
    address,
    state: session.state,
    detail: session.detail,
    pipeline: '',
    drops,
    slotsFree: slotsFree(state, name),
    valuesPerPacket,
    program: (await session.runningProgram()) ?? '',
    restored: session.restored,
    serviceIp,
    target: config.target ?? 'bmv2',
    build: session.build,
    absent: [...session.absent],
    parent:
      parent === undefined ? null : { switchName: parent.switch, port: parent.port, parentPort: parent.parentPort },
  } satisfies SwitchStatusMessage;
  if (status.state !== 'ready') return status;
  status.pipeline = status.build;
  const counters = [Counter.drops, Counter.egressDrops].filter((name) => !status.absent.includes(name));
  try {
    const cells = await Promise.all(counters.map((counter) => session.client.readCounters(counter)));
    for (const [reason, index] of Object.entries(DropReason)) {
      const packets = cells.reduce((sum, counter) => sum + (counter[index]?.packets ?? 0n), 0n);
      if (packets > 0n) drops[reason] = Number(packets);
    }
  } catch (error) {
    status.detail = `drop counters cannot be read: ${(error as Error).message}`;
  }
  return status;
}

/** The job's counters on a switch; undefined when they cannot be read (the switch's state tells why) or do not exist. */
export async function jobEvents(
  job: JobRecord,
  switchName: string,
  session: SwitchSession | undefined,
): Promise<SwitchEventsMessage | undefined> {
  if (session?.state !== 'ready' || session.eventCounters.length === 0) return undefined;
  const { client, eventCounters } = session;
  const first = job.number * EVENTS_PER_JOB;
  const cells = async (counter: string, events: readonly number[]): Promise<number[]> => {
    if (!eventCounters.includes(counter)) return events.map(() => 0);
    return (
      await client.readCounterCells(
        counter,
        events.map((event) => first + event),
      )
    ).map(({ packets }) => Number(packets));
  };
  try {
    const counts = await cells(Counter.events, Object.values(JobEvent));
    const [completions = 0] = await cells(COMPLETIONS, [JobEvent.CONTRIBUTION]);
    const events = Object.fromEntries(Object.keys(JobEvent).map((name, i) => [name, counts[i]!]));
    return { switchName, events: { ...events, RESULT: events['RESULT']! + completions } };
  } catch {
    return undefined;
  }
}

/** @returns nothing when there is nothing to sum */
export function sumEvents(list: readonly SwitchEventsMessage[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { events } of list)
    for (const [name, count] of Object.entries(events)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
