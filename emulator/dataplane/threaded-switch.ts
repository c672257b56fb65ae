import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Control } from '../control.js';
import { compileAside } from '../compiler/cache.js';
import { EmulatorError } from '../errors.js';
import type { FaultOptions } from '../faults.js';
import { threadArguments } from '../../net/thread-arguments.js';
import { identityOf } from '../json/identity.js';
import type { Device, PreparedProgram } from '../p4runtime/device.js';
import { PortError } from '../ports/port.js';
import type { PortSpec } from '../ports/port-spec.js';
import { answer } from './calls.js';
import { ControlBlock, COUNTS, WORD, type Count } from './control-block.js';
import { DataPlaneError } from './data-plane-error.js';
import { MainLock } from './lock.js';
import { regionBytes } from './packet-loop.js';
import type { PacketThreadData, ToMain, ToPackets } from './messages.js';
import { ProgramHost } from './program-host.js';
import { DEFAULT_CPU_PORT, DEFAULT_MAX_PASSES, DEFAULT_QUEUES_PER_PORT, DEFAULT_DROP_PORT } from '../limits.js';

export interface ThreadedSwitchOptions {
  /** Default 510. */
  readonly cpuPort?: number;
  /** Default 511. */
  readonly dropPort?: number;
  /** Seed of random(). */
  readonly seed?: number;
  /** Faults injected at all ports. */
  readonly faults?: Omit<FaultOptions, 'scheduler'>;
  /** Whether UDP ports use node:dgram and an event loop even where the kernel's batches can be used. Default false. */
  readonly portable?: boolean;
  /** Called with errors that abort one packet; the switch continues. */
  readonly onError?: (error: EmulatorError, port: number) => void;
  /** Texts of log_msg. */
  readonly onLog?: (text: string) => void;
  /** Called once if the switch cannot continue. */
  readonly onFailure?: (error: DataPlaneError) => void;
  /** Starts the thread other than from the file next to this one, as tests of the sources must. */
  readonly startThread?: (data: PacketThreadData) => Worker;
  /** Called with the reason if a program cannot be compiled: it stays interpreted, and slow. */
  readonly onInterpreted?: (why: string) => void;
  /** Folder where compiled programs are cached across processes; see defaultCacheFolder. Default: no cache. */
  readonly cacheFolder?: string;
}

interface Prepared extends PreparedProgram {
  readonly host: ProgramHost;
}

/** What is written to an eventfd to wake its reader. */
const ONE = new Uint8Array(BigUint64Array.of(1n).buffer);
/** For packets of interpreted programs, and for the sockets of each port until a program is compiled. */
const ARENA_BYTES = 16 * 1024 * 1024;

/**
 * A switch whose packets run compiled on a separate thread while this thread serves its control plane. Both work on one
 * memory, under a lock that the packet thread releases after each batch. For rare operations the packet thread calls
 * this thread and waits for it. Until a program is compiled its packets are interpreted here.
 */
export class ThreadedSwitch implements Device {
  readonly cpuPort: number;
  private readonly dropPort: number;
  private readonly block = new ControlBlock();
  private arena = new SharedArrayBuffer(0);
  /** Wakes the packet thread, if it needs that. */
  private wakeUpFd: number | undefined;
  private readonly lock: MainLock;
  private readonly programs = new Map<number, ProgramHost>();
  private readonly packetIns = new Set<(bytes: Uint8Array) => void>();
  private readonly clockStart = process.hrtime.bigint();
  private prepared = 0;
  private active: ProgramHost | undefined;
  private worker: Worker | undefined;
  private closing = false;
  private failure: DataPlaneError | undefined;
  private compiling: Promise<void> = Promise.resolve();
  /** By number of a program: ends the wait for the packet thread to run it compiled. */
  private readonly waiting = new Map<number, () => void>();

  constructor(private readonly options: ThreadedSwitchOptions = {}) {
    this.cpuPort = options.cpuPort ?? DEFAULT_CPU_PORT;
    this.dropPort = options.dropPort ?? DEFAULT_DROP_PORT;
    this.lock = new MainLock(this.block, () => this.answer());
  }

  /** The control of the current program. @throws EmulatorError EMULATOR_NO_PROGRAM */
  get control(): Control {
    if (this.active === undefined) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded yet');
    return this.active.control;
  }

  /** What happened to packets so far. */
  get statistics(): Readonly<Record<Count, number>> {
    return Object.fromEntries(COUNTS.map((name, i) => [name, this.block.counts[i]!])) as Record<Count, number>;
  }

  /**
   * Opens the ports and starts the thread. Programs can be prepared and activated before.
   * @returns where each port is: HOST:UDPPORT, or the name of its interface
   * @throws PortError
   */
  async open(ports: readonly PortSpec[]): Promise<ReadonlyMap<number, string>> {
    const taken = ports.find(({ number }, i) => ports.some((other, j) => j < i && other.number === number));
    if (taken !== undefined)
      throw new PortError('EMULATOR_PORT_DUPLICATE', taken.number, 'the switch already has a port with this number');
    const { faults, portable } = this.options;
    this.arena = new SharedArrayBuffer(ARENA_BYTES + ports.reduce((sum, port) => sum + regionBytes(port) + 64, 0));
    const data: PacketThreadData = {
      control: this.block.buffer,
      arena: this.arena,
      clockStart: this.clockStart,
      cpuPort: this.cpuPort,
      ports,
      ...(faults !== undefined && { faults }),
      ...(portable !== undefined && { portable }),
    };
    const worker = (this.worker = (this.options.startThread ?? startThread)(data));
    if (this.active !== undefined) this.run(this.active);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: ToMain) => {
        if (message.kind === 'open') {
          this.wakeUpFd = message.wakeUpFd;
          resolve(message.places);
        } else if (message.kind === 'refused') {
          this.closing = true;
          reject(new PortError(message.code, message.port, message.message));
        } else this.hear(message);
      });
      worker.on('error', (error) => reject(this.fail(error.message)));
      worker.on('exit', (code) => {
        if (!this.closing) reject(this.fail(`exit code ${code}`));
      });
    });
  }

  prepare(program: Uint8Array): Prepared {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(program);
    const { block, dropPort, options } = this;
    const host = new ProgramHost(json, this.prepared++, block, this.lock, {
      dropPort,
      maxPasses: DEFAULT_MAX_PASSES,
      queuesPerPort: DEFAULT_QUEUES_PER_PORT,
      seed: options.seed ?? 1,
      clock: () => Number((process.hrtime.bigint() - this.clockStart) / 1000n),
      onLog: options.onLog ?? (() => {}),
      onDrop: (where) =>
        block.count(
          (
            {
              ingress: 'droppedInIngress',
              egress: 'droppedInEgress',
              queue: 'droppedInQueue',
              passes: 'droppedForPasses',
            } as const
          )[where],
        ),
      arena: () => new Uint8Array(this.arena),
    });
    return { control: host.control, host, betweenPackets: (task) => this.lock.hold(task) };
  }

  activate(program: PreparedProgram): void {
    const { host } = program as Partial<Prepared>;
    if (host === undefined)
      throw new EmulatorError('EMULATOR_NO_PROGRAM', 'the program was prepared by another device');
    this.active = host;
    if (this.worker !== undefined) this.run(host);
  }

  /**
   * Resolves when the current program runs compiled, stays interpreted because it cannot be compiled, or no longer runs
   * because the thread has ended.
   */
  ready(): Promise<void> {
    return this.compiling;
  }

  packetOut(bytes: Uint8Array): void {
    this.send({ kind: 'packetOut', bytes });
  }

  onPacketIn(listener: (bytes: Uint8Array) => void): () => void {
    this.packetIns.add(listener);
    return () => this.packetIns.delete(listener);
  }

  async close(): Promise<void> {
    const { worker } = this;
    if (worker === undefined || this.failure !== undefined || this.closing) return;
    this.closing = true;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.send({ kind: 'close' });
    // The thread closes the descriptor, and its number may be reused for another file.
    this.wakeUpFd = undefined;
    await ended;
    for (const number of this.waiting.keys()) this.noLongerWaiting(number);
  }

  /** Packets are interpreted until the program is compiled. */
  private run(host: ProgramHost): void {
    // The last program of the map is the one that is to run.
    this.programs.delete(host.number);
    this.programs.set(host.number, host);
    if (host.code === undefined) this.send({ kind: 'program', number: host.number });
    this.compiling = this.compile(host).catch((error: Error) => this.options.onInterpreted?.(error.message));
    void this.compiling;
  }

  private async compile(host: ProgramHost): Promise<void> {
    const { program } = host.state;
    const artifact =
      host.code === undefined
        ? await compileAside(program, identityOf(program), this.dropPort, this.options.cacheFolder)
        : undefined;
    if (this.active !== host || this.closing || this.failure !== undefined) return;
    const code = host.code ?? this.lock.hold(() => host.compile(artifact!));
    const running = new Promise<void>((resolve) => this.waiting.set(host.number, resolve));
    this.send({ kind: 'program', number: host.number, code });
    await running;
  }

  private send(message: ToPackets): void {
    if (this.failure !== undefined) throw this.failure;
    this.worker?.postMessage(message);
    Atomics.add(this.block.words, WORD.mailbox, 1);
    if (this.wakeUpFd !== undefined && Atomics.load(this.block.words, WORD.idle) === 1) writeSync(this.wakeUpFd, ONE);
  }

  private hear(message: Exclude<ToMain, { kind: 'open' | 'refused' }>): void {
    switch (message.kind) {
      case 'call':
        this.answer();
        break;
      case 'running':
        for (const number of this.programs.keys()) {
          if (number === message.number) break;
          this.programs.delete(number);
        }
        if (message.compiled) this.noLongerWaiting(message.number);
        break;
      case 'packetIn':
        for (const listener of this.packetIns) listener(message.bytes);
        break;
      case 'gaveUp':
        this.options.onError?.(new EmulatorError(message.code, message.message), message.port);
        break;
    }
  }

  private answer(): void {
    answer(this.block, (program, name) => this.programs.get(program)!.callee(name));
  }

  private noLongerWaiting(number: number): void {
    this.waiting.get(number)?.();
    this.waiting.delete(number);
  }

  private fail(problem: string): DataPlaneError {
    if (this.failure === undefined) {
      this.failure = new DataPlaneError(problem);
      for (const number of this.waiting.keys()) this.noLongerWaiting(number);
      this.options.onFailure?.(this.failure);
    }
    return this.failure;
  }
}

function startThread(data: PacketThreadData): Worker {
  return new Worker(new URL('./packet-thread.js', import.meta.url), {
    workerData: data,
    name: 'packets',
    execArgv: threadArguments(),
  });
}
