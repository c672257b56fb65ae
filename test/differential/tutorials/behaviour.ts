/** Runs the packets of a program through a switch that a controller of the tutorials has set up. */
import type { Entity } from '../../../p4runtime/index.js';
import type { ControlledSwitch } from '../control/controlled-switch.js';
import { CPU_PORT } from '../scenario.js';
import { committed, runtimeFile, type Behaviour } from './files.js';
import { packetsFor } from './packets.js';
import { updatesOf } from './runtime.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Stops the switch. */
export async function behaviourOf(target: ControlledSwitch, name: string): Promise<Behaviour> {
  try {
    const { json, p4info } = committed(name);
    await target.load(json, p4info);
    for (const [type, entity] of updatesOf(runtimeFile(name), target.p4info)) await target.write(type, entity);
    const outputs: string[][] = [];
    const packetIns: string[] = [];
    const controllable = target.p4info.packetHeaders.items.some((header) => header.name === 'packet_in');
    for (const { port, bytes } of packetsFor(name)) {
      const left = await target.send(port, bytes);
      outputs.push(left.map((packet) => `${packet.port}:${hex(packet.bytes)}`));
      // In the program with a controller, a packet that did not leave and is not dropped went to it.
      if (!controllable || left.length > 0 || port === CPU_PORT || isDropped(bytes)) continue;
      const { packet } = await target.next();
      packetIns.push(`${packet!.metadata.map(({ value }) => hex(value)).join()}:${hex(packet!.payload)}`);
    }
    return { outputs, packetIns, counters: await counters(target) };
  } finally {
    await target.stop();
  }
}

/** Of UDP from 10.0.2.2 to 10.0.3.3, by an entry of flowcache. */
function isDropped(bytes: Uint8Array): boolean {
  return bytes[23] === 17 && hex(bytes.subarray(26, 34)) === '0a0002020a000303';
}

async function counters(target: ControlledSwitch): Promise<string[]> {
  const { counters: indexed, tables } = target.p4info;
  const lines: string[] = [];
  const line = (
    name: string,
    data: Entity['counterEntry'] extends infer C ? (NonNullable<C> extends { data?: infer D } ? D : never) : never,
  ): void => {
    if (data !== undefined && data.packetCount > 0n)
      lines.push(`${name}: ${data.packetCount} packets, ${data.byteCount} bytes`);
  };
  for (const { id, name } of indexed.items)
    for (const { counterEntry } of await target.read({ counterEntry: { counterId: id } }))
      line(`${name}[${counterEntry!.index!.index}]`, counterEntry!.data);
  for (const { id, name, directCounter } of tables.items) {
    if (directCounter === undefined) continue;
    for (const { tableEntry } of await target.read({ tableEntry: { tableId: id, counterData: {} } })) {
      const key = tableEntry!.match.map(({ exact }) => hex(exact!.value)).join();
      line(`${name}[${key}]`, tableEntry!.counterData);
    }
  }
  return lines.sort();
}
