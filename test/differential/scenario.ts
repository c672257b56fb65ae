/**
 * What two switches are given, and what they do with it. All of it is plain data, so that a scenario can be
 * recorded, and replayed where only one of the two switches is.
 */

export type KeyValue =
  | number
  | { readonly value: number; readonly prefixLength: number }
  | { readonly value: number; readonly mask: number }
  | { readonly low: number; readonly high: number };

export interface Entry {
  readonly table: string;
  /** By key name; a ternary, optional or range key that is left out matches anything. */
  readonly match: Readonly<Record<string, KeyValue>>;
  readonly action: string;
  readonly params: Readonly<Record<string, number>>;
  /** As in P4Runtime: larger wins; only for tables with a ternary, optional or range key. */
  readonly priority?: number;
}

export interface Group {
  readonly group: number;
  readonly replicas: readonly { readonly port: number; readonly instance: number }[];
}

interface CloneSession {
  readonly session: number;
  readonly replicas: Group['replicas'];
  /** 0: not truncated. */
  readonly truncateBytes: number;
}

/** Everything that a control plane has written. */
export interface Configuration {
  readonly entries: readonly Entry[];
  readonly groups: readonly Group[];
  readonly cloneSessions?: readonly CloneSession[];
}

export interface Packet {
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** The configuration replaces that of the phase before; registers and counters stay. */
interface Phase {
  readonly configuration: Configuration;
  readonly packets: readonly Packet[];
}

export interface Scenario {
  readonly name: string;
  /** Name of a committed build, such as `fpisa-n16`, or of a program of test/emulator/programs, such as `program-tables`. */
  readonly build: string;
  readonly phases: readonly Phase[];
  /** A packet is sent when all that the one before it caused has left. */
  readonly oneByOne?: boolean;
}

/** The scenario's packets over all phases. */
export function packetsOf(scenario: Scenario): Packet[] {
  return scenario.phases.flatMap(({ packets }) => packets);
}

export interface Outcome {
  /** For each packet, what left through data ports because of it, {@link inOrder}. */
  readonly outputs: readonly (readonly Packet[])[];
  /** What left through the CPU port, over the whole scenario, with its `packet_in` header. */
  readonly packetIns: readonly Uint8Array[];
  /** Packets by counter and index at the end; zeros are left out. */
  readonly counters: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

export const CPU_PORT = 510;

/**
 * The order that outcomes are compared in. Which port is served first is free in simple_switch, as each has an egress
 * thread for every fourth port, and so is the order of a multicast's copies on one port, which P4Runtime leaves open.
 */
export function inOrder(outputs: readonly Packet[]): Packet[] {
  return [...outputs].sort((a, b) => a.port - b.port || Buffer.compare(a.bytes, b.bytes));
}
