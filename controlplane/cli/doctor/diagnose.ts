/** What `fpisa doctor` finds: each finding names a fault, and what mends it. */
import type { DropReason } from '../../../protocol/constants.js';
import type { JobMessage, SlotReportMessage, StatusMessage, SwitchStatusMessage } from '../../index.js';

export interface Finding {
  /** A fault keeps something from working; a note may explain why it is slow, or nothing at all. */
  readonly level: 'fault' | 'note';
  /** What it is about: `switch s1`, `job training`. */
  readonly subject: string;
  readonly finding: string;
  readonly mend: string;
}

type ReasonName = Exclude<keyof typeof DropReason, 'NONE'>;

/** What a count of a drop reason tells, and what to do about it. */
const DROPS: Record<ReasonName, { readonly means: string; readonly mend: string; readonly level: Finding['level'] }> = {
  MALFORMED: { level: 'note', means: 'packets that end in the middle of a header', mend: 'look for what sends them; workers of this project do not' },
  BAD_CHECKSUM: { level: 'fault', means: 'packets with a wrong IPv4 header checksum', mend: 'switch off checksum offload on the hosts\' interfaces: ethtool -K IFACE tx off' },
  BAD_VERSION: { level: 'fault', means: 'packets of another protocol version', mend: 'run the same version of fpisa on workers and controller' },
  BAD_OPCODE: { level: 'note', means: 'packets with an opcode that only a switch sends', mend: 'check that no result is routed back to the switch' },
  BAD_LENGTH: { level: 'fault', means: 'packets of another length than this build takes', mend: 'let the workers join again: they may be configured for another build' },
  NOT_MEMBER: { level: 'fault', means: 'contributions from an address, UDP port or switch port that no member has', mend: 'check on which switch port each worker is, and that no address translation lies between' },
  WRONG_EPOCH: { level: 'note', means: 'packets of an earlier membership', mend: 'none needed: they were under way when a worker joined, left or died' },
  BAD_SLOT: { level: 'fault', means: 'contributions to a slot outside the job\'s range', mend: 'run the same version of fpisa on workers and controller' },
  BAD_COUNT: { level: 'fault', means: 'contributions that announce more values than a packet holds', mend: 'run the same version of fpisa on workers and controller' },
  STALE: { level: 'note', means: 'contributions that arrived after their round was over', mend: 'none needed: packets were delayed or duplicated on the way' },
  DUPLICATE: { level: 'note', means: 'contributions sent again before their round was complete', mend: 'none needed; many of them mean that one worker is late, or that packets are lost' },
  NO_ROUTE: { level: 'note', means: 'ordinary IPv4 traffic without a route', mend: 'add routes to the switch\'s configuration if the network is to carry it' },
  TTL_EXPIRED: { level: 'note', means: 'ordinary IPv4 traffic whose TTL ran out', mend: 'look for a routing loop' },
  NOT_IPV4: { level: 'note', means: 'frames other than IPv4 (ARP and IPv6 among them)', mend: 'give the hosts a static ARP entry for the service address' },
  NO_RECEIVER: { level: 'fault', means: 'results for a member without an address', mend: 'restart the controller: it will write the switch\'s tables again' },
  INJECTED: { level: 'note', means: 'packets lost on purpose by a test build of the program', mend: 'push another build if no losses are wanted' },
};

export function diagnoseSwitch(report: SwitchStatusMessage): Finding[] {
  const subject = `switch ${report.name}`;
  if (report.state !== 'ready') {
    const finding = `${report.state} at ${report.address}${report.detail === '' ? '' : `: ${report.detail}`}`;
    const mend =
      report.state === 'backup'
        ? 'another controller is primary: stop it, or use it'
        : `start the switch, or correct its address: the controller keeps trying ${report.address}`;
    return [{ level: 'fault', subject, finding, mend }];
  }
  const findings: Finding[] = [];
  for (const [reason, count] of Object.entries(report.drops)) {
    const known = DROPS[reason as ReasonName];
    if (count === 0 || known === undefined) continue;
    findings.push({ level: known.level, subject, finding: `dropped ${count} ${known.means} (${reason})`, mend: known.mend });
  }
  return findings;
}

export function diagnoseJob(job: JobMessage, slots: readonly SlotReportMessage[] | undefined): Finding[] {
  const subject = `job ${job.name}`;
  const connected = new Set(job.members.filter((member) => member.connected).map((member) => member.rank));
  const missing = Array.from({ length: job.workers }, (_, rank) => rank).filter((rank) => !connected.has(rank));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const level = job.state === 'running' ? 'note' : 'fault';
    findings.push({
      level,
      subject,
      finding: `${job.state}, without ${ranks(missing)} of ${job.workers}`,
      mend: `start ${missing.length === 1 ? `it: fpisa allreduce --job ${job.name} --rank ${missing[0]} …` : `them: fpisa allreduce --job ${job.name} --rank RANK …`}`,
    });
  }
  if (job.state === 'recovering') {
    findings.push({
      level: 'fault',
      subject,
      finding: `epoch ${job.epoch} has not begun: a member has not answered, or the switch cannot be written`,
      mend: 'wait: a member that does not answer is dropped; if this does not change, it is the switch',
    });
  }
  const lacking = new Map<number, number[]>();
  for (const { slot, sets } of slots ?? []) {
    for (const set of sets) {
      if (set.epoch !== job.epoch || set.missing.length === 0) continue;
      for (const rank of set.missing) lacking.set(rank, [...(lacking.get(rank) ?? []), slot]);
    }
  }
  for (const [rank, open] of [...lacking].sort(([a], [b]) => a - b)) {
    findings.push({
      level: 'note',
      subject,
      finding: `worker ${rank} has not contributed to ${open.length} open ${open.length === 1 ? 'slot' : 'slots'} (${open.slice(0, 8).join(', ')}${open.length > 8 ? ', …' : ''})`,
      mend: `look at worker ${rank} if this does not change: it is late, or its packets do not arrive`,
    });
  }
  return findings;
}

export function diagnoseStatus(status: StatusMessage): Finding[] {
  if (status.switches.length === 0) {
    return [{ level: 'fault', subject: 'controller', finding: 'it has no switch', mend: 'start it with --switch or --config' }];
  }
  return status.switches.flatMap(diagnoseSwitch);
}

function ranks(list: readonly number[]): string {
  return `${list.length === 1 ? 'worker' : 'workers'} ${list.join(', ')}`;
}
