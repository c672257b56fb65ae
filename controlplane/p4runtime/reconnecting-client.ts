/** A P4Runtime client's connection: made, kept, and made again when it is lost. */
import { EventEmitter } from 'node:events';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { counted } from '../../net/count.js';
import { Backoff } from '../../net/backoff.js';
import type { StreamMessageResponse } from '../../p4runtime/messages.js';
import { CONNECT_TIMEOUT_MS, RECONNECT_MS, type ClientOptions } from './client-options.js';
import { Connection } from './connection.js';
import { channelCredentials } from './credentials.js';
import type { Role } from './election.js';
import { ConnectError, NotConnectedError } from './errors.js';
import type { StreamEvents } from './stream-messages.js';

export interface ClientEvents extends StreamEvents {
  /** The switch has answered, for the first time or after a reconnection. */
  connected: [role: Role];
  /** Mastership changed while connected. */
  role: [role: Role];
  disconnected: [error: ConnectError];
  /** An attempt to connect has failed; another one follows. */
  attemptFailed: [error: ConnectError];
}

export type ConnectionState = 'closed' | 'connecting' | 'primary' | 'backup';

/** Keeps one connection until `close()`, and says what becomes of it; what is called over it is its subclass's. */
export abstract class ReconnectingClient extends EventEmitter<ClientEvents> {
  readonly address: string;
  readonly deviceId: bigint;
  private readonly credentials: ChannelCredentials;
  private readonly channelOptions: ChannelOptions;
  private readonly backoff: Backoff;
  private connection: Connection | undefined;
  private connectionState: ConnectionState = 'closed';
  private retry: NodeJS.Timeout | undefined;
  /** Ends a pending connect(). */
  private stopConnecting: (() => void) | undefined;
  /** Since the last success, for the message of a failed connect(). */
  private attempts = 0;
  private lastError: ConnectError | undefined;

  /** @throws EntityError for TLS options that cannot be used */
  constructor(protected readonly options: ClientOptions) {
    super();
    this.address = options.address;
    this.deviceId = BigInt(options.deviceId);
    const channel = channelCredentials(options.tls);
    this.credentials = channel.credentials;
    this.channelOptions = { ...channel.options, ...options.channelOptions };
    const { first, most } = options.reconnectMs ?? RECONNECT_MS;
    this.backoff = new Backoff(first, most);
  }

  get state(): ConnectionState {
    return this.connectionState;
  }

  /** Keeps trying to connect; the event `connected` reports success. */
  start(): void {
    if (this.connectionState !== 'closed') return;
    this.connectionState = 'connecting';
    this.attempt();
  }

  /**
   * Connects, and stays connected.
   * @returns whether this client is primary
   * @throws ConnectError when no server answers in time, describing the attempts
   */
  connect(options: { timeoutMs?: number } = {}): Promise<{ primary: boolean }> {
    const timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const settle = (failure: string | undefined, primary = false): void => {
        clearTimeout(timer);
        this.off('connected', done);
        this.stopConnecting = undefined;
        if (failure === undefined) resolve({ primary });
        else reject(new ConnectError(failure, this.lastError?.status, { cause: this.lastError }));
      };
      const done = ({ primary }: Role): void => settle(undefined, primary);
      const timer = setTimeout(() => {
        settle(
          `no P4Runtime server answered at ${this.address} (device ${this.deviceId}) within ${timeoutMs / 1000} s: ${counted(this.attempts, 'attempt')}, the last: ${this.lastError?.message ?? 'still waiting for its answer'}`,
        );
        this.close();
      }, timeoutMs);
      this.stopConnecting = () => settle(`the client was closed before a P4Runtime server answered at ${this.address}`);
      this.once('connected', done);
      this.start();
    });
  }

  /** A pending connect() rejects with ConnectError. */
  close(): void {
    this.stopConnecting?.();
    clearTimeout(this.retry);
    this.connection?.close();
    this.connection = undefined;
    this.connectionState = 'closed';
  }

  /** A message of the stream other than arbitration. */
  protected abstract receive(message: StreamMessageResponse): void;

  protected connected(): Connection {
    if (this.connection === undefined || this.connectionState === 'connecting') {
      const why = this.lastError === undefined ? '' : `: ${this.lastError.message}`;
      throw new NotConnectedError(`not connected to the P4Runtime server at ${this.address}${why}`);
    }
    return this.connection;
  }

  private attempt(): void {
    this.attempts++;
    const { electionId: source = 1n, role = '' } = this.options;
    const candidate = typeof source === 'function' ? source() : source;
    // The function may have closed this client.
    if (this.connectionState === 'closed') return;
    this.connection = new Connection(
      {
        address: this.address,
        deviceId: this.deviceId,
        candidate,
        role,
        credentials: this.credentials,
        channelOptions: this.channelOptions,
      },
      {
        role: (role) => this.roleChanged(role),
        message: (message) => this.receive(message),
        ended: (error) => this.ended(error),
      },
    );
  }

  private roleChanged(role: Role): void {
    const first = this.connectionState === 'connecting';
    this.connectionState = role.primary ? 'primary' : 'backup';
    this.attempts = 0;
    this.lastError = undefined;
    this.backoff.reset();
    this.emit(first ? 'connected' : 'role', role);
  }

  private ended(error: ConnectError): void {
    const wasConnected = this.connectionState !== 'connecting';
    this.connection = undefined;
    this.connectionState = 'connecting';
    this.lastError = error;
    this.retry = setTimeout(() => this.attempt(), this.backoff.next());
    this.emit(wasConnected ? 'disconnected' : 'attemptFailed', error);
  }
}
