import type { CloneSession, Replica } from '../control.js';
import type { ProgramMemory } from './memory.js';

/** Words of a list of copies to make; port and instance of each follow. */
export const REPLICATION = { count: 0, truncateBytes: 4, replicas: 8, replicaBytes: 8 } as const;

interface Placed {
  /** What it was written from; a different array means that the control plane has replaced it. */
  readonly replicas: readonly Replica[];
  readonly address: number;
  readonly bytes: number;
}

/** Multicast groups and clone sessions in linear memory, each written when it is first requested. */
export class ReplicationMemory {
  private readonly groups = new Map<number, Placed>();
  private readonly sessions = new Map<number, Placed>();

  constructor(
    private readonly state: {
      readonly multicastGroups: ReadonlyMap<number, readonly Replica[]>;
      readonly cloneSessions: ReadonlyMap<number, CloneSession>;
    },
    private readonly memory: ProgramMemory,
  ) {}

  /** The address of the group's list, or 0 if there is no such group or it has no replicas. */
  multicastGroup(group: number): number {
    const replicas = this.state.multicastGroups.get(group);
    return replicas === undefined || replicas.length === 0 ? 0 : this.place(this.groups, group, replicas, 0);
  }

  /** The address of the session's list, or 0 if there is no such session. */
  cloneSession(session: number): number {
    const config = this.state.cloneSessions.get(session);
    return config === undefined ? 0 : this.place(this.sessions, session, config.replicas, config.truncateBytes);
  }

  private place(placed: Map<number, Placed>, id: number, replicas: readonly Replica[], truncateBytes: number): number {
    const { memory } = this;
    const old = placed.get(id);
    if (old?.replicas === replicas) return old.address;
    if (old !== undefined) memory.release(old.address, old.bytes);
    const bytes = REPLICATION.replicas + replicas.length * REPLICATION.replicaBytes;
    const address = memory.allocate(bytes);
    memory.i32[(address + REPLICATION.count) >> 2] = replicas.length;
    memory.i32[(address + REPLICATION.truncateBytes) >> 2] = truncateBytes;
    replicas.forEach(({ egressPort, instance }, i) => {
      const at = (address + REPLICATION.replicas + i * REPLICATION.replicaBytes) >> 2;
      memory.i32[at] = egressPort;
      memory.i32[at + 1] = instance;
    });
    placed.set(id, { replicas, address, bytes });
    return address;
  }
}
