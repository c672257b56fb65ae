/** A scenario on the emulator, in this process. */
import type { Control, KeyDescription, MatchKey, Replica } from '../../../emulator/control.js';
import type { EngineFactory } from '../../../emulator/engines.js';
import { Switch } from '../../../emulator/switch.js';
import { jsonOf } from '../programs.js';
import {
  inOrder,
  CPU_PORT,
  type Configuration,
  type Group,
  type KeyValue,
  type Outcome,
  type Packet,
  type Scenario,
} from '../scenario.js';

/** P4Runtime's priorities rise, those of BMv2's tables fall. */
const MAX_PRIORITY = 2 ** 31 - 1;

export function runOnEmulator(scenario: Scenario, engine?: EngineFactory): Outcome {
  const device = new Switch(engine === undefined ? {} : { engine });
  device.load(jsonOf(scenario.build));
  const outputs: (readonly Packet[])[] = [];
  const packetIns: Uint8Array[] = [];
  for (const { configuration, packets } of scenario.phases) {
    clear(device.control);
    apply(device.control, configuration);
    for (const { port, bytes } of packets) {
      const left = device.receive(port, bytes);
      packetIns.push(...left.filter((output) => output.port === CPU_PORT).map((output) => output.bytes));
      outputs.push(inOrder(left.filter((output) => output.port !== CPU_PORT)));
    }
  }
  return { outputs, packetIns, counters: counters(device.control) };
}

function apply(control: Control, { entries, groups, cloneSessions = [] }: Configuration): void {
  const tables = new Map(control.describe().tables.map((table) => [table.name, table]));
  for (const { table, match, action, params, priority = MAX_PRIORITY } of entries) {
    const description = tables.get(table)!;
    const { params: declared } = description.actions.find(({ name }) => name === action)!;
    control.insertEntry(table, {
      keys: description.keys.map((declaration) => key(match[declaration.name], declaration)),
      priority: MAX_PRIORITY - priority,
      call: { action, args: declared.map(({ name }) => BigInt(params[name]!)) },
    });
  }
  for (const { group, replicas } of groups) {
    control.setMulticastGroup(group, replicas.map(toReplica));
  }
  for (const { session, replicas, truncateBytes } of cloneSessions)
    control.setCloneSession(session, replicas.map(toReplica), truncateBytes);
}

function clear(control: Control): void {
  for (const { name, constEntries } of control.describe().tables) {
    if (constEntries) continue;
    for (const { keys, priority } of [...control.entries(name)]) control.deleteEntry(name, keys, priority);
  }
  for (const group of [...control.multicastGroups().keys()]) control.deleteMulticastGroup(group);
  for (const session of [...control.cloneSessions().keys()]) control.deleteCloneSession(session);
}

function toReplica({ port, instance }: Group['replicas'][number]): Replica {
  return { egressPort: port, instance };
}

function key(input: KeyValue | undefined, { kind, width }: KeyDescription): MatchKey {
  const all = (1n << BigInt(width)) - 1n;
  if (input === undefined)
    return kind === 'range' ? { kind, low: 0n, high: all } : { kind: 'ternary', value: 0n, mask: 0n };
  if (typeof input === 'number') {
    const value = BigInt(input);
    return kind === 'ternary' ? { kind, value, mask: all } : { kind: 'exact', value };
  }
  if ('prefixLength' in input) return { kind: 'lpm', value: BigInt(input.value), prefixLength: input.prefixLength };
  if ('mask' in input) return { kind: 'ternary', value: BigInt(input.value), mask: BigInt(input.mask) };
  return { kind: 'range', low: BigInt(input.low), high: BigInt(input.high) };
}

function counters(control: Control): Outcome['counters'] {
  return Object.fromEntries(
    control.describe().counters.map(({ name, size }) => {
      const cells = Array.from(
        { length: size },
        (_, index) => [index, Number(control.readCounter(name, index).packets)] as const,
      );
      return [name, Object.fromEntries(cells.filter(([, packets]) => packets > 0))];
    }),
  );
}
