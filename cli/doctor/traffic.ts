/**
 * Why a running job makes no progress: which packets are retransmitted without effect, and where they are lost.
 *
 * A round that stays open names the workers that are missing from it. A missing worker that sends nevertheless shows
 * in the counters: as REPEAT at a switch where it repeats a round that is complete. Such a worker does not receive
 * results, since it would continue with the next round otherwise. One that sends from an address or port that is not
 * its own shows as NOT_MEMBER, and one that does not show at all does not reach the switch.
 */
import { counted, plural } from '../../net/count.js';
import type { JobMessage, MemberMessage, SlotReportMessage, SwitchStatusMessage } from '../../controlplane/index.js';
import { SERVICE_UDP_PORT, type JobEvent } from '../../protocol/constants.js';
import type { Finding } from './finding.js';
import type { Interval, JobReading } from './reading.js';

/** Fewer repeats than this may be those of packets that were lost once, at the end of an operation. */
const STEADY_REPEATS = 2;
/** Slots named in a finding. */
const SLOTS_SHOWN = 8;

export interface TrafficFindings {
  readonly findings: Finding[];
  /** By switch: drop reasons that the findings account for. */
  readonly explained: ReadonlyMap<string, ReadonlySet<string>>;
}

export function diagnoseTraffic(interval: Interval, name: string): TrafficFindings {
  const of = (jobs: readonly JobReading[]): JobReading | undefined => jobs.find(({ job }) => job.name === name);
  const [before, after] = [of(interval.before.jobs), of(interval.after.jobs)];
  const explained = new Map<string, Set<string>>();
  if (before?.slots === undefined || after?.slots === undefined || interval.seconds === 0)
    return { findings: [], explained };
  const isSteady =
    before.job.state === 'running' && after.job.state === 'running' && before.job.epoch === after.job.epoch;
  if (!isSteady) return { findings: [], explained };
  const case_ = new Standstill(interval, before.job, after.job, openRounds(before.slots, after.slots), explained);
  return { findings: case_.diagnose(), explained };
}

interface OpenRound {
  readonly slot: number;
  readonly missing: readonly number[];
  readonly missingSwitches: readonly string[];
}

/** Rounds that were open at both moments, and who was missing from them both times. */
function openRounds(before: readonly SlotReportMessage[], after: readonly SlotReportMessage[]): OpenRound[] {
  return after.flatMap(({ slot, sets }) =>
    sets.flatMap((set, index) => {
      const earlier = before[slot]?.sets[index];
      if (earlier?.epoch !== set.epoch || earlier.chunk !== set.chunk) return [];
      const missing = set.missing.filter((rank) => earlier.missing.includes(rank));
      const missingSwitches = set.missingSwitches.filter((name) => earlier.missingSwitches.includes(name));
      return missing.length + missingSwitches.length === 0 ? [] : [{ slot, missing, missingSwitches }];
    }),
  );
}

class Standstill {
  private readonly subject: string;
  private readonly top: string;

  constructor(
    private readonly interval: Interval,
    private readonly before: JobMessage,
    private readonly job: JobMessage,
    private readonly open: readonly OpenRound[],
    private readonly explained: Map<string, Set<string>>,
  ) {
    this.subject = `job ${job.name}`;
    this.top = job.switchName;
  }

  diagnose(): Finding[] {
    // Every sum that is complete passes the top switch: if there are any, the job makes progress.
    if (this.growth(this.top, 'RESULT') > 0) return [];
    const cutOff = this.job.switches.filter((name) => name !== this.top && this.isCutOff(name));
    const isCutOff = (rank: number): boolean => cutOff.some((name) => this.ranksBelow(name).includes(rank));
    const late = [...new Set(this.open.flatMap(({ missing }) => missing))]
      .filter((rank) => !isCutOff(rank))
      .sort((a, b) => a - b);
    const repeats = this.growth(this.top, 'REPEAT') >= STEADY_REPEATS;
    // No worker is missing, and yet results are requested again and again: no worker receives them.
    const suspects =
      late.length === 0 && repeats && cutOff.length === 0 ? this.job.members.map(({ rank }) => rank) : late;
    return [
      ...cutOff.map((name) => this.lostUpwards(name)),
      ...this.bySwitch(suspects).flatMap(([name, members]) => this.judge(name, members, repeats, late.length > 0)),
    ];
  }

  /** Whether the sums of a switch are sent up, and do not arrive at its parent. */
  private isCutOff(name: string): boolean {
    const link = this.status(name)?.parent;
    if (!link || this.growth(name, 'ASCENT') === 0) return false;
    if (this.open.some(({ missingSwitches }) => missingSwitches.includes(name))) return true;
    // What it repeats is complete there. If no such round is open, it is complete above as well, and would be answered.
    const ranks = this.ranksBelow(name);
    const waits = this.open.some(({ missing }) => missing.every((rank) => !ranks.includes(rank)));
    return this.growth(name, 'REPEAT') >= STEADY_REPEATS && !waits && this.growth(link.switchName, 'REPEAT') === 0;
  }

  private judge(switchName: string, members: readonly MemberMessage[], repeats: boolean, areLate: boolean): Finding[] {
    if (repeats && this.growth(switchName, 'REPEAT') > 0) {
      const broken = this.brokenLinkAbove(switchName);
      return broken === undefined
        ? members.map((member) => this.deaf(switchName, member, members.length > 1))
        : [broken];
    }
    if (!areLate) return [];
    const strangers = this.dropsGrowth(switchName, 'NOT_MEMBER');
    return members.map((member) =>
      strangers > 0 ? this.misplaced(switchName, member, strangers) : this.silent(switchName, member),
    );
  }

  private deaf(switchName: string, { rank, ip, udpPort }: MemberMessage, isOneOfSeveral: boolean): Finding {
    const service = this.status(switchName)?.serviceIp ?? 'the switch';
    return this.fault(
      `worker ${rank}${isOneOfSeveral ? ', or another one there,' : ''} does not receive results: its contributions arrive, but it repeats them when their rounds are complete (REPEAT ${plus(this.growth(switchName, 'REPEAT'))} on switch ${switchName}), and no round was completed in ${this.interval.seconds} s`,
      `let UDP packets from ${service}:${SERVICE_UDP_PORT} to ${ip}:${udpPort} through the firewall of its host`,
    );
  }

  private misplaced(switchName: string, { rank, ip, udpPort, switchPort }: MemberMessage, strangers: number): Finding {
    this.explain(switchName, 'NOT_MEMBER');
    return this.fault(
      `contributions of worker ${rank} do not arrive from ${ip}:${udpPort} on port ${switchPort} of switch ${switchName} as it joined, but ${counted(strangers, 'packet')} arrived from a port or address that no member has (NOT_MEMBER)${this.slots(rank)}`,
      `connect it to port ${switchPort}, or let it join with --switch, --switch-port and --ip as its packets arrive; there must be no address translation in between`,
    );
  }

  private silent(switchName: string, { rank, switchPort }: MemberMessage): Finding {
    return this.fault(
      `nothing arrives from worker ${rank} through port ${switchPort} of switch ${switchName}, and the others wait for it${this.slots(rank)}`,
      `if the worker is in an operation, that port, the cable or the interface at its other end is down, or its host drops what it sends; if not, the others wait for it to begin`,
    );
  }

  private lostUpwards(name: string): Finding {
    const link = this.status(name)!.parent!;
    const ascents = this.growth(name, 'ASCENT');
    const strangers = this.dropsGrowth(link.switchName, 'NOT_MEMBER');
    if (strangers > 0) this.explain(link.switchName, 'NOT_MEMBER');
    const instead =
      strangers > 0
        ? `, where ${counted(strangers, 'packet')} arrived from a port or address that no member has (NOT_MEMBER)`
        : '';
    return this.fault(
      `sums of switch ${name} do not arrive at switch ${link.switchName}: ${ascents} were sent up through port ${link.port}, none arrived through port ${link.parentPort}${instead}`,
      strangers > 0
        ? `connect the two switches by those ports, or correct "parent" of ${name} in the configuration`
        : `check the link between port ${link.port} of ${name} and port ${link.parentPort} of ${link.switchName}`,
    );
  }

  /** Results come down to some switch above, and no further. */
  private brokenLinkAbove(switchName: string): Finding | undefined {
    for (let name = switchName; name !== this.top;) {
      const link = this.status(name)?.parent;
      if (!link) return undefined;
      const arrives = this.growth(link.switchName, link.switchName === this.top ? 'REPEAT' : 'DESCENT') > 0;
      if (arrives && this.growth(name, 'DESCENT') === 0) {
        return this.fault(
          `results of switch ${link.switchName} do not arrive at switch ${name}: it requests them again and again, and none arrives through port ${link.port}`,
          `check the link between port ${link.parentPort} of ${link.switchName} and port ${link.port} of ${name}`,
        );
      }
      name = link.switchName;
    }
    return undefined;
  }

  private ranksBelow(switchName: string): number[] {
    const isBelow = (name: string): boolean => {
      const link = this.status(name)?.parent;
      return (
        name === switchName || (name !== this.top && link !== null && link !== undefined && isBelow(link.switchName))
      );
    };
    return this.job.members.filter((member) => isBelow(member.switchName)).map(({ rank }) => rank);
  }

  private bySwitch(ranks: readonly number[]): [switchName: string, members: MemberMessage[]][] {
    const groups = new Map<string, MemberMessage[]>();
    for (const member of this.job.members) {
      if (ranks.includes(member.rank))
        groups.set(member.switchName, [...(groups.get(member.switchName) ?? []), member]);
    }
    return [...groups];
  }

  /** Where the worker is missing. */
  private slots(rank: number): string {
    const slots = this.open.filter(({ missing }) => missing.includes(rank)).map(({ slot }) => slot);
    return ` in ${plural(slots.length, 'slot')} ${slots.slice(0, SLOTS_SHOWN).join(', ')}${slots.length > SLOTS_SHOWN ? ', …' : ''}`;
  }

  private growth(switchName: string, event: keyof typeof JobEvent): number {
    const count = ({ switchEvents }: JobMessage): number =>
      switchEvents.find((each) => each.switchName === switchName)?.events[event] ?? 0;
    return count(this.job) - count(this.before);
  }

  private dropsGrowth(switchName: string, reason: string): number {
    const count = (list: readonly SwitchStatusMessage[]): number =>
      list.find(({ name }) => name === switchName)?.drops[reason] ?? 0;
    return count(this.interval.after.status.switches) - count(this.interval.before.status.switches);
  }

  private status(switchName: string): SwitchStatusMessage | undefined {
    return this.interval.after.status.switches.find(({ name }) => name === switchName);
  }

  private explain(switchName: string, reason: string): void {
    this.explained.set(switchName, new Set([...(this.explained.get(switchName) ?? []), reason]));
  }

  private fault(finding: string, remedy: string): Finding {
    return { level: 'fault', subject: this.subject, finding, remedy };
  }
}

function plus(count: number): string {
  return `+${count}`;
}
