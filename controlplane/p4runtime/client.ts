/** A P4Runtime client that uses names and plain values, and reconnects by itself. */
import { status as Code } from '@grpc/grpc-js';
import { decodeBytestring } from '../../p4runtime/bytestring.js';
import { P4InfoIndex } from '../../p4runtime/p4info.js';
import { unary } from '../../p4runtime/service.js';
import { toUint128 } from '../../p4runtime/uint128.js';
import type {
  Atomicity,
  Entity,
  ForwardingPipelineConfig,
  Init,
  PipelineAction,
  PipelineResponseType,
  StreamMessageResponse,
} from '../../p4runtime/messages.js';
import { RPC_TIMEOUT_MS } from './client-options.js';
import { checkIndex, decodeCloneSession, decodeCounter, decodeMulticastGroup, EntityCodec } from './entity-codec.js';
import { NoPipelineError, P4RuntimeRpcError } from './errors.js';
import {
  remove,
  type CloneSession,
  type CounterValue,
  type Entry,
  type EntryKeyInput,
  type MulticastGroup,
  type UpdateInput,
  type Value,
} from './entries.js';
import type { PipelineConfig } from './pipeline.js';
import { ReconnectingClient } from './reconnecting-client.js';
import { rpcError, writeError } from './rpc-errors.js';
import {
  decodeStreamMessage,
  digestAckMessage,
  packetOutMessage,
  type DigestEvent,
  type StreamEvent,
} from './stream-messages.js';

/**
 * `connect()` or `start()`, then everything else. A lost connection is re-established until `close()`; calls
 * in between fail with NotConnectedError.
 *
 * @throws P4InfoLookupError and EntityError for wrong names and values, NotConnectedError, NotPrimaryError,
 * NoPipelineError, WriteError (per update) and P4RuntimeRpcError, from every call
 */
export class P4RuntimeClient extends ReconnectingClient {
  private codec: EntityCodec | undefined;

  /** Names and ids of the pipeline in use. @throws NoPipelineError */
  get p4info(): P4InfoIndex {
    return this.entities.index;
  }

  /** @throws NoPipelineError */
  get entities(): EntityCodec {
    if (this.codec === undefined)
      throw new NoPipelineError(`no pipeline is known for ${this.address}; call setPipeline or getPipeline first`);
    return this.codec;
  }

  // Pipeline

  /** Uses this P4Info for names without reading it from the switch. */
  usePipeline(pipeline: Pick<PipelineConfig, 'index'>): void {
    this.codec = new EntityCodec(pipeline.index);
  }

  async setPipeline(pipeline: PipelineConfig, action: PipelineAction = 'VERIFY_AND_COMMIT'): Promise<void> {
    const connection = this.connected();
    await this.call('SetForwardingPipelineConfig', () =>
      unary(
        connection.stub,
        'SetForwardingPipelineConfig',
        {
          deviceId: this.deviceId,
          role: this.options.role ?? '',
          electionId: toUint128(connection.electionId),
          action,
          config: {
            p4info: pipeline.p4info,
            p4DeviceConfig: pipeline.deviceConfig,
            cookie: { cookie: pipeline.cookie },
          },
        },
        this.deadline(),
      ),
    );
    this.usePipeline(pipeline);
  }

  /**
   * What the switch runs; undefined when it has no pipeline. When the answer contains a P4Info, names are
   * resolved by it from then on.
   */
  async getPipeline(
    responseType: PipelineResponseType = 'P4INFO_AND_COOKIE',
  ): Promise<ForwardingPipelineConfig | undefined> {
    const connection = this.connected();
    let config: ForwardingPipelineConfig | undefined;
    try {
      ({ config } = await this.call('GetForwardingPipelineConfig', () =>
        unary(
          connection.stub,
          'GetForwardingPipelineConfig',
          { deviceId: this.deviceId, responseType },
          this.deadline(),
        ),
      ));
    } catch (error) {
      // How some switches report that they never had a pipeline; others return an empty answer.
      if (error instanceof P4RuntimeRpcError && error.status === Code.FAILED_PRECONDITION) return undefined;
      throw error;
    }
    if (config?.p4info !== undefined) this.usePipeline({ index: new P4InfoIndex(config.p4info) });
    const empty =
      config?.p4info === undefined && config?.cookie === undefined && (config?.p4DeviceConfig.length ?? 0) === 0;
    return empty ? undefined : config;
  }

  /**
   * Pushes the pipeline unless the switch runs one with the same cookie.
   *
   * Multicast groups are deleted first: BMv2's P4Runtime server forgets them with the old pipeline, but its
   * replication engine keeps their copies, and a group that is inserted again would send each packet twice.
   */
  async ensurePipeline(pipeline: PipelineConfig): Promise<'kept' | 'pushed'> {
    const present = await this.getPipeline('COOKIE_ONLY');
    if (present?.cookie?.cookie === pipeline.cookie) {
      this.usePipeline(pipeline);
      return 'kept';
    }
    if (present !== undefined) {
      this.usePipeline(pipeline);
      await this.write(
        (await this.readMulticastGroups()).map(({ group }) => remove({ multicastGroup: { group, replicas: [] } })),
      );
    }
    await this.setPipeline(pipeline);
    return 'pushed';
  }

  /** P4Runtime version of the server. */
  async apiVersion(): Promise<string> {
    const { stub } = this.connected();
    const { p4runtimeApiVersion } = await this.call('Capabilities', () =>
      unary(stub, 'Capabilities', {}, this.deadline()),
    );
    return p4runtimeApiVersion;
  }

  // Entities

  /**
   * Applies updates in order. BMv2 offers no atomic batches, so by default each update is independent.
   * @throws WriteError naming the updates that failed; the others were applied
   */
  async write(updates: readonly UpdateInput[], atomicity: Atomicity = 'CONTINUE_ON_ERROR'): Promise<void> {
    if (updates.length === 0) return;
    const connection = this.connected();
    const codec = this.entities;
    const request = {
      deviceId: this.deviceId,
      role: this.options.role ?? '',
      electionId: toUint128(connection.electionId),
      updates: updates.map(({ type, entity }) => ({ type, entity: codec.entity(entity) })),
      atomicity,
    };
    try {
      await unary(connection.stub, 'Write', request, this.deadline());
    } catch (error) {
      throw writeError(updates, codec, error) ?? this.rpcError('Write', error);
    }
  }

  /** Entities as the switch sends them. */
  async read(entities: readonly Init<Entity>[]): Promise<Entity[]> {
    const { stub } = this.connected();
    const found: Entity[] = [];
    await this.call('Read', () => {
      const call = stub.Read(
        { deviceId: this.deviceId, role: this.options.role ?? '', entities: [...entities] },
        undefined,
        this.deadline(),
      );
      return new Promise<void>((resolve, reject) => {
        call.on('data', (response: { entities: Entity[] }) => found.push(...response.entities));
        call.on('error', reject);
        call.on('end', resolve);
      });
    });
    return found;
  }

  /** All entries of a table; not its default. @param counters also read the direct counters */
  async readTable(table: string, options: { counters?: boolean } = {}): Promise<Entry[]> {
    const { id } = this.p4info.tables.find(table);
    return this.entriesOf(
      await this.read([{ tableEntry: { tableId: id, ...(options.counters === true && { counterData: {} }) } }]),
    );
  }

  /** One entry, or undefined. */
  async readEntry(key: EntryKeyInput): Promise<Entry | undefined> {
    const tableEntry = this.entities.tableEntryKey(key);
    try {
      return this.entriesOf(await this.read([{ tableEntry }]))[0];
    } catch (error) {
      if (error instanceof P4RuntimeRpcError && error.status === Code.NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** The default entry of a table, if it has a default action. */
  async readDefault(table: string): Promise<Entry | undefined> {
    const { id } = this.p4info.tables.find(table);
    const entities = await this.read([{ tableEntry: { tableId: id, isDefaultAction: true } }]);
    return entities.flatMap(({ tableEntry }) => (tableEntry ? [this.entities.decodeEntry(tableEntry)] : []))[0];
  }

  /** All cells of a counter, in order. */
  async readCounters(name: string): Promise<CounterValue[]> {
    const counter = this.p4info.counters.find(name);
    const values: CounterValue[] = Array.from({ length: counter.size }, () => ({ packets: 0n, bytes: 0n }));
    for (const { counterEntry } of await this.read([{ counterEntry: { counterId: counter.id } }])) {
      if (counterEntry?.data) values[Number(counterEntry.index?.index ?? 0n)] = decodeCounter(counterEntry.data);
    }
    return values;
  }

  /** @returns the requested cells, in the order of `indices` */
  async readCounterCells(name: string, indices: readonly number[]): Promise<CounterValue[]> {
    const counter = this.p4info.counters.find(name);
    for (const index of indices) checkIndex('counter', counter, index);
    const entities = await this.read(
      indices.map((index) => ({ counterEntry: { counterId: counter.id, index: { index: BigInt(index) } } })),
    );
    const byIndex = new Map(
      entities.map(({ counterEntry }) => [Number(counterEntry?.index?.index ?? 0n), counterEntry?.data]),
    );
    return indices.map((index) => {
      const data = byIndex.get(index);
      return data ? decodeCounter(data) : { packets: 0n, bytes: 0n };
    });
  }

  /** A register's cell. BMv2's server answers UNIMPLEMENTED; the emulator's offers it. */
  async readRegister(name: string, index: number): Promise<bigint> {
    const register = this.p4info.registers.find(name);
    checkIndex('register', register, index);
    const [entity] = await this.read([{ registerEntry: { registerId: register.id, index: { index: BigInt(index) } } }]);
    return decodeBytestring(entity?.registerEntry?.data?.bitstring ?? new Uint8Array(1));
  }

  async readMulticastGroups(): Promise<MulticastGroup[]> {
    const entities = await this.read([{ packetReplicationEngineEntry: { multicastGroupEntry: {} } }]);
    return entities.flatMap(decodeMulticastGroup);
  }

  async readCloneSessions(): Promise<CloneSession[]> {
    const entities = await this.read([{ packetReplicationEngineEntry: { cloneSessionEntry: {} } }]);
    return entities.flatMap(decodeCloneSession);
  }

  // Stream

  /** @param metadata fields of the `packet_out` header; omitted ones are 0 */
  packetOut(payload: Uint8Array, metadata: Readonly<Record<string, Value>> = {}): void {
    this.connected().send(packetOutMessage(this.p4info, payload, metadata));
  }

  acknowledgeDigest(digest: DigestEvent): void {
    this.connected().send(digestAckMessage(this.p4info, digest));
  }

  // Inside

  private entriesOf(entities: readonly Entity[]): Entry[] {
    const entries = entities.flatMap(({ tableEntry }) => (tableEntry ? [this.entities.decodeEntry(tableEntry)] : []));
    return entries.filter(({ isDefault }) => !isDefault);
  }

  protected override receive(message: StreamMessageResponse): void {
    let event: StreamEvent | undefined;
    try {
      event = decodeStreamMessage(message, () => this.entities);
    } catch (error) {
      // A message that does not fit the P4Info in use belongs to a pipeline that is being replaced.
      this.emit(
        'streamError',
        new P4RuntimeRpcError(`a stream message cannot be read: ${(error as Error).message}`, Code.INTERNAL, {
          cause: error,
        }),
      );
    }
    if (event !== undefined) this.emit(event.name, event.value as never);
  }

  private deadline(): { deadline: number } {
    return { deadline: Date.now() + (this.options.rpcTimeoutMs ?? RPC_TIMEOUT_MS) };
  }

  private async call<T>(name: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw this.rpcError(name, error);
    }
  }

  private rpcError(name: string, error: unknown): unknown {
    return rpcError(name, this.address, this.state === 'primary', error);
  }
}
