/** What carries a worker out: {@link LocalWorker} on the caller's thread, or `ThreadedWorker` in front of one on its own. */
import type { AllreduceStats, Format, Tensors } from './allreduce/index.js';
import { ClosedError } from './errors.js';
import type { AllreduceOptions } from './options.js';
import type { JobInfo } from './session/messages.js';

/** What a worker knows about itself; plain data. */
export interface WorkerState {
  readonly job: JobInfo;
  readonly epoch: number | undefined;
  readonly ranks: readonly number[];
  readonly completed: number;
  /** Values of a whole chunk in the current epoch. */
  readonly packetValues: number;
  readonly transportDescription: string;
}

export interface WorkerSide {
  readonly state: WorkerState;
  readonly closed: boolean;
  allreduce(tensors: Tensors, options: Readonly<AllreduceOptions>): Promise<AllreduceStats>;
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** Of calls after the end of a membership, and of those that it ends. */
export function leftError({ rank, job }: { readonly rank: number; readonly job: string }): ClosedError {
  return new ClosedError(`rank ${rank} has left job '${job}'`);
}

export function formatOfJob(job: Readonly<JobInfo>): Format {
  return job.profile.format === 'int32' ? 'int32' : 'fp32';
}
