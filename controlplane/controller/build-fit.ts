/**
 * Which of the tables, counters and parameters that the controller can write a build of the program has. Builds for
 * other architectures may omit what their chip has no room for, and profile parameters with only one possible value.
 */
import type { P4InfoIndex } from '../../p4runtime/p4info.js';
import { ArtifactError, choices } from '../errors.js';
import type { EntryInput } from '../p4runtime/entries.js';
import type { DesiredSwitch } from './desired.js';
import { Table } from './tables.js';

export const Counter = {
  drops: 'fpisa.drops',
  /** Ingress and egress run on different threads of BMv2, so each has its own counter. */
  egressDrops: 'fpisa.egress_drops',
  events: 'fpisa.events',
} as const;

/**
 * A Tofino counts a packet once in a counter, so one that completes a round counts as a contribution in `events`, and
 * again, with the same index, here.
 */
export const COMPLETIONS = 'fpisa.completions';

/** Jobs need all of these. */
const NEEDED_TABLES: readonly string[] = [Table.local, Table.member, Table.receiver];
/** A build without it, as all were before it existed, rounds down. */
const ALIGNMENT_PARAM = 'alignment';
/** Numeric profile: a build with only one way to add does not need these. */
const PROFILE_PARAMS: ReadonlySet<string> = new Set([
  'mode',
  'format',
  'guard',
  'rounding',
  'left_shift_limit',
  ALIGNMENT_PARAM,
]);

export class BuildFit {
  /** Full names of the optional tables and counters that the build does not have. */
  readonly absent: readonly string[];
  /** Counters of jobs' events, with `job * EVENTS_PER_JOB + event` as index. */
  readonly eventCounters: readonly string[];
  private readonly joinParams: ReadonlySet<string>;

  /** @throws ArtifactError when the build lacks what every job needs */
  constructor(
    private readonly build: string,
    index: P4InfoIndex,
  ) {
    const lacks = (list: readonly string[], all: readonly string[]): string[] =>
      list.filter((name) => !all.includes(name));
    const without = lacks(Object.values(Table), index.tables.names);
    const needed = without.filter((name) => NEEDED_TABLES.includes(name));
    if (needed.length > 0)
      throw new ArtifactError(
        `build ${build} has no table ${choices(needed)}, so it is not this project's program (its tables: ${choices(index.tables.names)})`,
      );
    this.absent = [...without, ...lacks(Object.values(Counter), index.counters.names)];
    this.eventCounters = [Counter.events, COMPLETIONS].filter((name) => index.counters.names.includes(name));
    this.joinParams = new Set(index.tables.find(Table.member).actions.find('fpisa.join').definition.params.names);
  }

  has(name: string): boolean {
    return !this.absent.includes(name);
  }

  /** @throws ArtifactError when an entry belongs to a table that the build does not have */
  desired({ tables, entries, groups }: DesiredSwitch): DesiredSwitch {
    const homeless = entries.find(({ table }) => !this.has(table));
    if (homeless !== undefined)
      throw new ArtifactError(`build ${this.build} has no table ${homeless.table}, ${ABSENT[homeless.table]!}`);
    return {
      tables: tables.filter((table) => this.has(table)),
      entries: entries.map((entry) => this.entry(entry)),
      groups,
    };
  }

  /**
   * The entry without parameters that the build does not take.
   * @throws ArtifactError when the build would add in another way than the entry says
   */
  entry(entry: EntryInput): EntryInput {
    if (entry.table !== Table.member) return entry;
    if (entry.params?.[ALIGNMENT_PARAM] === 1 && !this.joinParams.has(ALIGNMENT_PARAM))
      throw new ArtifactError(
        `build ${this.build} has no parameter ${ALIGNMENT_PARAM} of fpisa.join, so it only aligns with floor: compile it from this release's P4 sources, or create the job with --alignment floor`,
      );
    const params = Object.entries(entry.params ?? {}).filter(
      ([name]) => this.joinParams.has(name) || !PROFILE_PARAMS.has(name),
    );
    return { ...entry, params: Object.fromEntries(params) };
  }
}

/** The consequence of each one's absence, for messages. */
export const ABSENT: Readonly<Record<string, string>> = {
  [Table.parent]: 'so the switch cannot be below another one',
  [Table.fromParent]: 'so the switch cannot be below another one',
  [Table.ipv4]: 'so it forwards no packets other than those of jobs',
  [Counter.drops]: 'so its ingress drops are not counted',
  [Counter.egressDrops]: 'so its egress drops are not counted',
  [Counter.events]: 'so the events of jobs are not counted there',
};
