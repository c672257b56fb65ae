/** Lists running processes, to check that none is left behind. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Ended, and only not yet collected by its parent. */
  readonly zombie: boolean;
}

/** From /proc, or from ps where /proc does not exist. */
function processes(): Process[] {
  let numbers: string[];
  try {
    numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), zombie: state!.startsWith('Z') }));
  }
  return numbers.flatMap((pid) => {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch {
      return [];
    }
    // After the name of the command, which may hold anything.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid: Number(pid), parent: Number(parent), zombie: state === 'Z' }];
  });
}

export function childrenOf(pid: number): number[] {
  return processes().flatMap((each) => (each.parent === pid && !each.zombie ? [each.pid] : []));
}

/** Resolves when none of them is running. */
export async function allGone(pids: readonly number[]): Promise<void> {
  for (;;) {
    const alive = processes().filter(({ pid, zombie }) => pids.includes(pid) && !zombie);
    if (alive.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
