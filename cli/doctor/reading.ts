/** What the doctor inspects: everything that the controller can report, at two moments. */
import type { ControllerClient, JobMessage, SlotReportMessage, StatusMessage } from '../../controlplane/index.js';

export interface JobReading {
  readonly job: JobMessage;
  /** Undefined when a switch of the job does not answer, which is a separate finding. */
  readonly slots: readonly SlotReportMessage[] | undefined;
}

export interface Reading {
  readonly status: StatusMessage;
  readonly jobs: readonly JobReading[];
}

/** What has changed between two readings, and what has not. */
export interface Interval {
  readonly before: Reading;
  readonly after: Reading;
  /** Between the readings; 0 when there was only one. */
  readonly seconds: number;
}

/** @param job all jobs when it is undefined. @throws ControllerCallError, ControllerUnreachableError */
export async function takeReading(client: ControllerClient, job: string | undefined): Promise<Reading> {
  const names = job === undefined ? (await client.listJobs()).map(({ name }) => name) : [job];
  const jobs: JobReading[] = [];
  for (const name of names) jobs.push({ job: await client.getJob(name), slots: await probe(client, name) });
  return { status: await client.getStatus(), jobs };
}

async function probe(client: ControllerClient, job: string): Promise<SlotReportMessage[] | undefined> {
  try {
    return await client.probeJob(job);
  } catch {
    return undefined;
  }
}
