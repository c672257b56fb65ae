/**
 * A P4Runtime server without a data plane: arbitration, one pipeline, tables, groups and counters, as
 * BMv2's server behaves (errors as UNKNOWN with details, only CONTINUE_ON_ERROR). Records every write.
 */
import { Server, ServerCredentials, status as Code, type ServerDuplexStream } from '@grpc/grpc-js';
import { P4InfoIndex } from '../../p4runtime/p4info.js';
import { P4RuntimeService, type P4RuntimeHandlers } from '../../p4runtime/service.js';
import { statusTrailer } from '../../p4runtime/status.js';
import { fromUint128, toUint128 } from '../../p4runtime/uint128.js';
import type * as p4 from '../../p4runtime/messages.js';

type Stream = ServerDuplexStream<p4.StreamMessageRequest, p4.Init<p4.StreamMessageResponse>>;

function identity({ tableId, match, priority }: p4.TableEntry): string {
  const keys = match.map((key) =>
    JSON.stringify(key, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  );
  return `${tableId}|${keys.sort().join()}|${priority}`;
}

function rpcError(code: Code, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

export class FakeSwitch {
  pipeline: p4.ForwardingPipelineConfig | undefined;
  readonly entries = new Map<string, p4.TableEntry>();
  readonly groups = new Map<number, p4.MulticastGroupEntry>();
  readonly counters = new Map<string, p4.CounterData>();
  /** Every update that was requested, applied or not. */
  readonly updates: p4.Update[] = [];
  pushes = 0;
  /** Called when a pipeline is pushed, before the old state goes. */
  onPush: () => void = () => undefined;
  /** Called for each packet-out; what it returns goes back as packet-in payloads. */
  onPacketOut: (payload: Uint8Array, metadata: p4.PacketOut['metadata']) => Uint8Array[] = () => [];
  /** Refuses an update with this message, when it returns one. */
  refuse: (update: p4.Update) => string | undefined = () => undefined;
  private server: Server | undefined;
  private readonly streams = new Map<Stream, bigint>();
  private highest = 0n;
  port = 0;

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(credentials = ServerCredentials.createInsecure()): Promise<this> {
    this.server = new Server({ 'grpc.max_receive_message_length': -1 });
    this.server.addService(P4RuntimeService, this.handlers());
    this.port = await new Promise<number>((resolve, reject) => {
      this.server!.bindAsync(`127.0.0.1:${this.port}`, credentials, (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    return this;
  }

  stop(): void {
    this.server?.forceShutdown();
    this.streams.clear();
    this.highest = 0n;
  }

  /** What a power cycle does. */
  lose(): void {
    this.pipeline = undefined;
    this.entries.clear();
    this.groups.clear();
    this.counters.clear();
  }

  /** What another controller would write. */
  put(entry: p4.TableEntry): void {
    this.entries.set(identity(entry), entry);
  }

  table(name: string): p4.TableEntry[] {
    if (!this.pipeline?.p4info) return [];
    const { id } = new P4InfoIndex(this.pipeline.p4info).tables.find(name);
    return [...this.entries.values()].filter(({ tableId }) => tableId === id);
  }

  private handlers(): P4RuntimeHandlers {
    return {
      Write: (call, callback) => {
        const { updates, electionId } = call.request;
        if (fromUint128(electionId ?? { high: 0n, low: 0n }) !== this.highest)
          return callback(rpcError(Code.PERMISSION_DENIED, 'Not primary'));
        if (call.request.atomicity !== 'CONTINUE_ON_ERROR') return callback(rpcError(Code.UNIMPLEMENTED, 'atomicity'));
        this.updates.push(...updates);
        const errors = updates.map((update) => this.apply(update));
        if (errors.every(({ canonicalCode }) => canonicalCode === Code.OK)) return callback(null, {});
        callback({
          ...rpcError(Code.UNKNOWN, ''),
          code: Code.UNKNOWN,
          metadata: statusTrailer(Code.UNKNOWN, '', errors),
        } as never);
      },
      Read: (call) => {
        call.write({ entities: call.request.entities.flatMap((entity) => this.find(entity)) });
        call.end();
      },
      SetForwardingPipelineConfig: (call, callback) => {
        if (fromUint128(call.request.electionId ?? { high: 0n, low: 0n }) !== this.highest)
          return callback(rpcError(Code.PERMISSION_DENIED, 'Not primary'));
        this.onPush();
        this.lose();
        this.pipeline = call.request.config;
        this.pushes++;
        callback(null, {});
      },
      GetForwardingPipelineConfig: (call, callback) => {
        if (this.pipeline === undefined)
          return callback(rpcError(Code.FAILED_PRECONDITION, 'No forwarding pipeline config set for this device'));
        const { cookie, p4info, p4DeviceConfig } = this.pipeline;
        const full = call.request.responseType === 'ALL';
        callback(null, {
          config: {
            cookie,
            ...(call.request.responseType !== 'COOKIE_ONLY' && { p4info }),
            ...(full && { p4DeviceConfig }),
          },
        });
      },
      StreamChannel: (call) => this.stream(call),
      Capabilities: (_, callback) => callback(null, { p4runtimeApiVersion: '1.3.0' }),
    };
  }

  private stream(call: Stream): void {
    call.on('error', () => undefined);
    call.on('cancelled', () => {
      if (!this.streams.delete(call)) return;
      this.notify();
    });
    call.on('data', (message: p4.StreamMessageRequest) => {
      if (message.arbitration) {
        this.streams.set(call, fromUint128(message.arbitration.electionId ?? { high: 0n, low: 0n }));
        this.notify();
      }
      if (message.packet) {
        for (const payload of this.onPacketOut(message.packet.payload, message.packet.metadata)) {
          call.write({ packet: { payload, metadata: [{ metadataId: 1, value: Uint8Array.of(1) }] } });
        }
      }
    });
  }

  private notify(): void {
    this.highest = [...this.streams.values()].reduce((most, id) => (id > most ? id : most), 0n);
    for (const [stream, id] of this.streams) {
      const primary = id === this.highest;
      stream.write({
        arbitration: {
          deviceId: 1n,
          electionId: toUint128(this.highest),
          status: { code: primary ? Code.OK : Code.ALREADY_EXISTS },
        },
      });
    }
  }

  private apply(update: p4.Update): p4.Init<p4.UpdateError> {
    const refusal = this.refuse(update);
    if (refusal !== undefined) return { canonicalCode: Code.INVALID_ARGUMENT, message: refusal };
    const entity = update.entity!;
    if (entity.counterEntry) {
      this.counters.set(
        `${entity.counterEntry.counterId}/${entity.counterEntry.index!.index}`,
        entity.counterEntry.data!,
      );
      return { canonicalCode: Code.OK };
    }
    const group = entity.packetReplicationEngineEntry?.multicastGroupEntry;
    if (group) return this.change(this.groups, group.multicastGroupId, group, update.type);
    return this.change(this.entries, identity(entity.tableEntry!), entity.tableEntry!, update.type);
  }

  private change<K, V>(map: Map<K, V>, key: K, value: V, type: p4.UpdateType): p4.Init<p4.UpdateError> {
    if (type === 'INSERT' && map.has(key))
      return {
        canonicalCode: Code.ALREADY_EXISTS,
        message: 'Match entry exists, use MODIFY if you wish to change action',
      };
    if (type !== 'INSERT' && !map.has(key))
      return { canonicalCode: Code.NOT_FOUND, message: 'Cannot find match entry' };
    if (type === 'DELETE') map.delete(key);
    else map.set(key, value);
    return { canonicalCode: Code.OK };
  }

  private find(entity: p4.Entity): p4.Init<p4.Entity>[] {
    if (entity.tableEntry) {
      return [...this.entries.values()]
        .filter(({ tableId }) => tableId === entity.tableEntry!.tableId)
        .map((tableEntry) => ({ tableEntry }));
    }
    if (entity.packetReplicationEngineEntry) {
      return [...this.groups.values()].map((multicastGroupEntry) => ({
        packetReplicationEngineEntry: { multicastGroupEntry },
      }));
    }
    const counter = entity.counterEntry!;
    const indices = counter.index ? [counter.index.index] : Array.from({ length: 32 }, (_, i) => BigInt(i));
    return indices.map((index) => ({
      counterEntry: {
        counterId: counter.counterId,
        index: { index },
        data: this.counters.get(`${counter.counterId}/${index}`) ?? { packetCount: 0n, byteCount: 0n },
      },
    }));
  }
}

/** The controller's stamp (controlplane/controller/stamp.ts), a receiver at port 511: part of it is random. */
export function isStamp({ match }: Pick<p4.TableEntry, 'match'>): boolean {
  return match.length === 3 && Buffer.from(match[2]!.exact?.value ?? []).toString('hex') === '01ff';
}
