/** One P4Runtime server under test, and the controller connected to it. */
import { credentials, type ServiceError } from '@grpc/grpc-js';
import {
  codeName,
  P4RuntimeServiceClient,
  unary,
  updateErrors,
  type Entity,
  type FieldMatch,
  type Init,
  type P4RuntimeStub,
  type ReadResponse,
  type WriteRequest,
} from '../../p4runtime/index.js';
import { keyOf, textOf } from './entity-key.js';
import type { FuzzProgram } from './programs.js';

export const DEVICE_ID = 1n;
export const ELECTION_ID = { high: 0n, low: 10n };
const CONNECT_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 30_000;
/** Codes of a server that is gone. */
const GONE = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED']);

export interface Verdict {
  readonly code: string;
  readonly message: string;
  /** Per update; empty if the call as a whole was refused, or everything succeeded. */
  readonly updates: readonly { readonly code: string; readonly message: string }[];
}

/** The result of a read: entities by key, as texts; and its status. */
export interface Found {
  readonly code: string;
  readonly message: string;
  readonly entities: ReadonlyMap<string, { readonly text: string; readonly entity: Entity }>;
}

/** The server no longer answers. */
export class SideGoneError extends Error {
  override readonly name = 'SideGoneError';
}

/** Order means nothing in P4Runtime's lists of members, replicas, parameters and match fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, sorted(field)]));
}

/** BMv2's server returns an omitted range match as the full range. */
function withoutFullRanges(entity: Entity): Entity {
  const { tableEntry } = entity;
  if (!tableEntry) return entity;
  const isFull = ({ range }: FieldMatch): boolean =>
    range !== undefined &&
    range.low.every((byte) => byte === 0) &&
    range.high.every((byte, i) => (i > 0 ? byte === 255 : (byte & (byte + 1)) === 0));
  return { tableEntry: { ...tableEntry, match: tableEntry.match.filter((field) => !isFull(field)) } };
}

export class Side {
  private constructor(
    readonly name: string,
    private readonly stub: P4RuntimeStub,
    private readonly stopServer: () => Promise<void>,
  ) {}

  /** Becomes primary. */
  static async connect(name: string, address: string, stopServer: () => Promise<void>): Promise<Side> {
    const stub = new P4RuntimeServiceClient(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_metadata_size': 1 << 20,
    });
    const side = new Side(name, stub, stopServer);
    await new Promise<void>((resolve, reject) =>
      stub.waitForReady(Date.now() + CONNECT_TIMEOUT_MS, (error) => (error ? reject(error) : resolve())),
    );
    const stream = stub.StreamChannel();
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', () => resolve());
      stream.write({ arbitration: { deviceId: DEVICE_ID, electionId: ELECTION_ID } });
    });
    stream.removeAllListeners('error').on('error', () => {});
    return side;
  }

  async stop(): Promise<void> {
    this.stub.close();
    await this.stopServer();
  }

  /** Everything is empty afterwards. */
  async load({ index, deviceConfig }: FuzzProgram): Promise<void> {
    // A new pipeline does not empty simple_switch's replication engine.
    await this.clearReplication();
    await unary(this.stub, 'SetForwardingPipelineConfig', {
      deviceId: DEVICE_ID,
      electionId: ELECTION_ID,
      action: 'VERIFY_AND_COMMIT',
      config: { p4info: index.message, p4DeviceConfig: deviceConfig },
    });
  }

  private async clearReplication(): Promise<void> {
    for (const entry of [{ multicastGroupEntry: {} }, { cloneSessionEntry: {} }]) {
      const { entities } = await this.read({ packetReplicationEngineEntry: entry });
      for (const { entity } of entities.values()) await this.delete(entity);
    }
  }

  delete(entity: Init<Entity>): Promise<Verdict> {
    return this.write({ deviceId: DEVICE_ID, electionId: ELECTION_ID, updates: [{ type: 'DELETE', entity }] });
  }

  /** @throws SideGoneError */
  async write(request: Init<WriteRequest>): Promise<Verdict> {
    try {
      await unary(this.stub, 'Write', request, { deadline: Date.now() + CALL_TIMEOUT_MS });
      return { code: 'OK', message: '', updates: [] };
    } catch (error) {
      return this.verdict(error);
    }
  }

  private verdict(error: unknown): Verdict {
    const { code, details } = error as ServiceError;
    const name = codeName(code);
    if (GONE.has(name)) throw new SideGoneError(`${this.name}: ${name} ${details}`);
    const updates = updateErrors(error).map((each) => ({ code: codeName(each.canonicalCode), message: each.message }));
    return { code: name, message: details, updates };
  }

  /** @throws SideGoneError */
  read(entity: Init<Entity>): Promise<Found> {
    return new Promise((resolve, reject) => {
      const entities = new Map<string, { text: string; entity: Entity }>();
      const call = this.stub.Read({ deviceId: DEVICE_ID, entities: [entity] }, undefined, {
        deadline: Date.now() + CALL_TIMEOUT_MS,
      });
      call.on('data', (response: ReadResponse) => {
        for (const each of response.entities.map(withoutFullRanges))
          entities.set(keyOf(each), { text: textOf(sorted(each)), entity: each });
      });
      call.on('end', () => resolve({ code: 'OK', message: '', entities }));
      call.on('error', (error) => {
        try {
          const { code, message, updates } = this.verdict(error);
          resolve({
            code: updates.find((each) => each.code !== 'OK')?.code ?? code,
            message: `${message} ${updates.map((each) => each.message).join(' ')}`,
            entities,
          });
        } catch (gone) {
          reject(gone);
        }
      });
    });
  }
}
