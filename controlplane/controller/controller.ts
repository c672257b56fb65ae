/** The controller: jobs and switches as stored, sessions that make them real. Transport is in service/. */
import { DropReason, EVENTS_PER_JOB, JobEvent } from '../../protocol/constants.js';
import { loadBuild } from '../artifacts.js';
import { choices, ControllerStoppedError, JobBusyError, JobDeletedError, UnknownSwitchError } from '../errors.js';
import type { CreateJobRequest, HelloMessage, JobMessage, SlotReportMessage, StatusMessage, SwitchStatusMessage } from '../messages.js';
import type { TlsOptions } from '../p4runtime/credentials.js';
import type { Pipeline } from '../p4runtime/pipeline.js';
import { admit, serviceOf, type Occupant } from './admission.js';
import { JobSession, type MemberLink } from './job-session.js';
import { findJob, jobsOn, newJob, nextEpoch, slotsFree, without, withJob, withoutJob } from './jobs.js';
import { probeJob } from './probe.js';
import { checkSwitchConfig } from './switch-config.js';
import { SwitchSession } from './switch-session.js';
import type { ControllerState, JobRecord, MemberRecord, SwitchConfig } from './state.js';
import type { Store } from './store.js';

export interface ControllerOptions {
  readonly store: Store;
  /** Switches to add to the stored ones, or to replace those of the same name with. */
  readonly switches?: readonly SwitchConfig[];
  /** Folder of the builds; by default that of this package. */
  readonly builds?: string;
  readonly timing?: Partial<ControllerTiming>;
  /** For the connections to the switches. */
  readonly tls?: TlsOptions;
  /**
   * The store could not be written, and the controller has stopped: it must not promise what it cannot
   * keep. By default the error is thrown where nobody catches it, which ends the process.
   */
  readonly onFailure?: (error: ControllerStoppedError) => void;
}

/** All in milliseconds. */
export interface ControllerTiming {
  /** For a member to answer Membership, before it is dropped. */
  readonly progressTimeoutMs: number;
  /** For the members of a running job to come back after the controller restarted. */
  readonly returnTimeoutMs: number;
  readonly pollMs: number;
  readonly retryMs: number;
  readonly probeReplyTimeoutMs: number;
}

const TIMING: ControllerTiming = {
  progressTimeoutMs: 10_000,
  returnTimeoutMs: 15_000,
  pollMs: 5_000,
  retryMs: 1_000,
  probeReplyTimeoutMs: 500,
};

const PROBE_ATTEMPTS = 4;

/** Ingress and egress run on different threads of BMv2, so each has a counter of its own. */
const DROP_COUNTERS = ['fpisa.drops', 'fpisa.egress_drops'];

function throwLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

export class Controller {
  /** Always equal to what the store holds. */
  private state: ControllerState;
  private readonly store: Store;
  private readonly timing: ControllerTiming;
  private readonly switches = new Map<string, SwitchSession>();
  private readonly sessions = new Map<string, JobSession>();
  private readonly pipelines = new Map<number, Pipeline>();
  /** The store may belong to a successor: nothing is written any more. */
  private stopped = false;

  /** Reads the store; connects to nothing before {@link start}. @throws StoreFormatError, SwitchConfigError */
  constructor(private readonly options: ControllerOptions) {
    this.store = options.store;
    this.timing = { ...TIMING, ...options.timing };
    this.state = this.store.read();
    for (const config of options.switches ?? []) {
      checkSwitchConfig(config);
      this.save({ ...this.state, switches: { ...this.state.switches, [config.name]: config } });
    }
  }

  start(): void {
    for (const name of Object.keys(this.state.switches)) this.startSwitch(name);
    for (const name of Object.keys(this.state.jobs)) this.startJob(name);
  }

  /** Ends every stream and connection. The switches keep adding: workers come back to a successor. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const session of this.sessions.values()) session.close(new ControllerStoppedError('the controller stopped; workers reconnect to its successor'));
    this.sessions.clear();
    for (const session of this.switches.values()) session.stop();
    this.switches.clear();
    this.store.close();
  }

  // Switches

  /** Adds a switch, or changes its configuration. @throws SwitchConfigError */
  setSwitch(config: SwitchConfig): void {
    checkSwitchConfig(config);
    this.save({ ...this.state, switches: { ...this.state.switches, [config.name]: config } });
    this.switches.get(config.name)?.stop();
    this.startSwitch(config.name);
  }

  /** @throws UnknownSwitchError, JobBusyError when it still has jobs */
  removeSwitch(name: string): void {
    this.requireSwitch(name);
    const jobs = jobsOn(this.state, name).map((job) => job.name);
    if (jobs.length > 0) throw new JobBusyError(`switch "${name}" still has jobs (${choices(jobs)}); delete them first`);
    this.save({ ...this.state, switches: without(this.state.switches, name) });
    this.switches.get(name)?.stop();
    this.switches.delete(name);
  }

  /** Resolves when the switch matches the stored state; waits for an unreachable one. */
  async ready(name: string): Promise<void> {
    this.requireSwitch(name);
    await this.switches.get(name)?.program();
  }

  // Jobs

  /** @throws what {@link newJob} throws */
  async createJob(request: CreateJobRequest): Promise<JobMessage> {
    const job = newJob(this.state, request);
    this.save(withJob(this.state, job));
    this.startJob(job.name);
    this.programLater(job.switchName);
    return this.describe(job);
  }

  /** Event counters are read only for one job at a time, by {@link getJob}. */
  listJobs(): JobMessage[] {
    const names = Object.keys(this.state.jobs).sort();
    return names.map((name) => this.describe(this.state.jobs[name]!));
  }

  /** @throws UnknownJobError */
  async getJob(name: string): Promise<JobMessage> {
    const job = findJob(this.state, name);
    return { ...this.describe(job), events: await this.readEvents(job) };
  }

  /** @throws UnknownJobError, JobBusyError when workers are connected and `force` is not set */
  deleteJob(name: string, force = false): void {
    const job = findJob(this.state, name);
    const session = this.sessions.get(name);
    const ranks = session?.connectedRanks() ?? [];
    if (ranks.length > 0 && !force) {
      throw new JobBusyError(`job "${name}" has connected workers (ranks ${choices(ranks)}); stop them, or force the deletion`);
    }
    this.sessions.delete(name);
    this.save(withoutJob(this.state, job));
    session?.close(new JobDeletedError(`job "${name}" was deleted`));
    this.programLater(job.switchName);
  }

  /** @throws UnknownJobError, SwitchNotReadyError */
  async probeJob(name: string): Promise<SlotReportMessage[]> {
    const job = findJob(this.state, name);
    const client = this.requireSwitch(job.switchName).requireReady();
    const timing = { replyTimeoutMs: this.timing.probeReplyTimeoutMs, attempts: PROBE_ATTEMPTS };
    return probeJob(client, this.state.switches[job.switchName]!, job, timing);
  }

  async getStatus(): Promise<StatusMessage> {
    const names = Object.keys(this.state.switches).sort();
    return { store: this.store.location, switches: await Promise.all(names.map((name) => this.switchStatus(name))) };
  }

  // Workers

  /**
   * Takes a worker in.
   * @returns the session to which its further messages go, and its rank
   * @throws UnknownJobError, and what {@link admit} throws
   */
  join(hello: HelloMessage, link: MemberLink): { session: JobSession; rank: number } {
    const job = findJob(this.state, hello.job);
    const config = this.state.switches[job.switchName]!;
    const member = admit(job, config, this.occupants(job.switchName), hello);
    const session = this.sessions.get(job.name)!;
    const welcome = {
      job: this.describe(job),
      valuesPerPacket: config.valuesPerPacket,
      switchPort: member.switchPort,
      ...serviceOf(config, member.switchPort),
    };
    session.join(member, link, { welcome });
    return { session, rank: member.rank };
  }

  // Inside

  /** @throws ControllerStoppedError when it cannot be written; the controller has then stopped */
  private save(state: ControllerState): void {
    if (this.stopped) throw new ControllerStoppedError('the controller stopped');
    try {
      this.store.write(state);
    } catch (error) {
      const failure = new ControllerStoppedError(`the store ${this.store.location} cannot be written: ${(error as Error).message}`, { cause: error });
      this.stop();
      (this.options.onFailure ?? throwLater)(failure);
      throw failure;
    }
    this.state = state;
  }

  /** For callers on timers and events: a failure has been reported, and with all streams closed nothing follows from it. */
  private saveOrStop(save: () => void): void {
    try {
      save();
    } catch (error) {
      if (!(error instanceof ControllerStoppedError)) throw error;
    }
  }

  private startSwitch(name: string): void {
    const session = new SwitchSession(
      {
        state: () => this.state,
        config: () => this.state.switches[name]!,
        pipeline: () => this.pipeline(this.state.switches[name]!.valuesPerPacket),
        nextElectionId: () => {
          this.saveOrStop(() => this.save({ ...this.state, electionId: this.state.electionId + 1 }));
          return BigInt(this.state.electionId);
        },
        jobsLost: (jobs) => {
          for (const job of jobs) this.sessions.get(job.name)?.switchLost();
        },
        countersReset: (jobs) => {
          for (const { name: job } of jobs) if (this.state.jobs[job]) this.change(job, { countersReset: true });
        },
      },
      { pollMs: this.timing.pollMs, retryMs: this.timing.retryMs, ...(this.options.tls && { tls: this.options.tls }) },
    );
    this.switches.set(name, session);
    session.start();
  }

  private startJob(name: string): void {
    const session = new JobSession(
      {
        record: () => this.state.jobs[name]!,
        save: (change) => this.saveOrStop(() => this.change(name, change)),
        nextEpoch: () => nextEpoch(this.state, this.state.jobs[name]!),
        program: () => this.switches.get(this.state.jobs[name]!.switchName)!.program(),
      },
      this.timing,
    );
    this.sessions.set(name, session);
  }

  private change(job: string, change: Partial<JobRecord>): void {
    this.save(withJob(this.state, { ...this.state.jobs[job]!, ...change }));
  }

  private pipeline(valuesPerPacket: number): Pipeline {
    let pipeline = this.pipelines.get(valuesPerPacket);
    if (pipeline === undefined) {
      pipeline = loadBuild(valuesPerPacket, this.state.storeId, this.options.builds);
      this.pipelines.set(valuesPerPacket, pipeline);
    }
    return pipeline;
  }

  /** @throws UnknownSwitchError */
  private requireSwitch(name: string): SwitchSession {
    const session = this.switches.get(name);
    if (session === undefined) throw new UnknownSwitchError(`there is no switch "${name}" (switches: ${choices(this.switches.keys())})`);
    return session;
  }

  /** For changes that nobody waits for; a failure is retried by the switch's session. */
  private programLater(switchName: string): void {
    void this.switches
      .get(switchName)
      ?.program()
      .catch(() => undefined);
  }

  /** Connected workers, and stored members that are still expected back. */
  private occupants(switchName: string): Occupant[] {
    return jobsOn(this.state, switchName).flatMap((job) => {
      const connected = this.sessions.get(job.name)?.connectedMembers() ?? [];
      const away = job.members.filter(({ rank }) => connected.every((member) => member.rank !== rank));
      const occupant = (member: MemberRecord, isConnected: boolean): Occupant => ({ job: job.name, member, connected: isConnected });
      return [...connected.map((member) => occupant(member, true)), ...away.map((member) => occupant(member, false))];
    });
  }

  private describe(job: JobRecord): JobMessage {
    const session = this.sessions.get(job.name);
    const { name, number, workers, epoch, slotBase, slots, switchName, multicastGroup } = job;
    const members = this.occupants(switchName)
      .filter((occupant) => occupant.job === name)
      .map(({ member, connected }) => ({ ...member, connected }))
      .sort((a, b) => a.rank - b.rank);
    const profile = { ...job.profile };
    return { name, number, workers, epoch, slotBase, slots, profile, members, switchName, multicastGroup, state: session?.state ?? 'waiting', events: {} };
  }

  private async readEvents(job: JobRecord): Promise<Record<string, number>> {
    const session = this.switches.get(job.switchName);
    if (session?.state !== 'ready') return {};
    const events = Object.entries(JobEvent);
    try {
      const cells = await session.client.readCounterCells(
        'fpisa.events',
        events.map(([, event]) => job.number * EVENTS_PER_JOB + event),
      );
      return Object.fromEntries(events.map(([name], i) => [name, Number(cells[i]!.packets)]));
    } catch {
      // The job can be described without them; the switch's state says what is wrong.
      return {};
    }
  }

  private async switchStatus(name: string): Promise<SwitchStatusMessage> {
    const config = this.state.switches[name]!;
    const session = this.requireSwitch(name);
    const status: SwitchStatusMessage = {
      name,
      address: config.address,
      state: session.state,
      detail: session.detail,
      pipeline: '',
      drops: {},
      slotsFree: slotsFree(this.state, name),
      valuesPerPacket: config.valuesPerPacket,
    };
    if (status.state !== 'ready') return status;
    status.pipeline = this.pipeline(config.valuesPerPacket).name;
    try {
      const cells = await Promise.all(DROP_COUNTERS.map((counter) => session.client.readCounters(counter)));
      for (const [reason, index] of Object.entries(DropReason)) {
        const packets = cells.reduce((sum, counter) => sum + (counter[index]?.packets ?? 0n), 0n);
        if (packets > 0n) status.drops[reason] = Number(packets);
      }
    } catch (error) {
      status.detail = `drop counters cannot be read: ${(error as Error).message}`;
    }
    return status;
  }
}
