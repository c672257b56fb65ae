/** The controller's half of the Join call as plain code: memberships, epochs, resumes. */
import type { ControllerMessage, Failed, Progress, Submitted } from '../../../host/session/messages.js';

interface Member {
  answer: Progress | undefined;
  /** Has been part of an epoch that ran, so that its `received` counts. */
  established: boolean;
  completed: number;
}

export interface ModelControllerOptions {
  /** Members that the job waits for before its first epoch runs. */
  workers: number;
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

  raise(reason: string): void {
    this.epoch++;
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
    for (const rank of this.ranks) this.options.send(rank, { resume: { epoch: this.epoch, completed } });
  }
}
