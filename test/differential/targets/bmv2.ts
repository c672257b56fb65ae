/** A scenario on BMv2's simple_switch_grpc: tables over P4Runtime, packets over its gRPC dataplane. */
import { credentials } from '@grpc/grpc-js';
import {
  insert,
  P4RuntimeClient,
  remove,
  type EntityInput,
  type UpdateInput,
} from '../../../controlplane/p4runtime/index.js';
import { DataplaneClient, type DataplanePacket, type DataplaneStub } from '../bmv2/dataplane.js';
import { Bmv2Process } from '../bmv2/process.js';
import { pipelineOf } from '../programs.js';
import { inOrder, CPU_PORT, type Configuration, type Outcome, type Packet, type Scenario } from '../scenario.js';

/**
 * simple_switch drops what does not fit the 64 places of a port's egress queue. A batch puts at most two copies of
 * a packet on one port, and the next begins when the switch is empty.
 */
const BATCH_PACKETS = 30;

/** A frame that returns to the control plane, counts in no counter and touches no register: Ethernet of type 0. */
const MARKER = Uint8Array.from([...Buffer.from('end of batch'), 0, 0]);

const DEVICE_ID = 1;
/** Timeout for what never arrives: a busy machine takes long to load a program. */
const PATIENCE_MS = 180_000;
const MARKER_TIMEOUT_MS = PATIENCE_MS;
/** Of a batch; a packet that simple_switch never finishes would keep the stream open forever. */
const BATCH_TIMEOUT_MS = PATIENCE_MS;

export class Bmv2 {
  private packetIns: Uint8Array[] = [];
  private onPacketIn: () => void = () => {};

  private constructor(
    private readonly process: Bmv2Process,
    readonly client: P4RuntimeClient,
    private readonly dataplane: DataplaneStub,
  ) {
    client.on('packetIn', ({ payload, metadata }) => {
      const bytes = new Uint8Array(2 + payload.length);
      new DataView(bytes.buffer).setUint16(0, (Number(metadata['ingress_port']) << 7) | Number(metadata['pad']));
      bytes.set(payload, 2);
      this.packetIns.push(bytes);
      this.onPacketIn();
    });
  }

  static async start(): Promise<Bmv2> {
    const process = new Bmv2Process(DEVICE_ID, CPU_PORT);
    try {
      const client = new P4RuntimeClient({
        address: process.p4runtimeAddress,
        deviceId: DEVICE_ID,
        electionId: 1n,
        rpcTimeoutMs: PATIENCE_MS,
      });
      await client.connect({ timeoutMs: PATIENCE_MS });
      const dataplane = new DataplaneClient(process.dataplaneAddress, credentials.createInsecure());
      return new Bmv2(process, client, dataplane);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.dataplane.close();
    this.client.close();
    await this.process.stop();
  }

  /** @param options.keep leave the configuration where it is */
  async run(scenario: Scenario, options: { keep?: boolean } = {}): Promise<Outcome> {
    // A new pipeline has empty tables, groups, registers and counters.
    await this.client.setPipeline(pipelineOf(scenario.build));
    this.packetIns = [];
    const controllable = this.client.p4info.packetHeaders.items.some(({ name }) => name === 'packet_in');
    const batch = scenario.oneByOne === true ? 1 : BATCH_PACKETS;
    const outputs: (readonly Packet[])[] = [];
    let written: UpdateInput[] = [];
    for (const { configuration, packets } of scenario.phases) {
      await this.client.write([...written].reverse().map(({ entity }) => removal(entity)));
      written = updates(configuration);
      await this.client.write(written);
      for (let at = 0; at < packets.length; at += batch)
        outputs.push(...(await this.exchange(packets.slice(at, at + batch))));
    }
    const packetIns = controllable ? await this.collectPacketIns() : [];
    // A new pipeline forgets multicast groups without taking their copies out of simple_switch's replication engine.
    if (options.keep !== true) await this.client.write([...written].reverse().map(({ entity }) => removal(entity)));
    return { outputs, packetIns, counters: await this.counters() };
  }

  /** @returns for each packet what left because of it, when the switch is empty again */
  private exchange(packets: readonly Packet[]): Promise<Packet[][]> {
    const outputs = packets.map((): Packet[] => []);
    const last = new Map<number, number>();
    return new Promise((resolve, reject) => {
      const stream = this.dataplane.PacketStream({ deadline: Date.now() + BATCH_TIMEOUT_MS });
      stream.on('data', ({ id, port, packet }: DataplanePacket) => {
        // Packets must not overtake each other on a port: what is compared is by packet, and would not show it.
        if (id < (last.get(port) ?? 0))
          reject(new Error(`packet ${last.get(port)} of a batch left through port ${port} before packet ${id}`));
        last.set(port, id);
        outputs[id - 1]!.push({ port, bytes: packet });
      });
      stream.on('error', (error) =>
        reject(new Error(`simple_switch_grpc's dataplane failed: ${error.message}\n${this.process.lastWords()}`)),
      );
      stream.on('end', () => resolve(outputs.map(inOrder)));
      packets.forEach(({ port, bytes }, index) =>
        stream.write({ id: index + 1, deviceId: DEVICE_ID, port, packet: bytes }),
      );
      stream.end();
    });
  }

  /** Packet-ins come on another connection than other outputs, in order; so a marker shows that all are here. */
  private async collectPacketIns(): Promise<Uint8Array[]> {
    const isMarker = (bytes: Uint8Array): boolean => Buffer.compare(bytes.subarray(2), MARKER) === 0;
    const marked = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no packet-in came back within ${MARKER_TIMEOUT_MS} ms\n${this.process.lastWords()}`)),
        MARKER_TIMEOUT_MS,
      );
      this.onPacketIn = () => {
        if (!this.packetIns.some(isMarker)) return;
        clearTimeout(timer);
        resolve();
      };
    });
    await this.exchange([
      { port: CPU_PORT, bytes: Uint8Array.from([CPU_PORT >> 1, (CPU_PORT << 7) & 0xff, ...MARKER]) },
    ]);
    await marked;
    this.onPacketIn = () => {};
    return this.packetIns.filter((bytes) => !isMarker(bytes));
  }

  private async counters(): Promise<Outcome['counters']> {
    const counters: Record<string, Record<number, number>> = {};
    for (const { name } of this.client.p4info.counters.items) {
      const cells = await this.client.readCounters(name);
      counters[name] = Object.fromEntries(
        cells.flatMap(({ packets }, index) => (packets > 0n ? [[index, Number(packets)]] : [])),
      );
    }
    return counters;
  }
}

function updates({ entries, groups, cloneSessions = [] }: Configuration): UpdateInput[] {
  return [
    ...cloneSessions.map((cloneSession) => insert({ cloneSession })),
    ...groups.map(({ group, replicas }) => insert({ multicastGroup: { group, replicas } })),
    ...entries.map((entry) => insert({ entry })),
  ];
}

function removal(entity: EntityInput): UpdateInput {
  if ('entry' in entity) {
    const { table, match, priority } = entity.entry;
    return remove({
      entryKey: { table, ...(match !== undefined && { match }), ...(priority !== undefined && { priority }) },
    });
  }
  if ('multicastGroup' in entity) return remove({ multicastGroup: { ...entity.multicastGroup, replicas: [] } });
  if ('cloneSession' in entity) return remove({ cloneSession: { ...entity.cloneSession, replicas: [] } });
  throw new Error('a configuration has entries, groups and clone sessions alone');
}
