/** A switch as its controller and its neighbours see it: BMv2, or the emulator with its P4Runtime server. */
import { credentials } from '@grpc/grpc-js';
import type { EngineName } from '../../../emulator/engines.js';
import { P4RuntimeServer } from '../../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../../emulator/p4runtime/switch-device.js';
import {
  encodeBytestring,
  indexP4Info,
  P4RuntimeServiceClient,
  toUint128,
  unary,
  type Entity,
  type Init,
  type P4InfoIndex,
  type P4RuntimeStub,
  type StreamMessageResponse,
  type TableAction,
  type UpdateType,
} from '../../../p4runtime/index.js';
import { Stream } from '../../emulator/p4runtime/support.js';
import { DataplaneClient, type DataplanePacket } from '../bmv2/dataplane.js';
import { Bmv2Process } from '../bmv2/process.js';
import { CPU_PORT, inOrder, type Packet } from '../scenario.js';

const DEVICE_ID = 1;
const PACKET_TIMEOUT_MS = 20_000;
/** gRPC clients connect when they first send something; BMv2's server may not listen yet. */
const READY_TIMEOUT_MS = 20_000;

type Send = (port: number, bytes: Uint8Array) => Promise<readonly Packet[]>;

export class ControlledSwitch {
  private readonly stream: Stream;
  private known: P4InfoIndex | undefined;

  private constructor(
    private readonly stub: P4RuntimeStub,
    /** Resolves to what left because of the packet, when the switch is done with it. */
    readonly send: Send,
    private readonly ready: () => Promise<void>,
    private readonly end: () => Promise<void>,
  ) {
    this.stream = new Stream(stub);
  }

  static async emulator(engine: EngineName): Promise<ControlledSwitch> {
    const device = new SwitchDevice({ engine });
    const server = new P4RuntimeServer(device, { idleScanMs: 5 });
    const port = await server.listen('127.0.0.1:0');
    const stub = new P4RuntimeServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const send: Send = (from, bytes) => Promise.resolve(inOrder(device.receive(from, bytes)));
    return new ControlledSwitch(
      stub,
      send,
      () => device.current.ready(),
      async () => {
        stub.close();
        await server.close();
      },
    );
  }

  static async bmv2(): Promise<ControlledSwitch> {
    const process = new Bmv2Process(DEVICE_ID, CPU_PORT);
    const stub = new P4RuntimeServiceClient(process.p4runtimeAddress, credentials.createInsecure());
    const dataplane = new DataplaneClient(process.dataplaneAddress, credentials.createInsecure());
    const end = async (): Promise<void> => {
      stub.close();
      dataplane.close();
      await process.stop();
    };
    try {
      await new Promise<void>((resolve, reject) =>
        stub.waitForReady(Date.now() + READY_TIMEOUT_MS, (error) => (error ? reject(error) : resolve())),
      );
    } catch (error) {
      await end();
      throw error;
    }
    const exchange: Send = (port, bytes) =>
      new Promise((resolve, reject) => {
        const outputs: Packet[] = [];
        const stream = dataplane.PacketStream({ deadline: Date.now() + PACKET_TIMEOUT_MS });
        stream.on('data', (packet: DataplanePacket) => outputs.push({ port: packet.port, bytes: packet.packet }));
        stream.on('error', reject);
        stream.on('end', () => resolve(inOrder(outputs)));
        stream.write({ id: 1, deviceId: DEVICE_ID, port, packet: bytes });
        stream.end();
      });
    const deadline = Date.now() + READY_TIMEOUT_MS;
    const send: Send = async (port, bytes) => {
      for (;;) {
        try {
          return await exchange(port, bytes);
        } catch (error) {
          // The dataplane's server may come up later than the other one; it has taken no packet then.
          if (/not ready/.test((error as Error).message) && Date.now() < deadline)
            await new Promise((resolve) => setTimeout(resolve, 20));
          else
            throw new Error(
              `simple_switch_grpc's dataplane failed: ${(error as Error).message}\n${process.lastWords()}`,
            );
        }
      }
    };
    return new ControlledSwitch(stub, send, () => Promise.resolve(), end);
  }

  /** Becomes primary and gives it a program. */
  async load(json: string, p4info: string): Promise<void> {
    await this.settle();
    this.known = indexP4Info(p4info);
    await unary(this.stub, 'SetForwardingPipelineConfig', {
      ...this.header,
      action: 'VERIFY_AND_COMMIT',
      config: { p4info: this.known.message, p4DeviceConfig: Buffer.from(json) },
    });
    await this.ready();
  }

  get p4info(): P4InfoIndex {
    return this.known!;
  }

  async write(type: UpdateType, ...entities: readonly Init<Entity>[]): Promise<void> {
    await unary(this.stub, 'Write', { ...this.header, updates: entities.map((entity) => ({ type, entity })) });
  }

  read(entity: Init<Entity>): Promise<Entity[]> {
    return new Promise((resolve, reject) => {
      const found: Entity[] = [];
      const call = this.stub.Read({ deviceId: BigInt(DEVICE_ID), entities: [entity] });
      call.on('data', ({ entities }: { entities: Entity[] }) => found.push(...entities));
      call.on('error', reject);
      call.on('end', () => resolve(found));
    });
  }

  acknowledge(digestId: number, listId: bigint): void {
    this.stream.send({ digestAck: { digestId, listId } });
  }

  /** All that was sent on the stream before is done when this resolves. */
  async settle(): Promise<void> {
    this.stream.arbitrate(1n);
    for (;;) {
      const message = await this.stream.next();
      if (message.arbitration !== undefined) return;
      this.waiting.push(message);
    }
  }

  private readonly waiting: StreamMessageResponse[] = [];

  /** The next message of the stream that is no answer to an arbitration. */
  async next(): Promise<StreamMessageResponse> {
    return this.waiting.shift() ?? (await this.stream.next());
  }

  action(name: string, ...args: readonly number[]): Init<TableAction> & { action: object } {
    const { id, params } = this.p4info.actions.find(name);
    return {
      action: {
        actionId: id,
        params: params.items.map((param, i) => ({ paramId: param.id, value: encodeBytestring(args[i]!) })),
      },
    };
  }

  async stop(): Promise<void> {
    this.stream.cancel();
    await this.end();
  }

  private get header(): { deviceId: bigint; electionId: ReturnType<typeof toUint128> } {
    return { deviceId: BigInt(DEVICE_ID), electionId: toUint128(1n) };
  }
}
