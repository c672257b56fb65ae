/** The controller's half of the Join call as plain code: memberships, epochs, resumes. */
import type { ControllerMessage, Failed, Path, Progress, Submitted } from '../../../host/session/messages.js';

interface Member {
  answer: Progress | undefined;
  /** Has been part of an epoch that ran, so that its `received` counts. */
  established: boolean;
  completed: number;
}

export interface ModelControllerOptions {
  /** Members that the job waits for before its first epoch runs. */
  workers: number;
  /** Values that a packet may hold, ascending; with several, each epoch begins with what the members' ways carry. */
  steps?: readonly number[];
  send(rank: number, message: ControllerMessage): void;
  /** Tables of the switch for an epoch that is about to run. */
  install(epoch: number, ranks: readonly number[]): void;
}

export class ModelController {
  epoch = 0;
  /** Members of every epoch that ran. */
  readonly history = new Map<number, readonly number[]>();
  private readonly members = new Map<number, Member>();
  private consumed = 0;
  private disputed: number | undefined;
  /** What members have found in this epoch, until all have. */
  private found: Map<number, number> | undefined;
  /** Values of a whole chunk, by epoch. */
  readonly packetValues = new Map<number, number>();
  /** Whether the job has had all its workers once. */
  begun = false;

  constructor(private readonly options: ModelControllerOptions) {}

  get ranks(): number[] {
    return [...this.members.keys()].sort((a, b) => a - b);
  }

  hello(rank: number, completed: number): void {
    this.members.set(rank, { answer: undefined, established: completed > 0, completed });
    this.raise(`rank ${rank} joined`);
  }

  lost(rank: number): void {
    if (this.members.delete(rank)) this.raise(`rank ${rank} left`);
  }

  progress(rank: number, answer: Progress): void {
    const member = this.members.get(rank);
    if (member === undefined) return;
    // What one worker has completed is used up for all, even if that worker leaves right after.
    this.consumed = Math.max(this.consumed, answer.completed);
    if (answer.epoch !== this.epoch) return;
    member.answer = answer;
    this.resume();
  }

  failed(rank: number, failure: Failed): void {
    if (failure.operation <= this.consumed) return;
    this.consumed = failure.operation;
    for (const other of this.ranks) if (other !== rank) this.options.send(other, { aborted: { ...failure, rank } });
    this.disputed = failure.submission === undefined ? undefined : failure.operation;
    this.raise(`operation ${failure.operation} failed`);
  }

  submitted(rank: number, message: Submitted): void {
    if (message.operation !== this.disputed) return;
    this.disputed = undefined;
    for (const other of this.ranks) if (other !== rank) this.options.send(other, { submitted: { ...message, rank } });
  }

  path(rank: number, { epoch, values }: Path): void {
    if (epoch !== this.epoch || !this.members.has(rank)) return;
    const { found } = this;
    if (found === undefined) {
      if (values > 0 && values < (this.packetValues.get(epoch) ?? 0))
        this.raise(`packets to rank ${rank} are too long`);
      return;
    }
    found.set(rank, values);
    if (found.size < this.members.size) return;
    this.found = undefined;
    const packetValues = Math.min(this.options.steps!.at(-1)!, ...[...found.values()].filter((each) => each > 0));
    this.packetValues.set(epoch, packetValues);
    for (const each of this.ranks)
      this.options.send(each, { resume: { epoch, completed: this.consumed, packetValues } });
  }

  raise(reason: string): void {
    this.epoch++;
    this.found = undefined;
    for (const member of this.members.values()) member.answer = undefined;
    for (const rank of this.ranks)
      this.options.send(rank, { membership: { epoch: this.epoch, ranks: this.ranks, reason } });
  }

  private resume(): void {
    const members = [...this.members.values()];
    if (!this.begun && members.length < this.options.workers) return;
    if (members.some((member) => member.answer === undefined)) return;
    const answers = members.map((member) => member.answer!);
    // What every member that took part has received is complete, even if those who knew have left.
    const received = members.filter((member) => member.established).map((member) => member.answer!.received);
    const completed = Math.max(
      this.consumed,
      ...answers.map((answer) => answer.completed),
      received.length > 0 ? Math.min(...received) : 0,
    );
    this.begun = true;
    this.consumed = completed;
    for (const member of members) member.established = true;
    this.history.set(this.epoch, this.ranks);
    this.options.install(this.epoch, this.ranks);
    if ((this.options.steps?.length ?? 1) === 1) {
      for (const rank of this.ranks) this.options.send(rank, { resume: { epoch: this.epoch, completed } });
      return;
    }
    this.found = new Map();
    for (const rank of this.ranks) this.options.send(rank, { tryPath: { epoch: this.epoch } });
  }
}
