/** The doctor's findings for synthetic reports, one by one. */
import { describe, expect, test } from 'vitest';
import { diagnose, needsSecondReading } from '../../cli/doctor/diagnose.js';
import type { Interval, Reading } from '../../cli/doctor/reading.js';
import type { JobMessage, MemberMessage, SetReportMessage, SwitchStatusMessage } from '../../controlplane/messages.js';

const SECONDS = 3;

function switchReport(changes: Partial<SwitchStatusMessage> = {}): SwitchStatusMessage {
  return {
    name: 's1',
    address: 'h:9559',
    state: 'ready',
    detail: '',
    pipeline: 'fpisa-n64',
    drops: {},
    slotsFree: 448,
    valuesPerPacket: 64,
    program: 'own',
    restored: 0,
    serviceIp: '10.0.0.254',
    target: 'bmv2',
    build: 'fpisa-n64',
    absent: [],
    parent: null,
    ...changes,
  };
}

function member(rank: number, changes: Partial<MemberMessage> = {}): MemberMessage {
  return {
    rank,
    ip: `10.0.0.${rank + 1}`,
    udpPort: 4000 + rank,
    mac: '',
    switchName: 's1',
    switchPort: rank + 1,
    connected: true,
    packetValues: 0,
    ...changes,
  };
}

function jobReport(
  changes: Partial<JobMessage> = {},
  events: Readonly<Record<string, Readonly<Record<string, number>>>> = {},
): JobMessage {
  return {
    ...{
      name: 'train',
      number: 0,
      workers: 3,
      minWorkers: 3,
      epoch: 4,
      slotBase: 0,
      slots: 2,
      switchName: 's1',
      switches: ['s1'],
      multicastGroup: 1,
      state: 'running',
      packetValues: 64,
      valuesPerPacket: 64,
      events: {},
    },
    profile: {
      name: 'fpisa',
      format: 'fp32',
      mode: 'full',
      guard: 5,
      alignment: 'floor',
      rounding: 'nearest-even',
      leftShiftLimit: 0,
    },
    members: [0, 1, 2].map((rank) => member(rank)),
    switchEvents: Object.entries(events).map(([switchName, counts]) => ({ switchName, events: { ...counts } })),
    ...changes,
  };
}

function round(changes: Partial<SetReportMessage> = {}): SetReportMessage {
  return {
    epoch: 4,
    chunk: 7,
    operation: 2,
    bitmap: 7,
    contributions: 3,
    missing: [],
    missingSwitches: [],
    ...changes,
  };
}

interface Moment {
  readonly switches?: SwitchStatusMessage[];
  readonly job?: Partial<JobMessage>;
  readonly events?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Set 0 of slot 0. */
  readonly set?: Partial<SetReportMessage>;
}

function reading({ switches = [switchReport()], job, events, set }: Moment): Reading {
  const slots = [0, 1].map((slot) => ({ slot, sets: [slot === 0 ? round(set) : round(), round({ epoch: 0 })] }));
  return { status: { store: 'memory', switches }, jobs: [{ job: jobReport(job, events), slots }] };
}

const between = (before: Moment, after: Moment): Interval => ({
  before: reading(before),
  after: reading(after),
  seconds: SECONDS,
});
const said = (interval: Interval): string[] =>
  diagnose(interval).map(({ level, subject, finding, remedy }) => `${level} ${subject}: ${finding}; ${remedy}`);

/** Of one moment only, without jobs. */
const saidOf = (report: Partial<SwitchStatusMessage>): string[] => {
  const only: Reading = { status: { store: 'memory', switches: [switchReport(report)] }, jobs: [] };
  return said({ before: only, after: only, seconds: 0 });
};

test('packets that are shorter than the program takes, and whose path is the reason', () => {
  const narrow = (members: MemberMessage[]): string[] => {
    const job = { packetValues: 256, valuesPerPacket: 2048, members };
    return said(between({ job }, { job })).filter((text) => text.includes('packets hold'));
  };
  const finding = 'note job train: its packets hold up to 256 values instead of 2048';
  const remedy = 'none needed; it is faster with an MTU of at least 8252 bytes on every link';
  const paths = (...values: number[]): MemberMessage[] =>
    values.map((packetValues, rank) => member(rank, { packetValues }));
  expect(narrow(paths(2048, 256, 1024))).toEqual([
    `${finding}, because the path of worker 1 carries no more; ${remedy} between there and switch s1, and on the switch's ports`,
  ]);
  expect(narrow(paths(256, 2048, 256))[0]).toContain('because the path of workers 0, 2 carries no more');
  expect(narrow(paths(2048, 2048, 2048))).toEqual([`${finding}; ${remedy}`]);
  const wide = { packetValues: 2048, valuesPerPacket: 2048 };
  expect(said(between({ job: wide }, { job: wide })).join()).not.toContain('packets hold');
});

describe('switches', () => {
  test('no switch at all', () => {
    const empty: Reading = { status: { store: 'memory', switches: [] }, jobs: [] };
    expect(said({ before: empty, after: empty, seconds: 0 })).toEqual([
      'fault controller: it has no switch; start it with --switch or --config',
    ]);
  });

  test.each<[string, Partial<SwitchStatusMessage>, string]>([
    [
      'nobody answers',
      { state: 'unreachable', detail: 'ECONNREFUSED', program: '' },
      'unreachable at h:9559: ECONNREFUSED; start the switch, or correct its address: the controller keeps trying h:9559',
    ],
    [
      'no program, and none can be pushed',
      { state: 'unreachable', detail: 'out of memory', program: 'none' },
      'it has no program, and fpisa-n64 cannot be pushed: out of memory; check the log of the switch: the controller tries again every second',
    ],
    [
      'another program that cannot be replaced',
      { state: 'unreachable', detail: 'busy', program: 'other' },
      'it runs another program or build, and fpisa-n64 cannot be pushed in its place: busy; check the log',
    ],
    [
      'tables that cannot be written',
      { state: 'unreachable', detail: '1 of 2 updates failed', program: 'own' },
      'its tables cannot be written: 1 of 2 updates failed; check the log',
    ],
    [
      'not primary, no program',
      { state: 'backup', program: 'none' },
      'another controller is primary at h:9559, so this one may not write to the switch, which runs no program; stop the other controller, or use that one: once this one is primary it pushes fpisa-n64 if anything else runs, and its jobs continue in a new epoch',
    ],
    [
      'not primary, another program',
      { state: 'backup', program: 'other' },
      'which runs a program or build other than fpisa-n64; stop the other controller',
    ],
    [
      'not primary, the same build',
      { state: 'backup', program: 'same-build' },
      'which runs fpisa-n64 as the other controller programmed it; stop the other controller',
    ],
    [
      'not primary, own program',
      { state: 'backup', program: 'own' },
      'which still runs the program of this one; stop the other controller',
    ],
    [
      'a program that someone pushed',
      { program: 'other' },
      'someone has pushed another program or build; wait: within 5 s the controller pushes fpisa-n64 again, and the jobs there begin a new epoch; then find out who did it',
    ],
    [
      'a program that is gone',
      { program: 'none' },
      'it has lost its program; wait: within 5 s the controller pushes fpisa-n64 again',
    ],
  ])('%s', (_, report, sentence) => {
    const findings = saidOf(report);
    expect(findings).toEqual([expect.stringContaining(sentence)]);
    expect(findings[0]).toMatch(/^fault switch s1: /);
  });

  test('a program that had to be pushed again is a note', () => {
    expect(saidOf({ restored: 2 })).toEqual([
      expect.stringMatching(
        /^note switch s1: its program was lost 2 times since the controller started, .*; none needed, unless it happens again$/,
      ),
    ]);
  });

  test('nothing is said of a switch that is well', () => {
    expect(saidOf({})).toEqual([]);
  });

  test('drops that grow are faults, those of the past notes', () => {
    const drops = (count: number): Moment => ({ switches: [switchReport({ drops: { BAD_CHECKSUM: count } })] });
    expect(said(between(drops(4), drops(6)))).toEqual([
      expect.stringMatching(
        /^fault switch s1: dropped 6 packets with a wrong IPv4 header checksum \(BAD_CHECKSUM\); switch off checksum offload/,
      ),
    ]);
    expect(said(between(drops(6), drops(6)))).toEqual([
      expect.stringMatching(
        /^note switch s1: dropped 6 .*, none of them in the last 3 s; none needed now; if it occurs again, switch off/,
      ),
    ]);
    expect(needsSecondReading({ ...reading(drops(1)), jobs: [] })).toBe(true);
    expect(needsSecondReading({ ...reading({ switches: [switchReport({ drops: { STALE: 3 } })] }), jobs: [] })).toBe(
      false,
    );
  });
});

describe('members', () => {
  test('a missing worker', () => {
    const waiting: Moment = { job: { state: 'waiting', members: [member(0), member(1, { connected: false })] } };
    expect(said(between(waiting, waiting))).toEqual([
      'fault job train: waiting, without workers 1, 2 of 3; start those workers with --job train and the rank',
    ]);
    const idle: Moment = { job: { state: 'waiting', members: [] } };
    expect(said(between(idle, idle))).toEqual([
      'note job train: idle, no worker is connected; none needed; it begins when its 3 workers start with --job train',
    ]);
    const running: Moment = { job: { members: [member(0), member(2)] } };
    expect(said(between(running, running))).toEqual([
      'note job train: running, without worker 1 of 3; start that worker with --job train and the rank',
    ]);
  });

  test('a job that waits for a lost worker, because it needs all', () => {
    const members = jobReport().members.map((member) => ({ ...member, connected: member.rank !== 1 }));
    const waiting: Moment = { job: { state: 'recovering', members } };
    expect(said(between(waiting, waiting))).toEqual([
      'fault job train: recovering, without worker 1 of 3; start that worker with --job train and the rank',
    ]);
  });

  test('an epoch that does not begin', () => {
    const recovering: Moment = { job: { state: 'recovering' } };
    expect(said(between(recovering, recovering))).toEqual([
      'fault job train: a new epoch (4) has not begun, because a member has not answered; wait: a member that does not answer is dropped',
    ]);
    const without: Moment = { ...recovering, switches: [switchReport({ state: 'unreachable', program: '' })] };
    expect(said(between(without, without))[1]).toMatch(
      /^fault job train: a new epoch \(4\) has not begun, because switch s1 is not ready; repair the switch: the job continues by itself/,
    );
  });
});

describe('traffic', () => {
  const open: Partial<SetReportMessage> = { missing: [1], bitmap: 5 };

  test('a job that gets on, or that rests, has no fault', () => {
    expect(
      said(
        between({ set: open, events: { s1: { RESULT: 5 } } }, { set: open, events: { s1: { RESULT: 6, REPEAT: 9 } } }),
      ),
    ).toEqual([]);
    expect(said(between({ set: open }, { set: { ...open, chunk: 9 } }))).toEqual([]);
    expect(said(between({}, {}))).toEqual([]);
    // One packet was lost at the end of an operation, and repeated.
    expect(said(between({ events: { s1: { REPEAT: 3 } } }, { events: { s1: { REPEAT: 4 } } }))).toEqual([]);
  });

  test('a worker from which nothing comes', () => {
    expect(
      said(between({ set: open, events: { s1: { DUPLICATE: 1 } } }, { set: open, events: { s1: { DUPLICATE: 9 } } })),
    ).toEqual([
      expect.stringMatching(
        /^fault job train: nothing arrives from worker 1 through port 2 of switch s1, and the others wait for it in slot 0; if the worker is in an operation, that port, .* is down/,
      ),
    ]);
  });

  test('a worker on another port than its own: one sentence, and no second one for the drops', () => {
    const drops = (count: number): SwitchStatusMessage[] => [switchReport({ drops: { NOT_MEMBER: count } })];
    expect(said(between({ set: open, switches: drops(1) }, { set: open, switches: drops(8) }))).toEqual([
      'fault job train: contributions of worker 1 do not arrive from 10.0.0.2:4001 on port 2 of switch s1 as it joined, but 7 packets arrived from a port or address that no member has (NOT_MEMBER) in slot 0; connect it to port 2, or let it join with --switch, --switch-port and --ip as its packets arrive; there must be no address translation in between',
    ]);
  });

  test('a host whose firewall drops results', () => {
    expect(
      said(
        between(
          { set: open, events: { s1: { RESULT: 5, REPEAT: 2 } } },
          { set: open, events: { s1: { RESULT: 5, REPEAT: 9 } } },
        ),
      ),
    ).toEqual([
      'fault job train: worker 1 does not receive results: its contributions arrive, but it repeats them when their rounds are complete (REPEAT +7 on switch s1), and no round was completed in 3 s; let UDP packets from 10.0.0.254:61786 to 10.0.0.2:4001 through the firewall of its host',
    ]);
  });

  test('nobody receives results', () => {
    expect(said(between({ events: { s1: { REPEAT: 2 } } }, { events: { s1: { REPEAT: 9 } } }))).toHaveLength(3);
  });

  describe('in a tree', () => {
    const parent = { switchName: 's1', port: 9, parentPort: 8 };
    const switches = [switchReport(), switchReport({ name: 'leaf', serviceIp: '10.0.1.254', parent })];
    const job: Partial<JobMessage> = {
      switches: ['s1', 'leaf'],
      members: [member(0), member(1, { switchName: 'leaf' }), member(2, { switchName: 'leaf' })],
    };
    const grown = (
      set: Partial<SetReportMessage>,
      events: Moment['events'] & {},
      after: SwitchStatusMessage[] = switches,
    ): string[] => said(between({ switches, job, set }, { switches: after, job, set, events }));

    test('a deaf worker at a leaf', () => {
      expect(grown(open, { s1: { REPEAT: 5 }, leaf: { REPEAT: 5, ASCENT: 5, DESCENT: 5 } })).toEqual([
        expect.stringMatching(
          /worker 1 does not receive results: .*\(REPEAT \+5 on switch leaf\).*from 10\.0\.1\.254:61786 to 10\.0\.0\.2:4001/,
        ),
      ]);
    });

    test('a silent worker, while a leaf repeats what is complete there only', () => {
      expect(grown({ missing: [0] }, { s1: { DUPLICATE: 4 }, leaf: { REPEAT: 4, ASCENT: 4 } })).toEqual([
        expect.stringMatching(/nothing arrives from worker 0 through port 1 of switch s1/),
      ]);
    });

    test('a leaf that repeats what the top has, and gets no answer', () => {
      expect(grown({ missing: [1, 2] }, { s1: { DUPLICATE: 4 }, leaf: { REPEAT: 4, ASCENT: 4 } })).toEqual([
        expect.stringMatching(/sums of switch leaf do not arrive at switch s1/),
      ]);
    });

    test('a link that loses what comes down', () => {
      expect(
        grown({ ...open, missing: [1, 2] }, { s1: { REPEAT: 5 }, leaf: { REPEAT: 5, ASCENT: 5, DESCENT: 0 } }),
      ).toEqual([
        'fault job train: results of switch s1 do not arrive at switch leaf: it requests them again and again, and none arrives through port 9; check the link between port 8 of s1 and port 9 of leaf',
      ]);
    });

    test('a link that loses what goes up, or that is plugged in elsewhere', () => {
      const lost = { missingSwitches: ['leaf'] };
      expect(grown(lost, { leaf: { REPEAT: 5, ASCENT: 5 } })).toEqual([
        'fault job train: sums of switch leaf do not arrive at switch s1: 5 were sent up through port 9, none arrived through port 8; check the link between port 9 of leaf and port 8 of s1',
      ]);
      const drops = [switchReport({ drops: { NOT_MEMBER: 5 } }), switches[1]!];
      expect(grown(lost, { leaf: { REPEAT: 5, ASCENT: 5 } }, drops)).toEqual([
        expect.stringMatching(
          /none arrived through port 8, where 5 packets arrived from a port or address that no member has \(NOT_MEMBER\); connect the two switches by those ports/,
        ),
      ]);
    });
  });
});
