/** Whether two switches did the same, and if not, where they first differ. */
import { packetsOf, type Outcome, type Packet, type Scenario } from './scenario.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const samePacket = (a: Packet, b: Packet): boolean => a.port === b.port && Buffer.compare(a.bytes, b.bytes) === 0;
const same = (a: readonly Packet[], b: readonly Packet[]): boolean =>
  a.length === b.length && a.every((packet, index) => samePacket(packet, b[index]!));
const list = (packets: readonly Packet[]): string =>
  packets.length === 0 ? '  nothing' : packets.map(({ port, bytes }) => `  port ${port}: ${hex(bytes)}`).join('\n');

/** @returns undefined when the outcomes are equal, else a text that shows the first packet that was treated differently */
export function firstDifference(scenario: Scenario, bmv2: Outcome, emulator: Outcome): string | undefined {
  const packets = packetsOf(scenario);
  const heading = `${scenario.build}, ${scenario.name}`;
  for (const [index, packet] of packets.entries()) {
    const expected = bmv2.outputs[index] ?? [];
    const actual = emulator.outputs[index] ?? [];
    if (same(expected, actual)) continue;
    return `${heading}: packet ${index} of ${packets.length}, port ${packet.port}: ${hex(packet.bytes)}\nfrom BMv2:\n${list(expected)}\nfrom the emulator:\n${list(actual)}`;
  }
  const packetIns = (outcome: Outcome): Packet[] => outcome.packetIns.map((bytes) => ({ port: 510, bytes }));
  if (!same(packetIns(bmv2), packetIns(emulator))) {
    return `${heading}: packet-ins\nfrom BMv2:\n${list(packetIns(bmv2))}\nfrom the emulator:\n${list(packetIns(emulator))}`;
  }
  for (const name of new Set([...Object.keys(bmv2.counters), ...Object.keys(emulator.counters)])) {
    const [expected, actual] = [bmv2.counters[name] ?? {}, emulator.counters[name] ?? {}];
    if (canonical(expected) !== canonical(actual))
      return `${heading}: counter ${name} by index\nof BMv2: ${canonical(expected)}\nof the emulator: ${canonical(actual)}`;
  }
  return undefined;
}

function canonical(cells: Readonly<Record<number, number>>): string {
  return JSON.stringify(Object.entries(cells).sort(([a], [b]) => Number(a) - Number(b)));
}
