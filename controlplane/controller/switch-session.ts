/** One switch: connected, programmed, and kept that way. */
import { EVENTS_PER_JOB } from '../../protocol/constants.js';
import { SwitchNotReadyError } from '../errors.js';
import type { SwitchPhase, SwitchProgram } from '../messages.js';
import { P4RuntimeClient } from '../p4runtime/client.js';
import type { Role } from '../p4runtime/election.js';
import type { TlsOptions } from '../p4runtime/credentials.js';
import { modify, type UpdateInput } from '../p4runtime/entries.js';
import type { PipelineConfig } from '../p4runtime/pipeline.js';
import { entryIdentity } from '../p4runtime/entity-codec.js';
import { BuildFit } from './build-fit.js';
import { ElectionIds } from './election-ids.js';
import { desiredSwitch, memberEntries, type DesiredSwitch } from './desired.js';
import { jobsOn } from './jobs.js';
import type { Log } from './log.js';
import { difference, readSwitch, type ActualSwitch } from './reconcile.js';
import { highestMemberEpoch, stampIn, stampOf, type Stamp } from './stamp.js';
import type { ControllerState, JobRecord, SwitchConfig } from './state.js';

/** What a switch session needs from its controller. */
export interface SwitchRecords {
  state(): ControllerState;
  config(): SwitchConfig;
  pipeline(): PipelineConfig;
  /** These jobs' tables or registers are gone from the switch. The remaining stored state is then written. */
  jobsLost(jobs: readonly JobRecord[]): void;
  /** Switch and store are of different times: epochs up to this one may be in the switch's registers. */
  timesDiffer(epoch: number): void;
  /** The event counters of these jobs are zero now. */
  countersReset(jobs: readonly JobRecord[]): void;
}

export interface SwitchTiming {
  /** Milliseconds between checks of an idle switch: whether it answers and still runs the pipeline. */
  readonly pollMs: number;
  /** Milliseconds before a failed write is tried again. */
  readonly retryMs: number;
  readonly log: Log;
  readonly tls?: TlsOptions;
}

/** The lower half of a cookie is the store's id, the upper one the build's hash (artifacts.ts). */
const STORE_ID_BITS = 32n;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SwitchSession {
  readonly client: P4RuntimeClient;
  private state_: SwitchPhase = 'connecting';
  private detail_ = '';
  /** Callers of {@link program} whose change is not yet part of a finished run. */
  private waiters: Waiter[] = [];
  private running = false;
  /** A run was requested during another one, which may have read the state too early. */
  private again = false;
  /** The next run is the first on this connection: the switch may have lost everything in the meantime. */
  private fresh = true;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** The pipeline was in place on this switch before, since the controller started. */
  private programmed = false;
  /** How often it was missing and was pushed again. */
  private restored_ = 0;
  /** The stamp that was last written, according to the store at the start and to this session afterwards. */
  private left: Stamp;
  /** The stamp of a write that broke off: the switch has this one or {@link left}. */
  private attempted: Stamp | undefined;
  private fit_: { readonly pipeline: PipelineConfig; readonly fit: BuildFit } | undefined;

  constructor(
    private readonly records: SwitchRecords,
    private readonly timing: SwitchTiming,
  ) {
    const { address, deviceId } = records.config();
    this.left = this.stamp();
    this.client = new P4RuntimeClient({
      address,
      deviceId,
      electionId: new ElectionIds(records.state().storeId),
      ...(timing.tls && { tls: timing.tls }),
    });
    this.client.on('connected', (role) => this.connected(role));
    this.client.on('role', (role) => this.connected(role));
    this.client.on('disconnected', (error) => {
      this.fresh = true;
      this.become('unreachable', error.message);
    });
    this.client.on('attemptFailed', (error) => this.become('unreachable', error.message));
  }

  get state(): SwitchPhase {
    return this.state_;
  }

  get detail(): string {
    return this.detail_;
  }

  /** How often this controller found its program missing from the switch and pushed it again. */
  get restored(): number {
    return this.restored_;
  }

  /** The build that the switch should run; empty when it cannot be loaded. */
  get build(): string {
    try {
      return this.records.pipeline().name;
    } catch {
      return '';
    }
  }

  /** Optional tables and counters that the build does not have. */
  get absent(): readonly string[] {
    try {
      return this.fit.absent;
    } catch {
      return [];
    }
  }

  /** See {@link BuildFit}. */
  get eventCounters(): readonly string[] {
    try {
      return this.fit.eventCounters;
    } catch {
      return [];
    }
  }

  /** What the switch runs at this moment; undefined when it does not answer. A backup may read it as well. */
  async runningProgram(): Promise<SwitchProgram | undefined> {
    if (this.client.state !== 'primary' && this.client.state !== 'backup') return undefined;
    try {
      const wanted = this.records.pipeline().cookie;
      const present = (await this.client.getPipeline('COOKIE_ONLY'))?.cookie?.cookie;
      if (present === undefined) return 'none';
      if (present === wanted) return 'own';
      return present >> STORE_ID_BITS === wanted >> STORE_ID_BITS ? 'same-build' : 'other';
    } catch {
      return undefined;
    }
  }

  start(): void {
    this.client.start();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.client.close();
    const error = new SwitchNotReadyError('the controller stopped');
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  /** Resolves when the switch holds the state as it was stored at the time of the call, or a later one. */
  program(): Promise<void> {
    if (this.stopped) return Promise.reject(new SwitchNotReadyError('the controller stopped'));
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.kick();
    });
  }

  /** @throws SwitchNotReadyError saying why */
  requireReady(): P4RuntimeClient {
    if (this.state === 'ready') return this.client;
    const { name, address } = this.records.config();
    throw new SwitchNotReadyError(
      `switch "${name}" at ${address} is ${this.state}${this.detail ? `: ${this.detail}` : ''}`,
    );
  }

  private connected({ primary, primaryId }: Role): void {
    if (primary) return this.kick();
    // Until it is primary again, another one may do as it likes with the switch.
    this.fresh = true;
    this.become(
      'backup',
      primaryId === 0n
        ? 'no controller is primary, and this one is about to become it'
        : `another controller is primary (election id ${primaryId})`,
    );
  }

  private become(state: SwitchPhase, detail: string): void {
    if (this.state_ === state && this.detail_ === detail) return;
    this.state_ = state;
    this.detail_ = detail;
    const { name, address } = this.records.config();
    const fields = { switch: name, address, state, ...(detail !== '' && { detail }) };
    const message = `switch "${name}" at ${address}: ${state}${detail === '' ? '' : `, ${detail}`}`;
    if (state === 'ready') this.timing.log.info(fields, message);
    else this.timing.log.warn(fields, message);
  }

  private kick(): void {
    if (this.running) {
      this.again = true;
      return;
    }
    if (this.stopped || this.client.state !== 'primary') return;
    clearTimeout(this.timer);
    this.running = true;
    void this.run().finally(() => {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.kick();
      }
    });
  }

  /** One run: never throws. What fails now is repeated at the next connection or retry. */
  private async run(): Promise<void> {
    const served = this.waiters.splice(0);
    try {
      await this.reconcile();
      this.become('ready', '');
      for (const { resolve } of served) resolve();
      this.schedule(this.timing.pollMs);
    } catch (error) {
      this.waiters.unshift(...served);
      if (this.stopped) return this.stop();
      if (this.client.state !== 'primary') return;
      this.become('unreachable', (error as Error).message);
      this.schedule(this.timing.retryMs);
    }
  }

  private schedule(milliseconds: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.kick(), milliseconds);
    this.timer.unref();
  }

  private async reconcile(): Promise<void> {
    // Cleared at the start: a connection that breaks and returns during this run needs another first run.
    const first = this.fresh;
    this.fresh = false;
    try {
      const { fit } = this;
      const pushed = (await this.client.ensurePipeline(this.records.pipeline())) === 'pushed';
      if (pushed) this.pushed();
      this.programmed = true;
      const before = this.desired();
      const actual = await readSwitch(this.client, before.tables);
      if (pushed) this.records.jobsLost(this.jobsInUse());
      else this.compare(actual, first);
      // Only now: memberships that must not be written again may have been removed from the state.
      const stamp = (this.attempted = this.stamp());
      for (const stage of difference(this.client.entities, this.desired(), actual)) await this.client.write(stage);
      this.left = stamp;
      this.attempted = undefined;
      await this.resetCounters(fit.eventCounters);
    } catch (error) {
      this.fresh ||= first;
      throw error;
    }
  }

  private pushed(): void {
    const { name } = this.records.config();
    const { name: build } = this.records.pipeline();
    if (this.programmed) this.restored_++;
    const fields = { switch: name, build, restored: this.restored_ };
    if (this.programmed) this.timing.log.warn(fields, `switch "${name}" had lost its program: pushed ${build} again`);
    else this.timing.log.info(fields, `switch "${name}": pushed ${build}`);
  }

  /**
   * Is the switch as this controller, or the last one on the same store, left it? If the stamp is another one, someone
   * has written since then, or the store or the switch is from an earlier time.
   */
  private compare(actual: ActualSwitch, first: boolean): void {
    const found = stampIn(actual.entries);
    const epoch = Math.max(found.epoch, highestMemberEpoch(actual.entries));
    const own = this.attempted === undefined ? [this.left] : [this.left, this.attempted];
    const isOwn = own.some(({ generation }) => generation === found.generation);
    if (!isOwn || epoch > Math.max(...own.map((stamp) => stamp.epoch))) {
      this.records.timesDiffer(epoch);
      this.records.jobsLost(this.jobsInUse());
    } else if (first) this.records.jobsLost(this.jobsInUse().filter((job) => !this.isPresent(job, actual)));
  }

  private stamp(): Stamp {
    return stampOf(this.records.state(), this.records.config().name);
  }

  /** @throws ArtifactError */
  private get fit(): BuildFit {
    const pipeline = this.records.pipeline();
    if (this.fit_?.pipeline !== pipeline) this.fit_ = { pipeline, fit: new BuildFit(pipeline.name, pipeline.index) };
    return this.fit_.fit;
  }

  private desired(): DesiredSwitch {
    return this.fit.desired(desiredSwitch(this.records.state(), this.records.config()));
  }

  /** Jobs whose packets pass this switch. Other jobs with slots on it lose nothing. */
  private jobsInUse(): JobRecord[] {
    const state = this.records.state();
    const config = this.records.config();
    return jobsOn(state, config.name).filter((job) => memberEntries(state, job, config).length > 0);
  }

  /** Whether the switch still has the membership that was written for the job. */
  private isPresent(job: JobRecord, actual: ActualSwitch): boolean {
    const { entities } = this.client;
    const present = new Set(actual.entries.map(entryIdentity));
    return memberEntries(this.records.state(), job, this.records.config()).every((entry) =>
      present.has(entryIdentity(entities.normalise(this.fit.entry(entry)))),
    );
  }

  private async resetCounters(counters: readonly string[]): Promise<void> {
    const { name } = this.records.config();
    const jobs = jobsOn(this.records.state(), name).filter((job) => !job.countersResetOn.includes(name));
    if (jobs.length === 0) return;
    const zero = { packets: 0n, bytes: 0n };
    const updates = jobs.flatMap((job) =>
      counters.flatMap((name) =>
        Array.from({ length: EVENTS_PER_JOB }, (_, event): UpdateInput =>
          modify({ counter: { name, index: job.number * EVENTS_PER_JOB + event, value: zero } }),
        ),
      ),
    );
    await this.client.write(updates);
    this.records.countersReset(jobs);
  }
}
