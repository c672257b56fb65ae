/** The session state machine alone, under arbitrary histories. */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { MemberLink } from '../../controlplane/controller/job-records.js';
import { JobSession } from '../../controlplane/controller/job-session.js';
import type { ControllerMessage, WelcomeMessage } from '../../controlplane/messages.js';
import { member, STEPS, TIMING, Worker, WORKERS, World } from './session-world.helpers.js';

afterEach(() => {
  vi.useRealTimers();
});

type Step =
  | { readonly kind: 'join' | 'lose' | 'leave' | 'answer'; readonly rank: number }
  | { readonly kind: 'fail' | 'narrow' | 'desert'; readonly rank: number }
  | { readonly kind: 'path'; readonly rank: number; readonly values: number }
  | {
      readonly kind:
        'allJoin' | 'allAnswer' | 'finish' | 'write' | 'timeout' | 'switchLost' | 'restart' | 'allPath' | 'begin';
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'join',
        'answer',
        'answer',
        'answer',
        'lose',
        'leave',
        'fail',
        'narrow',
        'narrow',
        'desert',
      ),
      rank: fc.nat(WORKERS - 1),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('path' as const),
      rank: fc.nat(WORKERS - 1),
      values: fc.constantFrom(0, ...STEPS),
    }),
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
        'allPath',
        'allPath',
        'begin',
        'begin',
        'timeout',
        'timeout',
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
      const former = world.workers.get(move.rank);
      const again = former !== undefined && !former.dead;
      const process = again ? former.process : `process ${++world.processes}`;
      const worker = new Worker(world, move.rank, process, again ? former.completed : 0);
      world.workers.set(move.rank, worker);
      const welcome = { welcome: {} as WelcomeMessage };
      world.session.join({ ...member(move.rank), process }, worker, welcome, [], world.follows);
      return;
    }
    case 'lose':
    case 'leave': {
      const worker = alive(move.rank);
      if (!worker) return;
      if (move.kind === 'leave') world.session.leave(move.rank, worker);
      else world.session.disconnected(move.rank, worker);
      worker.over = true;
      // Of one that left, nobody remembers anything; one that was lost may have kept its process.
      worker.dead ||= move.kind === 'leave' || worker.completed % 2 === 0;
      return;
    }
    case 'answer': {
      const worker = alive(move.rank);
      // It says where it stands when it has been told to stop, and then stands there.
      if (!worker || worker.epoch === 0 || worker.runs) return;
      world.answered.set(move.rank, worker.epoch);
      world.session.progressed(move.rank, worker, {
        epoch: worker.epoch,
        completed: worker.completed,
        received: worker.completed,
      });
      return;
    }
    case 'path': {
      const worker = alive(move.rank);
      if (!worker || worker.asked === 0) return;
      const { epoch } = world.record;
      const ran = worker.runs;
      // It knows only what it was asked in this epoch, or, once that runs, that it is less.
      if (worker.asked === worker.epoch && worker.resumed < worker.epoch) worker.path = move.values;
      world.session.path(move.rank, worker, { epoch: worker.asked, values: move.values });
      if (ran && world.record.epoch > epoch) world.narrowed++;
      return;
    }
    case 'desert':
      // All but one are lost, and do not return.
      await take(world, { kind: 'begin' });
      for (let rank = 0; rank < WORKERS; rank++) if (rank !== move.rank) await take(world, { kind: 'lose', rank });
      for (const kind of ['timeout', 'allAnswer', 'timeout'] as const) await take(world, { kind });
      return;
    case 'narrow':
      // A whole epoch, in the course of which a path turns out to carry less.
      await take(world, { kind: 'begin' });
      for (const kind of ['path', 'allAnswer', 'write', 'path', 'begin'] as const)
        await take(world, kind === 'path' ? { kind, rank: move.rank, values: STEPS[0]! } : { kind });
      return;
    case 'begin':
      for (const kind of ['allJoin', 'allAnswer', 'write', 'allPath'] as const) await take(world, { kind });
      return;
    case 'allPath':
      for (let rank = 0; rank < WORKERS; rank++)
        if (alive(rank)?.path === undefined) await take(world, { kind: 'path', rank, values: STEPS.at(-1)! });
      return;
    case 'allJoin':
    case 'allAnswer':
      for (let rank = 0; rank < WORKERS; rank++)
        await take(world, { kind: move.kind === 'allJoin' ? 'join' : 'answer', rank });
      return;
    case 'finish':
      // An operation completes at every member that runs in the stored epoch; no member completes it alone.
      if (world.session.state !== 'running') return;
      if (!world.record.members.every(({ rank }) => alive(rank)?.runs)) return;
      for (const { rank } of world.record.members) alive(rank)!.completed++;
      return;
    case 'fail': {
      const worker = alive(move.rank);
      if (!worker?.runs) return;
      const operation = ++worker.completed;
      worker.runs = false;
      world.session.failed(move.rank, worker, { operation, code: 'X', message: 'x', shape: '' });
      world.usedUp = Math.max(world.usedUp, operation);
      return;
    }
    case 'write':
      return world.write();
    case 'timeout':
      world.expired = true;
      vi.advanceTimersByTime(1000);
      return;
    case 'switchLost':
      world.written = undefined;
      world.session.switchLost('s');
      return;
    case 'restart':
      world.session.close(undefined as never);
      for (const worker of world.workers.values()) worker.over = true;
      // What only the dead know is nowhere.
      world.usedUp = 0;
      world.session = new JobSession(world.records(), TIMING);
  }
}

test.each([
  ['an elastic job', 1, true],
  ['a job that needs two', 2, true],
  ['a job that needs all', WORKERS, true],
  ['a job of workers that take any size', 2, false],
])(
  '%s: no history gives out an epoch or operation number twice, or resumes before all stand still',
  async (_, minWorkers, follows) => {
    vi.useFakeTimers();
    let resumes = 0;
    let dismissals = 0;
    let narrow = 0;
    let narrowed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }), async (moves) => {
        const world = new World(minWorkers, follows);
        for (const move of moves) {
          await take(world, move);
          if (world.violations.length > 0) throw world.violations[0];
          // In a running epoch, members and connected workers are the same.
          if (world.session.state === 'running') {
            expect(world.written).toEqual({ epoch: world.record.epoch, members: world.record.members });
            expect(world.session.connected.ranks()).toEqual(world.record.members.map(({ rank }) => rank));
            resumes++;
          }
        }
        dismissals += world.dismissals;
        narrow += world.narrow;
        narrowed += world.narrowed;
      }),
      { numRuns: 200 },
    );
    // The histories must make progress for the expectations to mean anything.
    expect(resumes).toBeGreaterThan(200);
    if (follows) {
      expect(narrow).toBeGreaterThan(20);
      expect(narrowed).toBeGreaterThan(20);
    }
    if (minWorkers > 1) expect(dismissals).toBeGreaterThan(100);
  },
);

test('what all remaining members have received is complete, though the one that knew has died', async () => {
  const world = new World(1, false);
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
  expect(resumed()).toEqual({ epoch: 1, completed: 0, packetValues: 1024 });

  // Worker 2 has completed operation 1, and dies before it can report that.
  world.session.disconnected(2, links[2]!);
  answer(0, 2, 0, 1);
  answer(1, 2, 0, 1);
  await world.write();
  expect(resumed()).toEqual({ epoch: 2, completed: 1, packetValues: 1024 });

  // One of them lacks results of operation 2, so that no worker can have completed it.
  world.session.join(member(2), links[2]!, { welcome: {} as WelcomeMessage });
  answer(0, 3, 1, 2);
  answer(1, 3, 1, 1);
  answer(2, 3, 0, 0);
  await world.write();
  expect(resumed()).toEqual({ epoch: 3, completed: 1, packetValues: 1024 });

  // A newcomer in place of worker 2 has no state and does not count.
  world.session.disconnected(2, links[2]!);
  world.session.join({ ...member(2), process: 'another, at the same address' }, links[2]!, {
    welcome: {} as WelcomeMessage,
  });
  answer(0, 5, 1, 2);
  answer(1, 5, 1, 2);
  answer(2, 5, 0, 0);
  await world.write();
  expect(resumed()).toEqual({ epoch: 5, completed: 2, packetValues: 1024 });
});
