/** Processor time of processes, as reported by Linux. */
import { readFileSync, readdirSync } from 'node:fs';

/** USER_HZ, which Linux fixes for user space. */
const TICKS_PER_SECOND = 100;
/** A process counts as idle if it uses at most this much processor time in this interval. */
const IDLE_SECONDS = 0.02;
const IDLE_INTERVAL_MS = 1000;

/** Seconds of processor time, user and system, of a process and of its descendants that are alive. */
export function cpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + ownSeconds(each), 0);
}

/** Waits until the process has nothing more to do: a switch may be compiling its program. */
export async function untilIdle(pid: number): Promise<void> {
  for (let before = -1, now = cpuSeconds(pid); now - before > IDLE_SECONDS; now = cpuSeconds(pid)) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, IDLE_INTERVAL_MS));
  }
}

function treeOf(pid: number): number[] {
  let tasks: string[];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const children = tasks.flatMap((task) => {
    try {
      return readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      // The thread has ended in the meantime.
      return [];
    }
  });
  return [pid, ...children.flatMap(treeOf)];
}

function ownSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 3 follows the name, which may contain spaces and brackets; 14 and 15 are utime and stime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
