/** A scenario on the emulator, in this process. */
import { readFileSync } from 'node:fs';
import type { Control, MatchKey } from '../../../emulator/control.js';
import { Switch, type SwitchOptions } from '../../../emulator/switch.js';
import { inOrder, CPU_PORT, type Configuration, type KeyValue, type Outcome, type Packet, type Scenario } from '../scenario.js';

const programs = new Map<string, string>();

export function buildJson(build: string): string {
  let json = programs.get(build);
  if (json === undefined) {
    json = readFileSync(new URL(`../../../p4/build/${build}.json`, import.meta.url), 'utf8');
    programs.set(build, json);
  }
  return json;
}

/** A switch with the scenario's build, and nothing configured. */
export function startEmulator(scenario: Pick<Scenario, 'build'>, options: SwitchOptions = {}): Switch {
  const device = new Switch(options);
  device.load(buildJson(scenario.build));
  return device;
}

export function runOnEmulator(scenario: Scenario, device = startEmulator(scenario)): Outcome {
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

export function apply(control: Control, { entries, groups }: Configuration): void {
  const tables = new Map(control.describe().tables.map((table) => [table.name, table]));
  for (const { table, match, action, params } of entries) {
    const description = tables.get(table)!;
    const { params: declared } = description.actions.find(({ name }) => name === action)!;
    control.insertEntry(table, {
      keys: description.keys.map(({ name, kind }) => key(match[name]!, kind)),
      priority: 0,
      call: { action, args: declared.map(({ name }) => BigInt(params[name]!)) },
    });
  }
  for (const { group, replicas } of groups) {
    control.setMulticastGroup(group, replicas.map(({ port, instance }) => ({ egressPort: port, instance })));
  }
}

export function clear(control: Control): void {
  for (const { name, constEntries } of control.describe().tables) {
    if (constEntries) continue;
    for (const { keys, priority } of [...control.entries(name)]) control.deleteEntry(name, keys, priority);
  }
  for (const group of [...control.multicastGroups().keys()]) control.deleteMulticastGroup(group);
}

function key(input: KeyValue, kind: MatchKey['kind']): MatchKey {
  if (typeof input === 'object') return { kind: 'lpm', value: BigInt(input.value), prefixLength: input.prefixLength };
  if (kind !== 'exact') throw new Error(`a scenario gives a plain value for a key of kind ${kind}`);
  return { kind, value: BigInt(input) };
}

function counters(control: Control): Outcome['counters'] {
  return Object.fromEntries(
    control.describe().counters.map(({ name, size }) => {
      const cells = Array.from({ length: size }, (_, index) => [index, Number(control.readCounter(name, index).packets)] as const);
      return [name, Object.fromEntries(cells.filter(([, packets]) => packets > 0))];
    }),
  );
}
