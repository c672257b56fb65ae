/** What a switch must know before a query's first packet: who takes part, and what each stream does. */
import type { Having, LaneOp, Operator, Order, QueryBuild } from '../../protocol/query/constants.js';

/** A host at the switch, as its packets identify it there. */
export interface HostPlace {
  /** Rank of a worker, or MASTER. */
  readonly worker: number;
  /** Port of the switch that leads to it. */
  readonly port: number;
  readonly ip: string;
  readonly udpPort: number;
  /** Undefined for a host behind an ordinary socket, where any will do. */
  readonly mac: string | undefined;
}

export interface StreamSetup {
  readonly stream: number;
  readonly operator: Operator;
  readonly laneOps: readonly LaneOp[];
  readonly order: Order | undefined;
  /** Where the operator's state begins, and how large it is (p4/v1model/query/operators.p4). */
  readonly stateBase: number;
  readonly stateMask: number;
  readonly having: { readonly comparison: Having; readonly lane: number; readonly key: bigint } | undefined;
  /** Packets that a worker may have in flight. */
  readonly flowSlots: number;
}

export interface QuerySetup {
  readonly build: QueryBuild;
  /** Random and not 0; what an earlier query left behind has another one, and counts as empty. */
  readonly epoch: number;
  /** The workers by rank, then the master. */
  readonly hosts: readonly HostPlace[];
  readonly streams: readonly StreamSetup[];
}

/** Where a host sends its packets, so that they reach the service. */
export interface ServiceEndpoint {
  readonly ip: string;
  readonly udpPort: number;
}

/** The switch as a query's master needs it. */
export interface ProgrammableSwitch {
  /** Replaces the entries of an earlier query, once pending writes of an aborted one have finished. */
  program(setup: QuerySetup): Promise<void>;
  /** @param port of the switch */
  serviceAt(port: number): ServiceEndpoint;
  /** Rejects when the switch has lost what was programmed. */
  readonly lost: Promise<never>;
}
