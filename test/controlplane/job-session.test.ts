/** The session state machine alone, under arbitrary histories. */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { JobSession, type JobRecords, type MemberLink } from '../../controlplane/controller/job-session.js';
import type { ControllerMessage, WelcomeMessage } from '../../controlplane/messages.js';
import type { JobRecord, MemberRecord } from '../../controlplane/controller/state.js';

afterEach(() => {
  vi.useRealTimers();
});

const WORKERS = 3;
const TIMING = { progressTimeoutMs: 1000, returnTimeoutMs: 1000 };

const member = (rank: number): MemberRecord => ({
  rank,
  ip: '10.0.0.1',
  udpPort: 1000 + rank,
  mac: '02:00:00:00:00:01',
  switchName: 's',
  switchPort: 1 + rank,
});

const NEW_JOB: JobRecord = {
  name: 'j',
  switchName: 's',
  switches: ['s'],
  number: 0,
  multicastGroup: 1,
  workers: WORKERS,
  slotBase: 0,
  slots: 8,
  profile: { name: 'fpisa', format: 'fp32', mode: 'full', guard: 0, rounding: 'truncate', leftShiftLimit: 0 },
  epoch: 0,
  members: [],
  completed: 0,
  countersResetOn: ['s'],
};

/** A worker, as far as the session can see it. */
class Worker implements MemberLink {
  over = false;
  epoch = 0;
  resumed = 0;
  completed: number;
  constructor(
    private readonly world: World,
    readonly rank: number,
    completed: number,
  ) {
    this.completed = completed;
  }
  /** Some messages are sent from promises, where a throw would be lost. */
  send(message: ControllerMessage): void {
    try {
      this.check(message);
    } catch (error) {
      this.world.violations.push(error);
    }
  }
  private check(message: ControllerMessage): void {
    expect(this.over).toBe(false);
    if ('membership' in message) {
      const { epoch, ranks } = message.membership;
      // Stored before anybody hears of it, and never seen before.
      expect(this.world.record).toMatchObject({ epoch, members: ranks.map(member) });
      expect(epoch).toBeGreaterThan(this.epoch);
      expect(ranks).toContain(this.rank);
      this.epoch = epoch;
    }
    if ('resume' in message) {
      const { epoch, completed } = message.resume;
      expect(epoch).toBe(this.epoch);
      expect(epoch).toBeGreaterThan(this.resumed);
      // The tables hold exactly this membership, and each of its members has reported its progress.
      expect(this.world.written).toEqual({ epoch, members: this.world.record.members });
      for (const { rank } of this.world.record.members) expect(this.world.answered.get(rank)).toBe(epoch);
      // No operation number is handed out twice.
      expect(completed).toBeGreaterThanOrEqual(Math.max(this.completed, this.world.usedUp));
      this.resumed = epoch;
      this.completed = completed;
    }
    if ('aborted' in message) expect(message.aborted.operation).toBeLessThanOrEqual(this.world.record.completed);
  }
  end(): void {
    this.over = true;
  }
}

class World {
  record_: JobRecord = NEW_JOB;
  /** What the switch holds. */
  written: JobRecord['active'];
  usedUp = 0;
  readonly violations: unknown[] = [];
  readonly answered = new Map<number, number>();
  readonly workers = new Map<number, Worker>();
  private writes: (() => void)[] = [];
  session: JobSession = new JobSession(this.records(), TIMING);

  get record(): JobRecord {
    return this.record_;
  }
  records(): JobRecords {
    return {
      record: () => this.record_,
      save: (change) => this.save(change),
      nextEpoch: () => this.record_.epoch + 1,
      program: () => this.program(),
      bitsSeenBy: () => this.record_.members.map(({ rank }) => rank),
    };
  }
  save(change: Partial<JobRecord>): void {
    if (change.epoch !== undefined) expect(change.epoch).toBeGreaterThan(this.record_.epoch);
    this.record_ = { ...this.record_, ...change };
    if (this.record_.members.length === 0) this.usedUp = 0;
  }
  program(): Promise<void> {
    return new Promise((resolve) => {
      this.writes.push(() => {
        this.written = this.record_.active;
        resolve();
      });
    });
  }
  /** The switch is reachable: all pending writes go through. */
  async write(): Promise<void> {
    for (const done of this.writes.splice(0)) done();
    await Promise.resolve();
    await Promise.resolve();
  }
}

type Step =
  | { readonly kind: 'join' | 'lose' | 'leave' | 'answer'; readonly rank: number }
  | { readonly kind: 'fail'; readonly rank: number }
  | { readonly kind: 'allJoin' | 'allAnswer' | 'finish' | 'write' | 'timeout' | 'switchLost' | 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('join', 'answer', 'answer', 'answer', 'lose', 'leave', 'fail'),
      rank: fc.nat(WORKERS - 1),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'allJoin',
        'allAnswer',
        'allAnswer',
        'finish',
        'write',
        'write',
        'write',
        'timeout',
        'switchLost',
        'restart',
      ),
    }) as fc.Arbitrary<Step>,
  },
);

async function take(world: World, move: Step): Promise<void> {
  const alive = (rank: number): Worker | undefined => {
    const worker = world.workers.get(rank);
    return worker === undefined || worker.over ? undefined : worker;
  };
  switch (move.kind) {
    case 'join': {
      if (alive(move.rank)) return;
      const worker = new Worker(world, move.rank, 0);
      world.workers.set(move.rank, worker);
      world.session.join(member(move.rank), worker, { welcome: {} as WelcomeMessage });
      return;
    }
    case 'lose':
    case 'leave': {
      const worker = alive(move.rank);
      if (!worker) return;
      if (move.kind === 'leave') world.session.leave(move.rank, worker);
      else world.session.disconnected(move.rank, worker);
      worker.over = true;
      return;
    }
    case 'answer': {
      const worker = alive(move.rank);
      if (!worker || worker.epoch === 0) return;
      world.answered.set(move.rank, worker.epoch);
      world.session.progressed(move.rank, worker, {
        epoch: worker.epoch,
        completed: worker.completed,
        received: worker.completed,
      });
      return;
    }
    case 'allJoin':
    case 'allAnswer':
      for (let rank = 0; rank < WORKERS; rank++)
        await take(world, { kind: move.kind === 'allJoin' ? 'join' : 'answer', rank });
      return;
    case 'finish':
      // An operation completes at every member that runs in the stored epoch; no member completes it alone.
      if (world.session.state !== 'running') return;
      for (const { rank } of world.record.members) alive(rank)!.completed++;
      return;
    case 'fail': {
      const worker = alive(move.rank);
      if (!worker || worker.resumed === 0) return;
      const operation = worker.completed + 1;
      world.session.failed(move.rank, worker, { operation, code: 'X', message: 'x', shape: '' });
      world.usedUp = Math.max(world.usedUp, operation);
      return;
    }
    case 'write':
      return world.write();
    case 'timeout':
      vi.advanceTimersByTime(1000);
      return;
    case 'switchLost':
      world.written = undefined;
      world.session.switchLost('s');
      return;
    case 'restart':
      world.session.close(undefined as never);
      for (const worker of world.workers.values()) worker.over = true;
      world.session = new JobSession(world.records(), TIMING);
  }
}

test('no history gives out an epoch or operation number twice, or resumes before all stand still', async () => {
  vi.useFakeTimers();
  let resumes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }), async (moves) => {
      const world = new World();
      for (const move of moves) {
        await take(world, move);
        if (world.violations.length > 0) throw world.violations[0];
        // From the first epoch on, members and connected workers are the same, unless some are awaited back.
        if (world.session.state === 'running') {
          expect(world.written).toEqual({ epoch: world.record.epoch, members: world.record.members });
          expect(world.session.connectedRanks()).toEqual(world.record.members.map(({ rank }) => rank));
          resumes++;
        }
      }
    }),
    { numRuns: 400 },
  );
  // The histories must make progress for the expectations to mean anything.
  expect(resumes).toBeGreaterThan(500);
});

test('what all remaining members have received is complete, though the one that knew has died', async () => {
  const world = new World();
  const told: ControllerMessage[] = [];
  const link = (rank: number): MemberLink => ({
    send: (message) => void (rank === 0 && told.push(message)),
    end: () => undefined,
  });
  const links = [0, 1, 2].map(link);
  const answer = (rank: number, epoch: number, completed: number, received: number): void =>
    world.session.progressed(rank, links[rank]!, { epoch, completed, received });
  const resumed = (): unknown => told.flatMap((message) => ('resume' in message ? [message.resume] : [])).at(-1);

  for (const rank of [0, 1, 2]) world.session.join(member(rank), links[rank]!, { welcome: {} as WelcomeMessage });
  for (const rank of [0, 1, 2]) answer(rank, 1, 0, 0);
  await world.write();
  expect(resumed()).toEqual({ epoch: 1, completed: 0 });

  // Worker 2 has completed operation 1, and dies before it can report that.
  world.session.disconnected(2, links[2]!);
  answer(0, 2, 0, 1);
  answer(1, 2, 0, 1);
  await world.write();
  expect(resumed()).toEqual({ epoch: 2, completed: 1 });

  // One of them lacks results of operation 2, so that no worker can have completed it.
  world.session.join(member(2), links[2]!, { welcome: {} as WelcomeMessage });
  answer(0, 3, 1, 2);
  answer(1, 3, 1, 1);
  answer(2, 3, 0, 0);
  await world.write();
  expect(resumed()).toEqual({ epoch: 3, completed: 1 });

  // A newcomer in place of worker 2 has no state and does not count.
  world.session.disconnected(2, links[2]!);
  world.session.join({ ...member(2), udpPort: 9 }, links[2]!, { welcome: {} as WelcomeMessage });
  answer(0, 5, 1, 2);
  answer(1, 5, 1, 2);
  answer(2, 5, 0, 0);
  await world.write();
  expect(resumed()).toEqual({ epoch: 5, completed: 2 });
});
