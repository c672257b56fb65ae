/** Options of a client, and the default times. */
import type { ChannelOptions } from '@grpc/grpc-js';
import type { TlsOptions } from './credentials.js';
import type { Candidate } from './election.js';

export interface ClientOptions {
  /** `host:port`; P4Runtime's own port is 9559. */
  readonly address: string;
  readonly deviceId: bigint | number;
  /**
   * Larger wins; 1 if it is left out. A function is called at each attempt to connect. A {@link Candidate} instead
   * waits until no other controller is primary.
   */
  readonly electionId?: bigint | (() => bigint) | Candidate;
  readonly role?: string;
  readonly tls?: TlsOptions;
  /** Of each unary call and read, in milliseconds. */
  readonly rpcTimeoutMs?: number;
  /** Bounds of the pause between attempts to connect, in milliseconds. */
  readonly reconnectMs?: { readonly first: number; readonly most: number };
  readonly channelOptions?: ChannelOptions;
}

export const RPC_TIMEOUT_MS = 15_000;
export const CONNECT_TIMEOUT_MS = 5_000;
export const RECONNECT_MS = { first: 100, most: 3_000 };
