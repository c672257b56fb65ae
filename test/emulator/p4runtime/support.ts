/** A switch with a P4Runtime server on a loopback port, and a controller that sends raw messages. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { credentials, type ClientDuplexStream, type ClientOptions, type ServiceError } from '@grpc/grpc-js';
import {
  codeName,
  encodeBytestring,
  indexP4Info,
  P4RuntimeServiceClient,
  toUint128,
  unary,
  updateErrors,
  type Atomicity,
  type Entity,
  type Init,
  type P4InfoIndex,
  type P4RuntimeStub,
  type PipelineAction,
  type SetForwardingPipelineConfigRequest,
  type StreamMessageRequest,
  type StreamMessageResponse,
  type TableAction,
  type UpdateType,
} from '../../../p4runtime/index.js';
import type { Clock } from '../../../emulator/p4runtime/clock.js';
import { P4RuntimeServer, type P4RuntimeServerOptions } from '../../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../../emulator/p4runtime/switch-device.js';

export const file = (name: string): Buffer => readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));

export const program = (): Buffer => file('features.json');

/** The program with room for so many entries in l2. */
export function programWithRoom(entries: number): Buffer {
  const json = JSON.parse(program().toString()) as {
    pipelines: { tables: { name: string; max_size: number }[] }[];
  };
  json.pipelines.flatMap(({ tables }) => tables).find(({ name }) => name.endsWith('l2'))!.max_size = entries;
  return Buffer.from(JSON.stringify(json));
}

export const index: P4InfoIndex = indexP4Info(file('features.p4info.txtpb').toString());

export const CPU_PORT = 510;

/** Time that moves only when told to. */
export class ManualClock implements Clock {
  private now = 0;
  private timers: { at: number; run: () => void }[] = [];
  nowNs(): bigint {
    return BigInt(this.now) * 1_000_000n;
  }
  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.now + milliseconds, run };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((each) => each !== timer));
  }
  /** Milliseconds. */
  advance(by: number): void {
    const end = this.now + by;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }
}

/** One stream to the server with a queue of what came. */
export class Stream {
  private readonly call: ClientDuplexStream<Init<StreamMessageRequest>, StreamMessageResponse>;
  private readonly messages: StreamMessageResponse[] = [];
  private wake: () => void = () => {};
  /** The end of the stream: its error, or null for a clean end. */
  ended: ServiceError | null | undefined;

  constructor(stub: P4RuntimeStub) {
    this.call = stub.StreamChannel();
    this.call.on('data', (message: StreamMessageResponse) => {
      this.messages.push(message);
      this.wake();
    });
    this.call.on('error', (error: ServiceError) => {
      this.ended = error;
      this.wake();
    });
    this.call.on('end', () => {
      this.ended ??= null;
      this.wake();
    });
  }

  send(message: Init<StreamMessageRequest>): void {
    this.call.write(message);
  }

  arbitrate(electionId: bigint | undefined, role?: string, deviceId = 1n): void {
    this.send({
      arbitration: {
        deviceId,
        ...(role !== undefined && { role: { name: role } }),
        ...(electionId !== undefined && { electionId: toUint128(electionId) }),
      },
    });
  }

  /** The next message; waits for it. */
  async next(): Promise<StreamMessageResponse> {
    while (this.messages.length === 0) {
      if (this.ended !== undefined) throw new Error(`the stream ended: ${this.ended?.message ?? 'cleanly'}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return this.messages.shift()!;
  }

  /** The name of the status of the next arbitration message, and the election id in it. */
  async verdict(): Promise<[string, bigint | undefined]> {
    const { arbitration } = await this.next();
    const id = arbitration!.electionId;
    return [codeName(arbitration!.status!.code), id && (id.high << 64n) | id.low];
  }

  /** The status with which the server ends the stream. */
  async end(): Promise<string> {
    while (this.ended === undefined) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.ended ? codeName(this.ended.code) : 'OK';
  }

  /** Messages that are here already. */
  get waiting(): number {
    return this.messages.length;
  }

  close(): void {
    this.call.end();
  }
  cancel(): void {
    this.call.cancel();
  }
}

/** The error of a failed call: the code of the call and those of its parts, with their messages. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly errors: readonly string[];
  readonly messages: readonly string[];
}

export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const errors = updateErrors(error);
    return {
      code: codeName((error as ServiceError).code),
      message: (error as ServiceError).details,
      errors: errors.map(({ canonicalCode }) => codeName(canonicalCode)),
      messages: errors.map(({ message }) => message),
    };
  }
  throw new Error('the call should have failed');
}

export class TestBed {
  readonly device: SwitchDevice;
  readonly server: P4RuntimeServer;
  stub!: P4RuntimeStub;
  port = 0;
  private stubs: P4RuntimeStub[] = [];

  private constructor(options: P4RuntimeServerOptions, switchClock?: () => number) {
    this.device = new SwitchDevice(switchClock ? { clock: switchClock } : {});
    this.server = new P4RuntimeServer(this.device, options);
  }

  /** @param switchClock microseconds */
  static async start(options: P4RuntimeServerOptions = {}, switchClock?: () => number): Promise<TestBed> {
    const bed = new TestBed(options, switchClock);
    bed.port = await bed.server.listen('127.0.0.1:0');
    bed.stub = bed.connect();
    return bed;
  }

  /** Stubs with equal options share a connection, unless these have a subchannel pool of their own. */
  connect(options: ClientOptions = {}): P4RuntimeStub {
    const stub = new P4RuntimeServiceClient(`127.0.0.1:${this.port}`, credentials.createInsecure(), options);
    this.stubs.push(stub);
    return stub;
  }

  stream(): Stream {
    return new Stream(this.stub);
  }

  /** A stream that is primary with election id 1. */
  async primary(): Promise<Stream> {
    const stream = this.stream();
    stream.arbitrate(1n);
    await stream.verdict();
    return stream;
  }

  async stop(): Promise<void> {
    for (const stub of this.stubs) stub.close();
    await this.server.close();
  }

  setPipeline(
    action: PipelineAction,
    config: Init<SetForwardingPipelineConfigRequest>['config'] | undefined,
    more: Init<SetForwardingPipelineConfigRequest> = {},
  ): Promise<unknown> {
    return unary(this.stub, 'SetForwardingPipelineConfig', {
      deviceId: 1n,
      electionId: toUint128(1n),
      action,
      ...(config && { config }),
      ...more,
    });
  }

  commit(): Promise<unknown> {
    return this.setPipeline('VERIFY_AND_COMMIT', { p4info: index.message, p4DeviceConfig: program() });
  }

  writeAll(
    updates: readonly [UpdateType, Init<Entity>][],
    atomicity: Atomicity = 'CONTINUE_ON_ERROR',
  ): Promise<unknown> {
    return unary(this.stub, 'Write', {
      deviceId: 1n,
      electionId: toUint128(1n),
      atomicity,
      updates: updates.map(([type, entity]) => ({ type, entity })),
    });
  }

  write(type: UpdateType, entity: Init<Entity>): Promise<unknown> {
    return this.writeAll([[type, entity]]);
  }

  insert(entity: Init<Entity>): Promise<unknown> {
    return this.write('INSERT', entity);
  }

  /** The code of the one update of a write that fails. */
  async refusal(type: UpdateType, entity: Init<Entity>): Promise<string> {
    return (await failureOf(this.write(type, entity))).errors[0]!;
  }

  read(...entities: Init<Entity>[]): Promise<Entity[]> {
    return new Promise((resolve, reject) => {
      const found: Entity[] = [];
      const call = this.stub.Read({ deviceId: 1n, entities });
      call.on('data', (response: { entities: Entity[] }) => found.push(...response.entities));
      call.on('error', (error) => reject(Object.assign(error, { found })));
      call.on('end', () => resolve(found));
    });
  }
}

export const bytes = (value: bigint | number): Uint8Array => encodeBytestring(value);

/** An action by name, its arguments in order. */
export function action(name: string, ...args: (bigint | number)[]): Init<TableAction> & { action: object } {
  const { id, params } = index.actions.find(name);
  return {
    action: { actionId: id, params: params.items.map((param, i) => ({ paramId: param.id, value: bytes(args[i]!) })) },
  };
}

export const tableId = (name: string): number => index.tables.find(name).id;

export function l2(dst: bigint, does: Init<TableAction>, more: Init<Entity>['tableEntry'] = {}): Init<Entity> {
  return {
    tableEntry: {
      tableId: tableId('l2'),
      match: [{ fieldId: 1, exact: { value: bytes(dst) } }],
      action: does,
      ...more,
    },
  };
}

/** An Ethernet frame of 60 bytes. */
export function frame(dst: bigint, src: bigint, type: number): Uint8Array {
  const out = new Uint8Array(60);
  const hex =
    dst.toString(16).padStart(12, '0') + src.toString(16).padStart(12, '0') + type.toString(16).padStart(4, '0');
  out.set(Buffer.from(hex, 'hex'));
  for (let i = 14; i < out.length; i++) out[i] = i;
  return out;
}
