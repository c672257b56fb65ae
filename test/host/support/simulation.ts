/**
 * Workers, a network, a switch and a controller in virtual time. Packets are lost, doubled and delayed
 * by a seed; control messages arrive in order, after a delay. Every sum that a worker returns is
 * checked element by element for who is in it and how often.
 */
import { Member } from '../../../host/allreduce/member.js';
import { Operation, type OperationResult } from '../../../host/allreduce/operation.js';
import { DEFAULT_RTO } from '../../../host/transport/rto.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import { AbortedError, type WorkerError } from '../../../host/errors.js';
import type { ControllerMessage } from '../../../host/session/messages.js';
import { Random } from '../../../net/random.js';
import { messageBytes } from '../../../protocol/message.js';
import { Agenda } from './agenda.js';
import { ModelController } from './model-controller.js';
import { ModelSwitch } from './model-switch.js';
import type { Event, Scenario } from './scenario.js';
import { fillContribution, sumProblem } from './sums.js';

export interface Settled {
  rank: number;
  number: number;
  stats?: OperationResult;
  error?: WorkerError;
  worker: { readonly crashed: boolean };
}

const JOB = 7;
const SLOT_BASE = 5;
/** Virtual time after which a run has hung. */
const PATIENCE_MS = 3_600_000;

class Worker {
  readonly member: Member;
  wakeAt = Infinity;
  alive = true;
  connected = true;
  leaving = false;
  crashed = false;
  numbered = false;
  next = 1;
  readonly open: Operation[] = [];
  /** Order of control messages in both directions. */
  lastIn = 0;
  lastOut = 0;

  constructor(
    readonly rank: number,
    sim: Simulation,
  ) {
    const { slots, valuesPerPacket, packetSteps } = sim.scenario;
    this.member = new Member(
      {
        job: JOB,
        workers: sim.scenario.workers,
        rank,
        slots,
        valuesPerPacket,
        ...(packetSteps !== undefined && { packetSteps }),
        burst: 4,
        firstChunk: sim.scenario.firstChunk ?? 0,
        rto: DEFAULT_RTO,
        patience: { timeoutMs: sim.scenario.timeoutMs ?? 120_000, membershipTimeoutMs: 300_000 },
        slotBase: SLOT_BASE,
        switchAddress: 'model',
      },
      {
        transmit: (memory, at, length) => sim.toSwitch(this, memory.subarray(at, at + length)),
        progress: (message) => sim.toController(this, () => sim.controller.progress(rank, message)),
        failed: (message) => sim.toController(this, () => sim.controller.failed(rank, message)),
        submitted: (message) => sim.toController(this, () => sim.controller.submitted(rank, message)),
        path: (message) => sim.toController(this, () => sim.controller.path(rank, message)),
        waiting: () => undefined,
      },
      sim.now,
    );
  }
}

export class Simulation {
  now = 0;
  readonly settled: Settled[] = [];
  readonly problems: string[] = [];
  readonly controller: ModelController;
  private readonly modelSwitch: ModelSwitch;
  private readonly agenda = new Agenda();
  private readonly random: Random;
  private readonly workers = new Map<number, Worker>();
  /** The processes that were the members of an epoch: a rank may be taken up again by another. */
  private readonly processes = new Map<number, readonly Worker[]>();

  constructor(readonly scenario: Scenario) {
    this.random = new Random(scenario.seed);
    this.modelSwitch = new ModelSwitch(scenario.valuesPerPacket, 'fp32', scenario.mutation, scenario.packetSteps);
    this.controller = new ModelController({
      workers: scenario.workers,
      ...(scenario.packetSteps !== undefined && { steps: scenario.packetSteps }),
      send: (rank, message) => this.toWorker(rank, message),
      install: (epoch, ranks) => {
        this.processes.set(
          epoch,
          ranks.map((rank) => this.workers.get(rank)!),
        );
        this.modelSwitch.install({ job: JOB, epoch, ranks, slotBase: SLOT_BASE, slots: scenario.slots });
      },
    });
  }

  /** Runs to the end; errors are in `problems`. */
  run(): this {
    for (let rank = 0; rank < this.scenario.workers; rank++) this.join(rank);
    for (const event of this.scenario.events) this.at(event.at, () => this.apply(event));
    this.at(this.lastEvent() + 1, () => undefined);
    while (!this.agenda.empty && !this.done()) {
      const next = this.agenda.take();
      this.now = Math.max(this.now, next.at);
      if (this.now > PATIENCE_MS) {
        this.problems.push('hung');
        break;
      }
      next.run();
    }
    if (!this.done() && this.problems.length === 0) this.problems.push('nothing left to do, but operations are open');
    this.checkAgreement();
    return this;
  }

  successes(): Settled[] {
    return this.settled.filter((one) => one.stats !== undefined);
  }

  failures(): Settled[] {
    return this.settled.filter((one) => one.error !== undefined);
  }

  toSwitch(worker: Worker, packet: Uint8Array): void {
    if (!this.carries(worker.rank, 'up', packet)) return;
    this.network(packet, (copy) => {
      for (const { rank, message } of this.modelSwitch.handle(worker.rank, copy)) {
        if (!this.carries(rank, 'down', message)) continue;
        this.network(message, (result) => {
          const receiver = this.workers.get(rank);
          if (receiver?.alive) {
            receiver.member.receive(result, this.now);
            this.step(receiver, receiver.member.refill(this.now));
          }
        });
      }
    });
  }

  toController(worker: Worker, run: () => void): void {
    if (!worker.connected) return;
    worker.lastOut = Math.max(worker.lastOut, this.now + this.random.fraction() * 3);
    this.at(worker.lastOut, () => {
      // A stream that has ended, or a process that has been replaced, brings nothing more.
      if (this.workers.get(worker.rank) === worker && worker.connected) run();
    });
  }

  private toWorker(rank: number, message: ControllerMessage): void {
    const worker = this.workers.get(rank);
    if (worker === undefined) return;
    worker.lastIn = Math.max(worker.lastIn, this.now + this.random.fraction() * 3);
    this.at(worker.lastIn, () => {
      if (!worker.alive || !worker.connected) return;
      if (message.membership) worker.member.membership(message.membership, this.now);
      if (message.tryPath) worker.member.tryPath(message.tryPath, this.now);
      if (message.resume) {
        worker.member.resume(message.resume, this.now);
        // A new process takes up the job's numbering; later ones keep the order of their calls.
        if (!worker.numbered) worker.next = worker.member.completed + 1;
        worker.numbered = true;
        this.submit(worker);
      }
      if (message.aborted) worker.member.aborted(message.aborted, this.now);
      if (message.submitted) worker.member.submitted(message.submitted);
      this.step(worker);
    });
  }

  private apply(event: Event): void {
    if (event.kind === 'switch-restart') {
      this.modelSwitch.restart();
      this.modelSwitch.install(undefined);
      this.at(this.now + 5, () => this.controller.raise('switch restarted'));
      return;
    }
    const worker = this.workers.get(event.rank);
    if (event.kind === 'join') {
      if (worker === undefined || !worker.alive) this.join(event.rank);
      return;
    }
    // A job that never had all its workers waits for them forever, as it should.
    if (!this.controller.begun) return;
    // The last member stays, so that there is always a member for which the run must succeed.
    if (!worker?.alive || (event.kind !== 'cancel' && this.alive().length === 1)) return;
    if (event.kind === 'leave') {
      worker.leaving = true;
      this.leaveWhenIdle(worker);
    } else if (event.kind === 'crash') {
      worker.alive = false;
      worker.crashed = true;
      this.at(this.now + this.random.fraction() * 5, () => this.lost(worker));
    } else if (event.kind === 'disconnect') {
      if (!worker.connected) return;
      worker.connected = false;
      worker.member.disconnected(this.now);
      this.at(this.now + this.random.fraction() * 20, () => this.lost(worker));
      this.at(this.now + 20 + this.random.fraction() * 200, () => {
        if (!worker.alive) return;
        worker.connected = true;
        worker.member.connected(
          { ...(worker.member as unknown as { config: ConstructorParameters<typeof Member>[0] }).config },
          this.now,
        );
        this.controller.hello(worker.rank, worker.member.completed);
        this.step(worker);
      });
    } else {
      const operation = worker.open.at(-1);
      if (operation !== undefined) worker.member.cancel(operation, new AbortedError('cancelled'), this.now);
      this.step(worker);
    }
  }

  private join(rank: number): void {
    const worker = new Worker(rank, this);
    this.workers.set(rank, worker);
    this.toController(worker, () => this.controller.hello(rank, 0));
  }

  private lost(worker: Worker): void {
    if (this.workers.get(worker.rank) === worker) this.controller.lost(worker.rank);
  }

  private leaveWhenIdle(worker: Worker): void {
    if (worker.open.length > 0) return;
    if (this.alive().length === 1 || !worker.connected) {
      worker.leaving = false;
      return;
    }
    const farewell = worker.member.farewell();
    this.toController(worker, () => {
      if (farewell !== undefined) this.controller.progress(worker.rank, farewell);
      this.controller.lost(worker.rank);
    });
    worker.alive = false;
  }

  private submit(worker: Worker): void {
    const { operations, concurrency } = this.scenario;
    while (worker.alive && !worker.leaving && worker.open.length < concurrency && worker.next <= operations.length) {
      const number = worker.next++;
      const tensors = operations[number - 1]!.map((length) => new Float32Array(length));
      fillContribution(tensors, worker.rank, number, this.scenario.workers);
      const input = tensors.map((tensor) => tensor.slice());
      const operation: Operation = new Operation(new TensorBatch(tensors, 'sum', 'fp32'), this.now, {
        resolve: (stats) => this.end(worker, operation, number, { rank: worker.rank, number, stats, worker }, tensors),
        reject: (error) => {
          if (tensors.some((tensor, t) => tensor.some((value, i) => value !== input[t]![i]))) {
            this.problems.push(`operation ${number} failed at rank ${worker.rank} and did not give the input back`);
          }
          this.end(worker, operation, number, { rank: worker.rank, number, error, worker }, tensors);
        },
      });
      worker.open.push(operation);
      worker.member.submit(operation, this.now);
    }
  }

  private end(
    worker: Worker,
    operation: Operation,
    number: number,
    settled: Settled,
    tensors: readonly Float32Array[],
  ): void {
    this.settled.push(settled);
    if (settled.stats) {
      const { workers } = this.scenario;
      const ranks = this.controller.history.get(settled.stats.epoch);
      const problem = sumProblem({ rank: worker.rank, number, stats: settled.stats, ranks, workers }, tensors);
      if (problem !== undefined) this.problems.push(problem);
    }
    worker.open.splice(worker.open.indexOf(operation), 1);
    this.at(this.now + this.random.fraction() * 2, () => {
      if (!worker.alive) return;
      if (worker.leaving) this.leaveWhenIdle(worker);
      this.submit(worker);
      this.step(worker);
    });
  }

  /**
   * All workers that completed an operation did so in one epoch, so they hold one sum. Two exceptions,
   * which no protocol of this kind could avoid: what crashed processes alone knew is lost with them if
   * the others are newcomers; and when those who know vanish from the controller's sight, the others go
   * on without them.
   */
  private checkAgreement(): void {
    const { events } = this.scenario;
    const vanishing = events.filter(({ kind }) => kind === 'disconnect' || kind === 'crash' || kind === 'leave');
    const newcomers = events.some(({ kind }) => kind === 'join');
    if (vanishing.some(({ kind }) => kind === 'disconnect') && (vanishing.length > 1 || newcomers)) return;
    const epochs = new Map<number, number>();
    for (const { rank, number, stats, worker } of this.successes()) {
      const witnesses = this.processes.get(stats!.epoch)!.some((process) => !process.crashed);
      if (worker.crashed && !witnesses) continue;
      const epoch = epochs.get(number) ?? stats!.epoch;
      epochs.set(number, epoch);
      if (epoch !== stats!.epoch)
        this.problems.push(`rank ${rank} has operation ${number} of epoch ${stats!.epoch}, another of ${epoch}`);
    }
  }

  private step(worker: Worker, due = worker.alive ? worker.member.advance(this.now) : Infinity): void {
    if (!worker.alive) return;
    const at = due <= this.now ? this.now + 0.01 : due;
    if (at >= worker.wakeAt && worker.wakeAt > this.now) return;
    worker.wakeAt = at;
    if (at < Infinity) {
      this.at(at, () => {
        if (worker.wakeAt === at) {
          worker.wakeAt = Infinity;
          this.step(worker);
        }
      });
    }
  }

  private network(packet: Uint8Array, arrive: (packet: Uint8Array) => void): void {
    const { loss, duplication, maxDelayMs } = this.scenario;
    const copies = this.random.fraction() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.random.fraction() < loss) continue;
      const copy = packet.slice();
      this.at(this.now + 0.05 + this.random.fraction() ** 3 * maxDelayMs, () => arrive(copy));
    }
  }

  private carries(rank: number, way: 'up' | 'down', message: Uint8Array): boolean {
    const { paths = [] } = this.scenario;
    const latest = paths.findLast((path) => path.rank === rank && path.at <= this.now);
    return (
      latest === undefined ||
      (latest.way !== 'both' && latest.way !== way) ||
      message.length <= messageBytes(latest.values)
    );
  }

  private alive(): Worker[] {
    return [...this.workers.values()].filter((worker) => worker.alive);
  }

  private done(): boolean {
    const { operations } = this.scenario;
    return (
      this.now > this.lastEvent() &&
      this.alive().every((worker) => worker.open.length === 0 && worker.next > operations.length)
    );
  }

  /** When the last event has had its consequences, the return of a lost session included. */
  private lastEvent(): number {
    return Math.max(0, ...this.scenario.events.map((event) => event.at + 250));
  }

  private at(at: number, run: () => void): void {
    this.agenda.add(at, run);
  }
}
