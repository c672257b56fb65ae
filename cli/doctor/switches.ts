/** What is wrong with a switch: out of reach, with another program or none, or dropping what it should not. */
import type { DropReason } from '../../protocol/constants.js';
import { ABSENT, type SwitchStatusMessage } from '../../controlplane/index.js';
import type { Finding } from './finding.js';

type ReasonName = Exclude<keyof typeof DropReason, 'NONE'>;

/** What a count of a drop reason means, and what to do about it. */
const DROPS: Record<ReasonName, { readonly means: string; readonly remedy: string; readonly level: Finding['level'] }> =
  {
    MALFORMED: {
      level: 'note',
      means: 'packets that end in the middle of a header',
      remedy: 'look for what sends them; workers of this project do not',
    },
    BAD_CHECKSUM: {
      level: 'fault',
      means: 'packets with a wrong IPv4 header checksum',
      remedy: "switch off checksum offload on the hosts' interfaces: ethtool -K IFACE tx off",
    },
    BAD_VERSION: {
      level: 'fault',
      means: 'packets of another protocol version',
      remedy: 'run the same version of fpisa on workers and controller',
    },
    BAD_OPCODE: {
      level: 'note',
      means: 'packets with an opcode that only a switch sends',
      remedy: 'check that no result is routed back to the switch',
    },
    BAD_LENGTH: {
      level: 'fault',
      means: 'packets of a length that this build does not accept',
      remedy: 'let the workers join again: they may be configured for another build',
    },
    NOT_MEMBER: {
      level: 'fault',
      means: 'contributions from an address, UDP port or switch port that no member has',
      remedy: 'check on which switch port each worker is, and that there is no address translation in between',
    },
    WRONG_EPOCH: {
      level: 'note',
      means: 'packets of an earlier membership',
      remedy: 'none needed: they were under way when a worker joined, left or died',
    },
    BAD_SLOT: {
      level: 'fault',
      means: "contributions to a slot outside the job's range",
      remedy: 'run the same version of fpisa on workers and controller',
    },
    BAD_COUNT: {
      level: 'fault',
      means: 'contributions that announce more values than a packet holds',
      remedy: 'run the same version of fpisa on workers and controller',
    },
    STALE: {
      level: 'note',
      means: 'contributions that arrived after their round had ended',
      remedy: 'none needed: packets were delayed or duplicated on the way',
    },
    DUPLICATE: {
      level: 'note',
      means: 'contributions retransmitted before their round was complete',
      remedy: 'none needed; many of them mean that one worker is late, or that packets are lost',
    },
    NO_ROUTE: {
      level: 'note',
      means: 'ordinary IPv4 traffic without a route',
      remedy: "add routes to the switch's configuration if the network is to carry it",
    },
    TTL_EXPIRED: { level: 'note', means: 'ordinary IPv4 traffic whose TTL ran out', remedy: 'look for a routing loop' },
    NOT_IPV4: {
      level: 'note',
      means: 'frames other than IPv4 (ARP and IPv6 among them)',
      remedy: 'give the hosts a static ARP entry for the service address',
    },
    NO_RECEIVER: {
      level: 'fault',
      means: 'results for a member without an address',
      remedy: "restart the controller: it will write the switch's tables again",
    },
    INJECTED: {
      level: 'note',
      means: 'packets on purpose, as this test build is configured to',
      remedy: 'push a build without faults if that is not wanted',
    },
  };

/** Whether a second reading would show more: some faults may have ended long ago. */
export function hasFaultyDrops({ drops }: SwitchStatusMessage): boolean {
  return Object.entries(drops).some(([reason, count]) => count > 0 && DROPS[reason as ReasonName]?.level === 'fault');
}

/**
 * @param before the same switch some time earlier
 * @param explained drop reasons that another finding accounts for
 */
export function diagnoseSwitch(
  before: SwitchStatusMessage | undefined,
  after: SwitchStatusMessage,
  seconds: number,
  explained: ReadonlySet<string> = new Set(),
): Finding[] {
  const subject = `switch ${after.name}`;
  if (after.state !== 'ready') return [{ level: 'fault', subject, ...notReady(after) }];
  return [
    ...programFindings(subject, after),
    ...absenceFindings(subject, after),
    ...dropFindings(subject, before, after, seconds, explained),
  ];
}

function notReady(report: SwitchStatusMessage): Pick<Finding, 'finding' | 'remedy'> {
  const { state, address, detail, program } = report;
  const because = detail === '' ? '' : `: ${detail}`;
  const build = wantedBuild(report);
  if (state === 'backup') {
    const runs = {
      own: 'still runs the program of this one',
      'same-build': `runs ${build} as the other controller programmed it`,
      other: `runs a program or build other than ${build}`,
      none: 'runs no program',
      '': 'does not report what it runs',
    }[program];
    return {
      finding: `another controller is primary at ${address}, so this one may not write to the switch, which ${runs}`,
      remedy: `stop the other controller, or use that one: once this one is primary it pushes ${build} if anything else runs, and its jobs continue in a new epoch`,
    };
  }
  if (program === '')
    return {
      finding: `${state} at ${address}${because}`,
      remedy: `start the switch, or correct its address: the controller keeps trying ${address}`,
    };
  const finding = {
    none: `it has no program, and ${build} cannot be pushed`,
    other: `it runs another program or build, and ${build} cannot be pushed in its place`,
    'same-build': `its tables cannot be written`,
    own: `its tables cannot be written`,
  }[program];
  return {
    finding: finding + because,
    remedy: 'check the log of the switch: the controller tries again every second',
  };
}

function programFindings(subject: string, report: SwitchStatusMessage): Finding[] {
  const build = wantedBuild(report);
  if (report.program === 'none' || report.program === 'other' || report.program === 'same-build') {
    const runs = {
      none: 'it has lost its program',
      other: 'someone has pushed another program or build',
      'same-build': `another controller has pushed ${build} with empty tables`,
    }[report.program];
    return [
      {
        level: 'fault',
        subject,
        finding: runs,
        remedy: `wait: within 5 s the controller pushes ${build} again, and the jobs there begin a new epoch; then find out who did it`,
      },
    ];
  }
  if (report.restored === 0) return [];
  const times = report.restored === 1 ? 'once' : `${report.restored} times`;
  return [
    {
      level: 'note',
      subject,
      finding: `its program was lost ${times} since the controller started, because the switch restarted or someone pushed another one; the controller pushed ${build} again, and the jobs there began a new epoch`,
      remedy: 'none needed, unless it happens again',
    },
  ];
}

/** What a build for another chip leaves out is not a fault: no job on the switch needs it. */
function absenceFindings(subject: string, { absent, build }: SwitchStatusMessage): Finding[] {
  return absent.map((name) => ({
    level: 'note',
    subject,
    finding: `build ${build} has no ${name}, ${ABSENT[name] ?? 'so it does without'}`,
    remedy: 'none needed, unless you want that: then use a build that has it',
  }));
}

function dropFindings(
  subject: string,
  before: SwitchStatusMessage | undefined,
  after: SwitchStatusMessage,
  seconds: number,
  explained: ReadonlySet<string>,
): Finding[] {
  return Object.entries(after.drops).flatMap(([reason, count]): Finding[] => {
    const known = DROPS[reason as ReasonName];
    if (count === 0 || known === undefined || explained.has(reason)) return [];
    const finding = `dropped ${count} ${known.means} (${reason})`;
    // Counters are never reset, so a count that does not grow belongs to the past.
    const isOver =
      known.level === 'fault' && before?.state === 'ready' && seconds > 0 && (before.drops[reason] ?? 0) === count;
    if (isOver)
      return [
        {
          level: 'note',
          subject,
          finding: `${finding}, none of them in the last ${seconds} s`,
          remedy: `none needed now; if it occurs again, ${known.remedy}`,
        },
      ];
    return [{ level: known.level, subject, finding, remedy: known.remedy }];
  });
}

function wantedBuild({ build }: SwitchStatusMessage): string {
  return build === '' ? 'its build' : build;
}
