/** A member of a job, on the thread that made it: session, engine and transport. */
import { randomBytes } from 'node:crypto';
import { credentials as grpcCredentials } from '@grpc/grpc-js';
import {
  type AllreduceStats,
  Member,
  type MemberConfig,
  type MemberOutput,
  MemoryInUse,
  MemoryPool,
  Operation,
  describeMissing,
  QuantizedBatch,
  TensorBatch,
  checkQuantizes,
  type Tensors,
} from './allreduce/index.js';
import { QuantizeKernel } from '../arithmetic/index.js';
import { AbortedError, JoinError, MembershipError, type WorkerError } from './errors.js';
import { type AllreduceOptions, type JoinOptions, type Settings, settings } from './options.js';
import { counted } from '../net/count.js';
import { messageBytes } from '../protocol/message.js';
import { guarded } from './guarded.js';
import { membersLostError } from './members-lost.js';
import type { Announcement, ControllerMessage, Welcome } from './session/messages.js';
import { faultOf } from './session/validity.js';
import type { EmitWorkerEvent } from './worker-events.js';
import { formatOfJob, leftError, type WorkerSide, type WorkerState } from './worker-side.js';
import { ControllerSession } from './session/session.js';
import { messagesThatFit } from './transport/buffer-capacity.js';
import { openSocketTowards } from './transport/udp.js';
import type { Transport } from './transport/transport.js';

/** Turns of the event loop that due packets may wait until the socket has no more messages. */
const QUIET_TURNS = 16;
/** Packets that pass the kernel as one message: with fewer in flight, it takes more calls. */
const FEW = 64;

/** What a worker is made of, besides what its program sees. */
export interface LocalOptions extends JoinOptions {
  /** Of the options' `announce`. */
  readonly announcements: readonly Announcement[];
  /** After the description of the transport. */
  readonly placement?: string;
}

export class LocalWorker implements WorkerSide {
  private readonly member: Member;
  private readonly memory = new MemoryPool();
  private readonly memoryInUse = new MemoryInUse();
  /** For operations that quantise. */
  private kernel: QuantizeKernel | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Messages that have arrived. */
  private messages = 0;
  /** When `timer` fires. */
  private wakeAt = Infinity;
  private immediate: NodeJS.Immediate | undefined;
  private ended: WorkerError | undefined;
  private closing: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  private constructor(
    private readonly session: ControllerSession,
    private readonly transport: Transport,
    private readonly options: Readonly<LocalOptions>,
    private readonly limits: Readonly<Settings>,
    private welcome: Welcome,
    private readonly emit: EmitWorkerEvent,
  ) {
    const output: MemberOutput = {
      transmit: (memory, at, length) => transport.send(memory, at, length),
      progress: (message) => session.send({ progress: message }),
      failed: (message) => session.send({ failed: message }),
      submitted: (message) => session.send({ submitted: message }),
      path: (message) => session.send({ path: message }),
      waiting: (waiting) => this.emit('waiting', waiting),
    };
    this.member = new Member(this.memberConfig(), output, now());
    transport.onMessage = (message) => {
      this.messages++;
      const time = now();
      this.member.receive(message, time);
      if (this.ended === undefined) this.arrange(this.member.refill(time), time);
    };
  }

  /** See {@link Worker.join}, which has checked the options. */
  static async join(options: Readonly<LocalOptions>, emit: EmitWorkerEvent): Promise<LocalWorker> {
    const limits = settings(options);
    options.signal?.throwIfAborted();
    const transport = options.transport ?? (await openSocketTowards(options));
    const { localAddress } = transport;
    let worker: LocalWorker | undefined;
    let first: Welcome | undefined;
    /** Another process may take this one's rank and address over; it must not be taken for this one. */
    const identity = randomBytes(16).toString('hex');
    /** Messages that arrived between the welcome and the transport's connection. */
    const early: ControllerMessage[] = [];
    const session = new ControllerSession({
      controller: options.controller,
      credentials: options.credentials ?? grpcCredentials.createInsecure(),
      joinTimeoutMs: limits.joinTimeoutMs,
      hello: () => ({
        job: options.job,
        rank: options.rank,
        ip: localAddress.ip,
        udpPort: localAddress.udpPort,
        mac: options.mac ?? localAddress.mac ?? '',
        switchPort: options.switchPort ?? localAddress.switchPort ?? 0,
        completed: worker?.member.completed ?? 0,
        // After the first assignment, the worker stays at its switch.
        switchName: options.switchName ?? worker?.welcome.switchName ?? '',
        // Of operations that may be over, when it returns.
        announcements: worker === undefined ? [...options.announcements] : [],
        process: identity,
        followsPacketValues: true,
      }),
      onMessage: (message) => {
        if (worker !== undefined) worker.hear(message);
        else if (message.welcome !== undefined) first = message.welcome;
        else early.push(message);
      },
      onBroken: (reason) => worker?.broken(reason),
      onRefused: (error) => void worker?.end(error),
    });
    try {
      await session.open(options.signal);
      if (first === undefined)
        throw new JoinError(`the controller at ${options.controller} did not begin with a welcome`);
      const fault = faultOf({ welcome: first }, options.rank, first.job.workers);
      if (fault !== undefined)
        throw new JoinError(`the controller at ${options.controller} describes what cannot be: ${fault}`);
      await transport.connect(service(first));
      worker = new LocalWorker(session, transport, options, limits, first, emit);
    } catch (error) {
      await session.close();
      await transport.close();
      throw error;
    }
    for (const message of early) worker.hear(message);
    return worker;
  }

  get state(): WorkerState {
    return {
      job: this.welcome.job,
      epoch: this.member.epoch,
      ranks: this.member.ranks,
      completed: this.member.completed,
      packetValues: this.member.packetValues,
      transportDescription: this.transportDescription,
    };
  }

  private get transportDescription(): string {
    const { transport, options } = this;
    const { bufferBytes = Infinity } = transport;
    const maxInFlight = this.maxInFlight(this.member.packetValues);
    const few =
      maxInFlight < FEW && maxInFlight < this.welcome.job.slots
        ? `, at most ${counted(maxInFlight, 'packet')} in flight (buffers of ${Math.round(bufferBytes / 1024)} KiB; raise net.core.rmem_max and wmem_max)`
        : '';
    return `${transport.description}${options.placement ?? ''}${few}`;
  }

  /** With more, results could arrive for which the socket has no space. */
  private maxInFlight(valuesPerPacket: number): number {
    const { bufferBytes } = this.transport;
    return bufferBytes === undefined
      ? this.welcome.job.slots
      : messagesThatFit(bufferBytes, messageBytes(valuesPerPacket));
  }

  get closed(): boolean {
    return this.ended !== undefined;
  }

  async allreduce(tensors: Tensors, options: Readonly<AllreduceOptions> = {}): Promise<AllreduceStats> {
    if (this.ended !== undefined) throw this.ended;
    const batch = this.batchOf(tensors, options);
    const { signal } = options;
    this.memoryInUse.claim(batch.tensors);
    return await new Promise<AllreduceStats>((resolve, reject) => {
      const settled = () => {
        signal?.removeEventListener('abort', cancel);
        this.memoryInUse.release(batch.tensors);
        // The member removes the operation from its queue only after this.
        queueMicrotask(() => this.checkIdle());
      };
      const operation = new Operation(batch, now(), {
        resolve: (result) => {
          settled();
          const stats = { ...result, transport: this.transportDescription };
          const { partial } = stats;
          // Later: a listener's exception must not stop the member halfway.
          if (partial !== undefined) queueMicrotask(() => this.emit('partial', { ...stats, partial }));
          resolve(stats);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
        onProgress: guarded(options.onProgress),
      });
      const cancel = () => {
        this.member.cancel(
          operation,
          new AbortedError('the operation was cancelled by its caller', { cause: signal!.reason }),
          now(),
        );
        this.advance();
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.member.submit(operation, now());
      if (signal?.aborted) cancel();
      this.advance();
    });
  }

  leave(): Promise<void> {
    this.closing ??= (async () => {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
        this.checkIdle();
      });
      await this.finish(undefined);
    })();
    return this.closing;
  }

  async close(): Promise<void> {
    await this.end(undefined);
  }

  private batchOf(tensors: Tensors, { op = 'sum', quantize = false }: Readonly<AllreduceOptions>): TensorBatch {
    const { job } = this.welcome;
    const format = formatOfJob(job);
    if (!quantize) return new TensorBatch(tensors, op, format, this.memory);
    checkQuantizes(job.name, format);
    this.kernel ??= QuantizeKernel.create();
    const { rank } = this.options;
    return new QuantizedBatch(tensors, op, { rank, workers: job.workers, kernel: this.kernel }, this.memory);
  }

  private hear(message: ControllerMessage): void {
    if (this.ended !== undefined) return;
    const fault = faultOf(message, this.options.rank, this.welcome.job.workers, packetStepsOf(this.welcome));
    if (fault !== undefined) {
      const text = `the controller at ${this.options.controller} announces what cannot be: ${fault}`;
      void this.end(new MembershipError(text));
      return;
    }
    if (message.welcome !== undefined) void this.welcomed(message.welcome);
    else if (message.membership !== undefined) {
      this.member.membership(message.membership, now());
      this.emit('membership', message.membership);
    } else if (message.resume !== undefined) {
      this.member.resume(message.resume, now());
      this.emit('resumed', { ...message.resume, ranks: this.member.ranks });
    } else if (message.tryPath !== undefined) {
      this.member.tryPath(message.tryPath, now());
    } else if (message.aborted !== undefined) {
      this.member.aborted(message.aborted, now());
    } else if (message.submitted !== undefined) {
      this.member.submitted(message.submitted);
    } else if (message.attendance !== undefined) {
      this.member.attendance(message.attendance);
      if (message.attendance.note !== '') this.emit('notice', message.attendance.note);
    } else if (message.missing !== undefined) {
      const { ranks, waitMs } = message.missing;
      this.member.missing(message.missing, now());
      this.emit('missing', { ranks, waitMs, reason: describeMissing(ranks) });
    } else if (message.membersLost !== undefined) {
      this.member.membersLost(message.membersLost, now());
      void this.end(membersLostError(message.membersLost, this.welcome.job));
    }
    this.advance();
  }

  /** The connection is back. The controller's description of the job may have changed. */
  private async welcomed(welcome: Welcome): Promise<void> {
    this.welcome = welcome;
    this.member.connected(this.memberConfig(), now());
    this.emit('reconnected');
    try {
      await this.transport.connect(service(welcome));
    } catch (error) {
      await this.end(error as WorkerError);
    }
  }

  private broken(reason: string): void {
    this.member.disconnected(now());
    this.emit('disconnected', reason);
    this.advance();
  }

  private memberConfig(): MemberConfig {
    const { welcome, limits } = this;
    return {
      job: welcome.job.number,
      workers: welcome.job.workers,
      rank: this.options.rank,
      slots: welcome.job.slots,
      slotBase: welcome.job.slotBase,
      valuesPerPacket: welcome.valuesPerPacket,
      packetSteps: packetStepsOf(welcome),
      burst: limits.burst,
      maxInFlight: (valuesPerPacket) => this.maxInFlight(valuesPerPacket),
      rto: limits.rto,
      patience: { timeoutMs: limits.timeoutMs, membershipTimeoutMs: limits.membershipTimeoutMs },
      switchAddress: `${welcome.serviceIp}:${welcome.serviceUdpPort}`,
      transportNote: () => this.transport.note(),
    };
  }

  /** Does what is due and arranges to be called again. */
  private advance(): void {
    if (this.ended !== undefined) return;
    const time = now();
    this.arrange(this.member.advance(time), time);
  }

  /** Arranges for {@link advance} to be called at `due`. */
  private arrange(due: number, time: number): void {
    if (due <= time) this.whenQuiet(QUIET_TURNS);
    else if (due < this.wakeAt) {
      clearTimeout(this.timer);
      this.wakeAt = due;
      this.timer = setTimeout(() => {
        this.wakeAt = Infinity;
        this.whenQuiet(QUIET_TURNS);
      }, due - time);
    }
  }

  /**
   * Advances when the socket has nothing more to read. Timers run before sockets in a turn of the event
   * loop, so after a pause of the process every packet whose result waits to be read would seem lost.
   */
  private whenQuiet(turns: number): void {
    const before = this.messages;
    this.immediate ??= setImmediate(() => {
      this.immediate = undefined;
      if (this.messages !== before && turns > 0) this.whenQuiet(turns - 1);
      else this.advance();
    });
  }

  private checkIdle(): void {
    if (this.idle !== undefined && (this.member.pending === 0 || this.ended !== undefined)) this.idle();
  }

  private end(error: WorkerError | undefined): Promise<void> {
    this.closing = this.finish(error);
    return this.closing;
  }

  private async finish(error: WorkerError | undefined): Promise<void> {
    if (this.ended !== undefined) return;
    const farewell = this.member.farewell();
    this.ended = error ?? leftError(this.options);
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    this.member.close(this.ended);
    this.checkIdle();
    if (error === undefined) {
      if (farewell !== undefined) this.session.send({ progress: farewell });
      await this.session.leave();
    } else await this.session.close();
    await this.transport.close();
    this.emit('closed', error);
  }
}

function service(welcome: Welcome): { ip: string; udpPort: number; mac?: string } {
  const { serviceIp, serviceUdpPort, serviceMac } = welcome;
  return { ip: serviceIp, udpPort: serviceUdpPort, ...(serviceMac === '' ? {} : { mac: serviceMac }) };
}

function packetStepsOf({ packetSteps, valuesPerPacket }: Welcome): readonly number[] {
  return packetSteps.length > 0 ? packetSteps : [valuesPerPacket];
}

/** Milliseconds of the monotonic clock. */
function now(): number {
  return performance.now();
}
