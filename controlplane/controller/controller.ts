/** The controller: stored jobs and switches, and the sessions that put them into effect. Transport is in service/. */
import {
  choices,
  ControllerStoppedError,
  JobBusyError,
  JobDeletedError,
  StoreAccessError,
  SwitchConfigError,
  UnknownSwitchError,
} from '../errors.js';
import type { CreateJobRequest, HelloMessage, JobMessage, SlotReportMessage, StatusMessage } from '../messages.js';
import { throwLater, TIMING, type ControllerOptions, type ControllerTiming } from './controller-options.js';
import { admit, serviceOf, type Occupant } from './admission.js';
import type { MemberLink } from './job-records.js';
import { JobSession } from './job-session.js';
import { findJob, jobsOn, newJob, nextEpoch, without, withJob, withoutJob } from './jobs.js';
import { occupantsBeside } from './occupants.js';
import { LoadedPipelines } from './pipelines.js';
import { bitsSeenAt, switchesInUse } from './placement.js';
import { pipeOfJob } from './pipes.js';
import { probeSlots } from './probe.js';
import { SILENT, type Log } from './log.js';
import { jobEvents, sumEvents, switchStatus } from './reports.js';
import { slotReports } from './slot-report.js';
import { wantedBuild } from '../../protocol/builds.js';
import { withNextGeneration, withUsedEpochs } from './stamp.js';
import { SwitchSession } from './switch-session.js';
import type { ControllerState, JobRecord, MemberRecord, SwitchConfig } from './state.js';
import type { Store } from './store.js';
import { unusedBut, withSwitches } from './switches.js';
import { childrenOf } from './topology.js';

const PROBE_ATTEMPTS = 4;

export class Controller {
  /** Always equal to what the store holds. */
  private state: ControllerState;
  private readonly store: Store;
  private readonly timing: ControllerTiming;
  private readonly switches = new Map<string, SwitchSession>();
  private readonly sessions = new Map<string, JobSession>();
  private readonly pipelines: LoadedPipelines;
  /** The store may belong to a successor: nothing is written after this is set. */
  private stopped = false;
  private readonly log: Log;

  /** Reads the store; connects to nothing before {@link start}. @throws StoreFormatError, SwitchConfigError */
  constructor(private readonly options: ControllerOptions) {
    this.store = options.store;
    this.pipelines = new LoadedPipelines(options.builds);
    this.log = options.log ?? SILENT;
    this.timing = { ...TIMING, ...options.timing };
    this.state = this.store.read();
    const { switches = [] } = options;
    if (switches.length > 0) this.save(withSwitches(this.state, switches, unusedBut(this.state, switches)));
  }

  start(): void {
    const switches = Object.keys(this.state.switches);
    const jobs = Object.keys(this.state.jobs);
    this.log.info(
      { store: this.store.location, switches, jobs },
      `controller started: store ${this.store.location}, switches ${choices(switches)}, jobs ${choices(jobs)}`,
    );
    for (const name of switches) this.startSwitch(name);
    for (const name of jobs) this.startJob(name);
  }

  /** Ends every stream and connection. The switches keep aggregating: workers reconnect to a successor. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const session of this.sessions.values())
      session.close(new ControllerStoppedError('the controller stopped; workers reconnect to its successor'));
    this.sessions.clear();
    for (const session of this.switches.values()) session.stop();
    this.switches.clear();
    this.store.close();
  }

  // Switches

  /** Adds a switch, or changes its configuration. @throws SwitchConfigError */
  setSwitch(config: SwitchConfig): void {
    this.save(withSwitches(this.state, [config]));
    this.switches.get(config.name)?.stop();
    this.startSwitch(config.name);
    // Its neighbours in the tree have entries with its addresses and ports.
    this.programLater(Object.keys(this.state.switches));
  }

  /** @throws UnknownSwitchError, JobBusyError when it still has jobs, SwitchConfigError when it is a parent */
  removeSwitch(name: string): void {
    this.requireSwitch(name);
    const jobs = jobsOn(this.state, name).map((job) => job.name);
    if (jobs.length > 0)
      throw new JobBusyError(`switch "${name}" still has jobs (${choices(jobs)}); delete them first`);
    const children = childrenOf(this.state.switches, name).map((child) => child.name);
    if (children.length > 0)
      throw new SwitchConfigError(
        `switch "${name}" is the parent of others (${choices(children)}); remove those first`,
      );
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
    const { name, workers, switches, slots } = job;
    this.log.info(
      { job: name, workers, switches, slots },
      `job "${name}" created: ${workers} ${workers === 1 ? 'worker' : 'workers'}, switches ${choices(switches)}`,
    );
    this.startJob(job.name);
    this.programLater(job.switches);
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
    const read = await Promise.all(
      job.switches.map((switchName) => jobEvents(job, switchName, this.switches.get(switchName))),
    );
    const switchEvents = read.filter((each) => each !== undefined);
    return { ...this.describe(job), events: sumEvents(switchEvents), switchEvents };
  }

  /** @throws UnknownJobError, JobBusyError when workers are connected and `force` is not set */
  deleteJob(name: string, force = false): void {
    const job = findJob(this.state, name);
    const session = this.sessions.get(name);
    const ranks = session?.connected.ranks() ?? [];
    if (ranks.length > 0 && !force) {
      throw new JobBusyError(
        `job "${name}" has connected workers (ranks ${choices(ranks)}); stop them, or force the deletion`,
      );
    }
    this.sessions.delete(name);
    this.save(withoutJob(this.state, job));
    this.log.info({ job: name }, `job "${name}" deleted`);
    session?.close(new JobDeletedError(`job "${name}" was deleted`));
    this.programLater(job.switches);
  }

  /** @throws UnknownJobError, SwitchNotReadyError when any switch that the job uses cannot be probed */
  async probeJob(name: string): Promise<SlotReportMessage[]> {
    const job = findJob(this.state, name);
    const timing = { replyTimeoutMs: this.timing.probeReplyTimeoutMs, attempts: PROBE_ATTEMPTS };
    const used = new Set([job.switchName, ...switchesInUse(this.state.switches, job, job.active?.members ?? [])]);
    const clients = [...used].map((switchName) => [switchName, this.requireSwitch(switchName).requireReady()] as const);
    const probed = clients.map(async ([switchName, client]) => {
      const { switches } = this.state;
      const config = switches[switchName]!;
      return [
        switchName,
        await probeSlots(client, config, job, pipeOfJob(switches, config, job, job.members), timing),
      ] as const;
    });
    return slotReports(this.state.switches, job, new Map(await Promise.all(probed)));
  }

  async getStatus(): Promise<StatusMessage> {
    const names = Object.keys(this.state.switches).sort();
    const switches = names.map((name) =>
      switchStatus(this.state, this.state.switches[name]!, this.requireSwitch(name)),
    );
    return { store: this.store.location, switches: await Promise.all(switches) };
  }

  // Workers

  /**
   * Admits a worker.
   * @returns the session for its further messages, and its rank
   * @throws UnknownJobError, TensorsDifferError, and what {@link admit} throws
   */
  join(hello: HelloMessage, link: MemberLink): { session: JobSession; rank: number } {
    const { job, member } = this.admitted(hello);
    const config = this.state.switches[member.switchName]!;
    const session = this.sessions.get(job.name)!;
    session.compare(hello.rank, hello.announcements);
    const welcome = {
      job: this.describe(job),
      valuesPerPacket: config.valuesPerPacket,
      packetSteps: [...stepsOf(config)],
      switchName: member.switchName,
      switchPort: member.switchPort,
      ...serviceOf(config, member.switchPort),
    };
    session.join(member, link, { welcome }, hello.announcements, hello.followsPacketValues);
    return { session, rank: member.rank };
  }

  // Inside

  private admitted(hello: HelloMessage): { job: JobRecord; member: MemberRecord } {
    try {
      const job = findJob(this.state, hello.job);
      return { job, member: admit(job, this.state.switches, this.occupants(job), hello) };
    } catch (error) {
      const { rank, ip, udpPort } = hello;
      const { message } = error as Error;
      this.log.warn(
        { job: hello.job, rank, ip, udpPort, reason: message },
        `job "${hello.job}": worker ${rank} from ${ip}:${udpPort} was refused: ${message}`,
      );
      throw error;
    }
  }

  /** @throws ControllerStoppedError when it cannot be written; the controller has then stopped */
  private save(state: ControllerState): void {
    if (this.stopped) throw new ControllerStoppedError('the controller stopped');
    try {
      this.store.write(state);
    } catch (error) {
      const failure = new ControllerStoppedError(
        error instanceof StoreAccessError
          ? error.message
          : `the store ${this.store.location} cannot be written: ${(error as Error).message}`,
        { cause: error },
      );
      this.log.error({ store: this.store.location }, failure.message);
      this.stop();
      (this.options.onFailure ?? throwLater)(failure);
      throw failure;
    }
    this.state = state;
  }

  /** For callers on timers and events: a failure has been reported, and with all streams closed there is nothing more to do. */
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
        pipeline: () => this.pipelines.of(this.state.switches[name]!, this.state.storeId),
        jobsLost: (jobs) => {
          for (const job of jobs) this.sessions.get(job.name)?.switchLost(name);
        },
        timesDiffer: (epoch) => this.saveOrStop(() => this.timesDiffer(name, epoch)),
        countersReset: (jobs) => {
          for (const { name: job } of jobs) {
            const record = this.state.jobs[job];
            if (record) this.change(job, { countersResetOn: [...record.countersResetOn, name] });
          }
        },
      },
      {
        pollMs: this.timing.pollMs,
        retryMs: this.timing.retryMs,
        log: this.log,
        ...(this.options.tls && { tls: this.options.tls }),
      },
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
        program: () => this.programJob(this.state.jobs[name]!),
        packetSteps: () => stepsOf(this.state.switches[this.state.jobs[name]!.switchName]!),
        bitsSeenBy: ({ switchName }) => {
          const job = this.state.jobs[name]!;
          return bitsSeenAt(this.state.switches, job, job.members, switchName);
        },
      },
      this.timing,
      this.log,
    );
    this.sessions.set(name, session);
  }

  private change(name: string, change: Partial<JobRecord>): void {
    const job = { ...this.state.jobs[name]!, ...change };
    const state = withJob(this.state, job);
    this.save(change.epoch === undefined ? state : withNextGeneration(state, job.switches));
  }

  private timesDiffer(switchName: string, epoch: number): void {
    const { location } = this.store;
    this.log.warn(
      { switch: switchName, epoch, store: location },
      `switch "${switchName}" was not left as the store ${location} says: one of them was put back from an earlier copy, or a controller was killed while it wrote; jobs there begin a new epoch above ${epoch}`,
    );
    this.save(withUsedEpochs(this.state, switchName, epoch));
    for (const { name, epoch: present } of jobsOn(this.state, switchName))
      if (present <= epoch) this.sessions.get(name)?.epochUsed(switchName);
  }

  /** @throws UnknownSwitchError */
  private requireSwitch(name: string): SwitchSession {
    const session = this.switches.get(name);
    if (session === undefined)
      throw new UnknownSwitchError(`there is no switch "${name}" (switches: ${choices(this.switches.keys())})`);
    return session;
  }

  /**
   * Resolves when the switches in use match the stored state. Those no longer in use are only cleaned up in the
   * background: packets that they still let through are of an older epoch, which every switch above drops, and a
   * switch that died together with its workers must not delay the others.
   */
  private async programJob(job: JobRecord): Promise<void> {
    const used = switchesInUse(this.state.switches, job, job.active?.members ?? []);
    this.programLater(job.switches.filter((name) => !used.includes(name)));
    await Promise.all(used.map((name) => this.programSwitch(name)));
  }

  private async programSwitch(name: string): Promise<void> {
    const session = this.switches.get(name)!;
    try {
      await session.program();
    } catch (error) {
      // Its configuration has changed, and another session has taken its place.
      if (this.stopped || this.switches.get(name) === session) throw error;
      await this.programSwitch(name);
    }
  }

  /** For changes that no caller waits for; a failure is retried by the switch's session. */
  private programLater(switchNames: readonly string[]): void {
    for (const name of switchNames) {
      void this.switches
        .get(name)
        ?.program()
        .catch(() => undefined);
    }
  }

  private occupants(job: JobRecord): Occupant[] {
    return occupantsBeside(this.state, job, (name) => this.sessions.get(name)?.connected.members() ?? []);
  }

  private describe(job: JobRecord): JobMessage {
    const session = this.sessions.get(job.name);
    const { name, number, workers, minWorkers, epoch, slotBase, slots, switchName, multicastGroup } = job;
    const members = this.occupants(job)
      .filter((occupant) => occupant.job === name)
      .map(({ member, connected }) => ({
        ...member,
        connected,
        packetValues: session?.packetSizes.of(member.rank) ?? 0,
      }))
      .sort((a, b) => a.rank - b.rank);
    return {
      ...{ name, number, workers, minWorkers, epoch, slotBase, slots, members, switchName, multicastGroup },
      profile: { ...job.profile },
      switches: [...job.switches],
      state: session?.state ?? 'waiting',
      packetValues: session?.packetSizes.current ?? 0,
      valuesPerPacket: this.state.switches[switchName]!.valuesPerPacket,
      events: {},
      switchEvents: [],
    };
  }
}

/** Values that packets of the switch may hold, ascending. */
function stepsOf(config: SwitchConfig): readonly number[] {
  return wantedBuild(config)?.steps ?? [];
}
