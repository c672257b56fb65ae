/** A job's session with the switch and the workers around it, which check all that they are told. */
import { expect } from 'vitest';
import type { JobRecords, MemberLink } from '../../controlplane/controller/job-records.js';
import { JobSession } from '../../controlplane/controller/job-session.js';
import type { JobRecord, MemberRecord } from '../../controlplane/controller/state.js';
import type { ControllerMessage } from '../../controlplane/messages.js';
import { PAPER_PROFILE } from '../support/paper-profile.js';

export const WORKERS = 3;
export const STEPS = [64, 256, 1024];
export const TIMING = { progressTimeoutMs: 1000, returnTimeoutMs: 1000 };

export const member = (rank: number): MemberRecord => ({
  rank,
  ip: '10.0.0.1',
  udpPort: 1000 + rank,
  mac: '02:00:00:00:00:01',
  process: `process ${rank}`,
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
  minWorkers: 1,
  slotBase: 0,
  slots: 8,
  profile: PAPER_PROFILE,
  epoch: 0,
  members: [],
  left: [],
  completed: 0,
  countersResetOn: ['s'],
};

/** A worker's connection, as far as the session can see it, and what its process knows. */
export class Worker implements MemberLink {
  over = false;
  epoch = 0;
  resumed = 0;
  /** Epoch in which it was asked last what its way carries, and its answer. */
  asked = 0;
  path: number | undefined;
  /** Between Resume and the next Membership, or the failure of its operation. */
  runs = false;
  /** The process has ended: it does not connect again. */
  dead = false;
  constructor(
    private readonly world: World,
    readonly rank: number,
    readonly process: string,
    public completed: number,
  ) {}
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
      expect(this.world.record).toMatchObject({ epoch, members: ranks.map((rank) => ({ rank })) });
      expect(epoch).toBeGreaterThan(this.epoch);
      expect(ranks).toContain(this.rank);
      this.epoch = epoch;
      this.runs = false;
    }
    if ('tryPath' in message) {
      // The switch admits its probes.
      expect(message.tryPath.epoch).toBe(this.epoch);
      expect(this.world.written).toEqual({ epoch: this.epoch, members: this.world.record.members });
      this.asked = this.epoch;
      this.path = undefined;
    }
    if ('resume' in message) {
      const { epoch, completed, packetValues } = message.resume;
      this.world.checkSize(epoch, packetValues);
      expect(epoch).toBe(this.epoch);
      expect(epoch).toBeGreaterThan(this.resumed);
      // The tables hold exactly this membership, and each of its members has reported its progress.
      expect(this.world.written).toEqual({ epoch, members: this.world.record.members });
      for (const { rank } of this.world.record.members) expect(this.world.answered.get(rank)).toBe(epoch);
      // Never with fewer members than the job may have.
      expect(this.world.record.members.length).toBeGreaterThanOrEqual(this.world.record.minWorkers);
      // No operation number is handed out twice, as far as any process remembers it.
      const seen = [...this.world.workers.values()].filter(({ over }) => !over).map((worker) => worker.completed);
      expect(completed).toBeGreaterThanOrEqual(Math.max(...seen, this.world.usedUp));
      expect(this.world.record.completed).toBe(completed);
      this.resumed = epoch;
      this.completed = completed;
      this.runs = true;
    }
    // Halts, and takes the number for used up.
    if ('aborted' in message && this.runs && message.aborted.operation === this.completed + 1) {
      this.completed++;
      this.runs = false;
    }
    if ('membersLost' in message) {
      expect(message.membersLost.completed).toBeGreaterThanOrEqual(this.completed);
      expect(message.membersLost.ranks.map(({ rank }) => rank)).not.toContain(this.rank);
      this.dead = true;
      this.world.dismissals++;
    }
  }
  end(): void {
    this.over = true;
  }
}

export class World {
  record_: JobRecord;
  dismissals = 0;
  processes = 0;
  /** What the switch holds. */
  written: JobRecord['active'];
  usedUp = 0;
  readonly violations: unknown[] = [];
  /** Times that an epoch ran with packets of less than the build's size, and that one was left because of it. */
  narrow = 0;
  narrowed = 0;
  /** Limits may have expired since the members were asked. */
  expired = false;
  readonly answered = new Map<number, number>();
  readonly workers = new Map<number, Worker>();
  private writes: (() => void)[] = [];
  session: JobSession;
  /** @param minWorkers of the job */
  constructor(
    minWorkers: number,
    readonly follows: boolean,
  ) {
    this.record_ = { ...NEW_JOB, minWorkers };
    this.session = new JobSession(this.records(), TIMING);
  }

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
      packetSteps: () => STEPS,
    };
  }
  /** The same for all, and the least that any has found. */
  checkSize(epoch: number, packetValues: number): void {
    const largest = STEPS.at(-1)!;
    const members = this.record.members.map(({ rank }) => this.workers.get(rank)!);
    const known = members.map(({ path }) => path ?? 0).filter((values) => this.follows && values > 0);
    expect(packetValues).toBe(Math.min(largest, ...known));
    if (packetValues < largest) this.narrow++;
    if (!this.follows) return;
    for (const each of members) expect(each.asked).toBe(epoch);
    if (!this.expired) expect(members.every(({ path }) => path !== undefined)).toBe(true);
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
