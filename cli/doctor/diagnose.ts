/** What `fpisa doctor` finds: each finding names a fault in one sentence, and its remedy. */
import type { JobMessage, StatusMessage } from '../../controlplane/index.js';
import { workers, type Finding } from './finding.js';
import { diagnosePacketSize } from './packet-size.js';
import type { Interval, Reading } from './reading.js';
import { diagnoseSwitch, hasFaultyDrops } from './switches.js';
import { diagnoseTraffic } from './traffic.js';

export type { Finding } from './finding.js';

/** Whether a second reading, a moment later, would show more than this one. */
export function needsSecondReading({ status, jobs }: Reading): boolean {
  return status.switches.some(hasFaultyDrops) || jobs.some(({ job }) => job.state === 'running');
}

export function diagnose(interval: Interval): Finding[] {
  const { before, after, seconds } = interval;
  const { switches } = after.status;
  if (switches.length === 0) {
    return [
      {
        level: 'fault',
        subject: 'controller',
        finding: 'it has no switch',
        remedy: 'start it with --switch or --config',
      },
    ];
  }
  const traffic = after.jobs.map(({ job }) => diagnoseTraffic(interval, job.name));
  const explained = (name: string): Set<string> =>
    new Set(traffic.flatMap((each) => [...(each.explained.get(name) ?? [])]));
  return [
    ...switches.flatMap((report) => {
      const earlier = before.status.switches.find(({ name }) => name === report.name);
      return diagnoseSwitch(earlier, report, seconds, explained(report.name));
    }),
    ...after.jobs.flatMap(({ job }) => [...diagnoseJob(job, after.status), ...diagnosePacketSize(job)]),
    ...traffic.flatMap(({ findings }) => findings),
  ];
}

/** Which workers are not connected, and what keeps a new epoch from beginning. */
function diagnoseJob(job: JobMessage, status: StatusMessage): Finding[] {
  const subject = `job ${job.name}`;
  const connected = new Set(job.members.filter((member) => member.connected).map((member) => member.rank));
  const missing = Array.from({ length: job.workers }, (_, rank) => rank).filter((rank) => !connected.has(rank));
  const findings: Finding[] = [];
  if (job.state === 'waiting' && connected.size === 0) {
    // Nobody waits for anybody.
    findings.push({
      level: 'note',
      subject,
      finding: 'idle, no worker is connected',
      remedy: `none needed; it begins when its ${job.workers === 1 ? 'worker' : `${job.workers} workers`} start with --job ${job.name}`,
    });
  } else if (missing.length > 0) {
    findings.push({
      level: job.state === 'running' ? 'note' : 'fault',
      subject,
      finding: `${job.state}, without ${workers(missing)} of ${job.workers}`,
      remedy: `start ${missing.length === 1 ? 'that worker' : 'those workers'} with --job ${job.name} and the rank`,
    });
  }
  if (job.state === 'recovering') {
    const homes = new Set([job.switchName, ...job.members.map(({ switchName }) => switchName)]);
    const absent = status.switches
      .filter(({ name, state }) => homes.has(name) && state !== 'ready')
      .map(({ name }) => name);
    // The first finding is the reason: it waits for them, or ends.
    if (absent.length === 0 && connected.size < job.minWorkers) return findings;
    const because =
      absent.length === 0 ? 'because a member has not answered' : `because switch ${absent.join(', ')} is not ready`;
    const remedy =
      absent.length === 0
        ? 'wait: a member that does not answer is dropped'
        : 'repair the switch: the job continues by itself when the switch is ready, or when its workers there have left';
    findings.push({ level: 'fault', subject, finding: `a new epoch (${job.epoch}) has not begun, ${because}`, remedy });
  }
  return findings;
}
