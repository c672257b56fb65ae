/** The P4Runtime service of one switch (P4Runtime 1.4). */
import { Server, ServerCredentials, type sendUnaryData, type ServerDuplexStream } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import {
  P4RuntimeService,
  P4RUNTIME_SERVICE,
  type ForwardingPipelineConfig,
  type Init,
  type P4RuntimeHandlers,
  type StreamError,
  type StreamMessageRequest,
  type StreamMessageResponse,
} from '../../p4runtime/index.js';
import { Arbitration, type ArbitratedSession } from './arbitration.js';
import { readBatch, writeBatch } from './batch.js';
import { toStatus } from './call-status.js';
import { systemClock, type Clock } from './clock.js';
import type { Device } from './device.js';
import { DigestPublisher } from './digests.js';
import { trailerBudget } from './header-limit.js';
import { IdleWatcher } from './idle-timeouts.js';
import { Outbox } from './outbox.js';
import { packPacketOut, unpackPacketIn } from './packet-io.js';
import { PipelineStore } from './pipeline-store.js';
import type { ForwardingPipeline } from './pipeline.js';
import { READ_LIMITS, ReadLimit, type ReadLimits } from './read-limit.js';
import { sendRead, type ReadCall } from './read-stream.js';
import { denied, invalid, notFound, toRpcError } from './rpc-error.js';

/** The version of the specification that Capabilities reports. */
const API_VERSION = '1.4.1';

/** Large enough for any program; the specification's guideline ("gRPC Server Maximum Receive Message Size"). */
const MAX_RECEIVE_BYTES = 128 * 1024 * 1024;

/**
 * A controller behind a link that was cut is not primary for longer than both together; a client answers while it is
 * busy, because its library does.
 */
const KEEPALIVE = { intervalMs: 10_000, timeoutMs: 20_000 };

/** BMv2's interval. */
const IDLE_SCAN_MS = 1000;

const MAX_CONTROLLERS_PER_ROLE = 64;

export interface P4RuntimeServerOptions {
  readonly deviceId?: bigint;
  readonly maxControllersPerRole?: number;
  /** Reads that run at a time. */
  readonly readLimits?: ReadLimits;
  readonly idleScanMs?: number;
  readonly clock?: Clock;
  /** How long after a client was heard last it is asked whether it is there, and how long it has to answer. */
  readonly keepalive?: { readonly intervalMs: number; readonly timeoutMs: number };
}

type StreamCall = ServerDuplexStream<StreamMessageRequest, Init<StreamMessageResponse>>;

export class P4RuntimeServer {
  readonly deviceId: bigint;
  private readonly arbitration: Arbitration;
  private readonly pipelines: PipelineStore;
  private readonly readLimit: ReadLimit;
  private readonly clock: Clock;
  private readonly idleScanMs: number;
  private readonly keepalive: NonNullable<P4RuntimeServerOptions['keepalive']>;
  private readonly health = new HealthImplementation({ '': 'NOT_SERVING', [P4RUNTIME_SERVICE]: 'NOT_SERVING' });
  private readonly unsubscribe: () => void;
  /** What runs alongside the active pipeline. */
  private watchers: { readonly digests: DigestPublisher; readonly idle: IdleWatcher } | undefined;
  private server: Server | undefined;

  constructor(
    private readonly device: Device,
    options: P4RuntimeServerOptions = {},
  ) {
    this.deviceId = options.deviceId ?? 1n;
    this.clock = options.clock ?? systemClock;
    this.idleScanMs = options.idleScanMs ?? IDLE_SCAN_MS;
    this.keepalive = options.keepalive ?? KEEPALIVE;
    this.arbitration = new Arbitration(this.deviceId, options.maxControllersPerRole ?? MAX_CONTROLLERS_PER_ROLE);
    this.readLimit = new ReadLimit(options.readLimits ?? READ_LIMITS);
    this.pipelines = new PipelineStore(device, (pipeline) => this.watch(pipeline));
    this.unsubscribe = device.onPacketIn((bytes) => this.packetIn(bytes));
  }

  /** A pipeline that does not come from a controller. @throws RpcError if P4Info or program are wrong */
  setPipeline(config: ForwardingPipelineConfig): void {
    this.pipelines.set('VERIFY_AND_COMMIT', config);
  }

  /**
   * @param address e.g. `127.0.0.1:9559`; port 0 takes any free one
   * @returns the port
   */
  async listen(address: string, credentials: ServerCredentials = ServerCredentials.createInsecure()): Promise<number> {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_RECEIVE_BYTES,
      'grpc.keepalive_time_ms': this.keepalive.intervalMs,
      'grpc.keepalive_timeout_ms': this.keepalive.timeoutMs,
    });
    server.addService(P4RuntimeService, this.handlers());
    this.health.addToServer(server);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    this.server = server;
    this.setHealth('SERVING');
    return port;
  }

  /** Ends all streams and stops listening. */
  async close(): Promise<void> {
    this.setHealth('NOT_SERVING');
    this.unsubscribe();
    this.watchers?.digests.close();
    this.watchers?.idle.close();
    this.watchers = undefined;
    this.server?.forceShutdown();
    this.server = undefined;
  }

  private setHealth(status: 'SERVING' | 'NOT_SERVING'): void {
    this.health.setStatus('', status);
    this.health.setStatus(P4RUNTIME_SERVICE, status);
  }

  handlers(): P4RuntimeHandlers {
    return {
      Write: (call, callback) =>
        answer(call, callback, ({ request }) => {
          this.checkDevice(request.deviceId);
          checkRoleId(request.roleId);
          this.arbitration.checkPrimary(request.role, request.electionId);
          writeBatch(this.pipelines.current(), request.updates, request.atomicity);
          return {};
        }),
      Read: (call) => void this.read(call),
      SetForwardingPipelineConfig: (call, callback) =>
        answer(call, callback, ({ request }) => {
          this.checkDevice(request.deviceId);
          checkRoleId(request.roleId);
          this.arbitration.checkPrimary(request.role, request.electionId);
          this.pipelines.set(request.action, request.config);
          return {};
        }),
      GetForwardingPipelineConfig: (call, callback) =>
        answer(call, callback, ({ request }) => {
          this.checkDevice(request.deviceId);
          return { config: this.pipelines.get(request.responseType) };
        }),
      StreamChannel: (call) => this.stream(call),
      Capabilities: (call, callback) => answer(call, callback, () => ({ p4runtimeApiVersion: API_VERSION })),
    };
  }

  private checkDevice(deviceId: bigint): void {
    if (deviceId !== this.deviceId) throw notFound(`There is no device ${deviceId}; valid: ${this.deviceId}.`);
  }

  private async read(call: ReadCall): Promise<void> {
    let ended = (): void => {};
    try {
      this.checkDevice(call.request.deviceId);
      this.arbitration.checkRole(call.request.role);
      ended = this.readLimit.begin(call);
      await sendRead(call, readBatch(this.pipelines.current(), call.request.entities));
      call.end();
    } catch (error) {
      call.emit('error', toStatus(error, trailerBudget(call)));
    } finally {
      ended();
    }
  }

  private stream(call: StreamCall): void {
    let open = true;
    const session = new Outbox((message, left) => call.write(message, left));
    const close = (): void => {
      if (!open) return;
      open = false;
      session.close();
      this.arbitration.close(session);
    };
    call.on('data', (message: StreamMessageRequest) => {
      if (!open) return;
      try {
        this.receive(session, message);
      } catch (error) {
        close();
        call.emit('error', toStatus(error, trailerBudget(call)));
      }
    });
    call.on('end', () => {
      close();
      call.end();
    });
    call.on('cancelled', close);
    call.on('error', close);
    call.on('close', close);
  }

  /** @throws RpcError that must end the stream, which only arbitration does */
  private receive(session: ArbitratedSession, message: StreamMessageRequest): void {
    if (message.arbitration) {
      this.arbitration.update(session, message.arbitration);
      return;
    }
    try {
      if (!this.arbitration.isPrimary(session)) throw denied('Only the primary controller may send this message.');
      if (message.packet) {
        const header = this.pipelines.active?.index.packetHeaders.items.find(({ name }) => name === 'packet_out');
        if (!this.pipelines.active) throw invalid('No forwarding pipeline is running yet.');
        this.device.packetOut(packPacketOut(header, message.packet));
      } else if (message.digestAck) {
        if (!this.watchers) throw invalid('No forwarding pipeline is running yet.');
        this.watchers.digests.acknowledge(message.digestAck);
      } else {
        throw invalid('The stream message is unknown; valid: arbitration, packet, digest_ack.');
      }
    } catch (error) {
      session.send({ error: toStreamError(error, message) });
    }
  }

  private watch(pipeline: ForwardingPipeline): void {
    this.watchers?.digests.close();
    this.watchers?.idle.close();
    this.watchers = {
      digests: new DigestPublisher(pipeline, (digest) => this.toPrimaries({ digest }), this.clock),
      idle: new IdleWatcher(
        pipeline,
        (idleTimeoutNotification) => this.toPrimaries({ idleTimeoutNotification }),
        this.clock,
        this.idleScanMs,
      ),
    };
  }

  private packetIn(bytes: Uint8Array): void {
    const header = this.pipelines.active?.index.packetHeaders.items.find(({ name }) => name === 'packet_in');
    const packet = unpackPacketIn(header, bytes);
    if (packet) this.toPrimaries({ packet });
  }

  /** @returns whether it was sent to any primary */
  private toPrimaries(message: Init<StreamMessageResponse>): boolean {
    const primaries = (this.arbitration.primaries() as Outbox[]).filter((session) => !session.isFull());
    for (const session of primaries) session.send(message);
    return primaries.length > 0;
  }
}

function checkRoleId(roleId: bigint): void {
  if (roleId !== 0n) throw invalid('Roles have names here; role_id is deprecated.');
}

function answer<Call extends object, T>(call: Call, callback: sendUnaryData<T>, run: (call: Call) => T): void {
  let response: T;
  try {
    response = run(call);
  } catch (error) {
    callback(toStatus(error, trailerBudget(call)));
    return;
  }
  callback(null, response);
}

function toStreamError(error: unknown, cause: StreamMessageRequest): Init<StreamError> {
  const { status, message } = toRpcError(error);
  const base = { canonicalCode: status, message };
  if (cause.packet) return { ...base, packetOut: { packetOut: cause.packet } };
  if (cause.digestAck) return { ...base, digestListAck: { digestListAck: cause.digestAck } };
  return { ...base, other: cause.other ? { other: cause.other } : {} };
}
