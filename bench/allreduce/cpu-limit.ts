/** Limits how much processor time each worker gets, whatever program it is. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOOPBACK, type Placement } from './placement.js';

/** Short, so that a worker is not silent for long between two shares of its time. */
const PERIOD_US = 20_000;
const TICK_MS = 5;
/** In which a group's last processes go. */
const PATIENCE_MS = 5_000;

export interface CpuLimiter {
  /** How, for people. */
  readonly by: string;
  /** On the loopback, each worker limited. */
  readonly placement: Placement;
  /** Of one processor, for each worker; undefined: no limit. */
  limit(share: number | undefined): void;
  /** When the workers have ended. */
  dispose(): Promise<void>;
}

/** By control groups where this process may make them, else by stopping and continuing the workers. */
export function limitCpu(workers: number): CpuLimiter {
  return cgroupLimiter(workers) ?? signalLimiter();
}

/** How the two versions of control groups call things. */
interface Version {
  readonly name: string;
  readonly folder: string;
  /** Whether it is this version that is mounted there, and for processors. */
  isHere(folder: string): boolean;
  prepare?(folder: string): void;
  limit(folder: string, share: number | undefined): void;
}

const VERSIONS: readonly Version[] = [
  {
    name: 'cgroup v2, cpu.max',
    folder: '/sys/fs/cgroup',
    isHere: (folder) => / ?cpu( |$)/.test(readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim()),
    prepare: (folder) => set(join(folder, 'cgroup.subtree_control'), '+cpu'),
    limit: (folder, share) =>
      set(join(folder, 'cpu.max'), `${share === undefined ? 'max' : quota(share)} ${PERIOD_US}`),
  },
  {
    name: 'cgroup v1, cpu.cfs_quota_us',
    folder: '/sys/fs/cgroup/cpu',
    isHere: (folder) => existsSync(join(folder, 'cpu.cfs_quota_us')),
    limit: (folder, share) => {
      set(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US));
      set(join(folder, 'cpu.cfs_quota_us'), share === undefined ? '-1' : quota(share));
    },
  },
];

/** Undefined where control groups of processors cannot be made. */
function cgroupLimiter(workers: number): CpuLimiter | undefined {
  for (const version of VERSIONS) {
    const parent = join(version.folder, `fpisa-bench-${process.pid}`);
    const groups = Array.from({ length: workers }, (_, rank) => join(parent, `worker${rank}`));
    const remove = (): void => [...groups, parent].filter(existsSync).forEach((folder) => rmdirSync(folder));
    try {
      if (!version.isHere(version.folder)) continue;
      version.prepare?.(version.folder);
      mkdirSync(parent);
      version.prepare?.(parent);
      for (const group of groups) {
        mkdirSync(group);
        version.limit(group, undefined);
      }
    } catch {
      remove();
      continue;
    }
    return {
      by: version.name,
      placement: recorded((rank) => join(groups[rank]!, 'cgroup.procs')),
      limit: (share) => groups.forEach((group) => version.limit(group, share)),
      dispose: async () => {
        for (const end = Date.now() + PATIENCE_MS; ; await sleep(100)) {
          try {
            remove();
            return;
          } catch (error) {
            if (Date.now() > end) throw error;
          }
        }
      },
    };
  }
  return undefined;
}

/** Unlike writeFileSync, never makes a file: elsewhere than in a control group that would be all it does. */
function set(file: string, text: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

function quota(share: number): string {
  return String(Math.round(share * PERIOD_US));
}

/** Stops a worker that has used more than its share, until it has not. */
export function signalLimiter(): CpuLimiter {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Set<number>();
  const signal = (pid: number, name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  };
  const proceed = (): void => {
    clearInterval(timer);
    for (const pid of stopped) signal(pid, 'SIGCONT');
    stopped.clear();
  };
  return {
    by: 'SIGSTOP and SIGCONT',
    placement: recorded((rank) => join(folder, String(rank))),
    limit: (share) => {
      proceed();
      if (share === undefined) return;
      const start = performance.now();
      const pids = readdirSync(folder).map((name) => Number(readFileSync(join(folder, name), 'utf8')));
      const before = new Map(pids.map((pid) => [pid, cpuMilliseconds(pid)]));
      timer = setInterval(() => {
        const allowed = share * (performance.now() - start);
        for (const pid of pids) {
          const isOver = cpuMilliseconds(pid) - before.get(pid)! > allowed;
          if (isOver === stopped.has(pid)) continue;
          signal(pid, isOver ? 'SIGSTOP' : 'SIGCONT');
          if (isOver) stopped.add(pid);
          else stopped.delete(pid);
        }
      }, TICK_MS);
    },
    dispose: () => {
      proceed();
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** On the loopback; each worker writes its process id to a file before it begins. */
function recorded(file: (rank: number) => string): Placement {
  return { ...LOOPBACK, prefix: (rank) => ['sh', '-c', 'echo $$ > "$0" && exec "$@"', file(rank)] };
}

/** Of all threads, more exact than what cpuSeconds() reads. */
function cpuMilliseconds(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
      return sum + Number(nanoseconds) / 1e6;
    }, 0);
  } catch {
    return 0;
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
