/** A switch that runs queries: its program, and its tables for the query at hand. */
import { status as Code } from '@grpc/grpc-js';
import { parseHostPort } from '../../net/host-port.js';
import { SERVICE_UDP_PORT } from '../../protocol/query/constants.js';
import type { ProgrammableSwitch, QuerySetup, ServiceEndpoint } from './provisioning.js';
import { loadQueryBuild } from '../../controlplane/artifacts.js';
import type { Route } from '../../controlplane/controller/state.js';
import { InvalidAddressError } from '../../controlplane/errors.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import type { Candidate, Role } from '../../controlplane/p4runtime/election.js';
import {
  insert,
  remove,
  type Entry,
  type EntryKeyInput,
  type KeyInput,
  type UpdateInput,
} from '../../controlplane/p4runtime/entries.js';
import { ConnectError } from '../../controlplane/p4runtime/errors.js';
import { queryEntries, QueryTable } from './entries.js';
import { QueryStateLostError } from '../errors.js';
import { QuerySwitchUnreachableError, SwitchTakenError } from './errors.js';

export interface QuerySwitchOptions {
  /** `host:port` of its P4Runtime server. */
  readonly address: string;
  readonly deviceId?: number;
  readonly serviceIp: string;
  readonly serviceMac: string;
  readonly serviceUdpPort?: number;
  /** Ports of the embedded switch that are UDP sockets, as `host:udpport`; at other ports the service has its own address. */
  readonly ports?: ReadonlyMap<number, string>;
  readonly routes?: readonly Route[];
  readonly connectTimeoutMs?: number;
  /** Aborts the wait for the switch. */
  readonly signal?: AbortSignal;
  /** How long to wait for a primary that may be gone already: servers notice late that a controller's stream has ended. Default 2,000. */
  readonly departureMs?: number;
}

/** Of a call: a busy machine takes long to compile the program. */
const RPC_TIMEOUT_MS = 120_000;
/** P4Runtime servers are slow with batches of thousands. */
const BATCH = 256;
const DEPARTURE_MS = 2_000;

/**
 * A query is primary for a moment only, and leaves no trace: its election id is the one that the last primary had, so
 * nobody needs a larger one afterwards. Of two queries at the same moment the switch refuses one, for having the same id.
 */
const CANDIDATE: Candidate = {
  bid: (highest, isHeld) => (isHeld ? undefined : highest === 0n ? 1n : highest),
  isOwn: () => false,
};

export class QuerySwitch implements ProgrammableSwitch {
  readonly lost: Promise<never>;
  private lose!: (error: Error) => void;
  private cookie: bigint | undefined;
  /** Settled when nothing is being written: two concurrent queries would remove each other's entries. */
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly client: P4RuntimeClient,
    private readonly options: QuerySwitchOptions,
  ) {
    this.lost = new Promise((_, reject) => (this.lose = reject));
    this.lost.catch(() => undefined);
    client.on('role', ({ primary }) => {
      if (!primary)
        this.lose(
          new SwitchTakenError(
            `another controller has become primary at the switch ${options.address} during the query`,
          ),
        );
    });
    client.on('connected', () => void this.check());
  }

  /**
   * Becomes primary at the switch, unless another controller is.
   * @throws QuerySwitchUnreachableError, SwitchTakenError, the signal's reason if it aborts first
   */
  static async connect(options: QuerySwitchOptions): Promise<QuerySwitch> {
    const { address, deviceId = 0, connectTimeoutMs, signal } = options;
    const client = new P4RuntimeClient({ address, deviceId, electionId: CANDIDATE, rpcTimeoutMs: RPC_TIMEOUT_MS });
    const stop = (): void => client.close();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      signal?.throwIfAborted();
      await primary(client, options.departureMs ?? DEPARTURE_MS, connectTimeoutMs);
    } catch (error) {
      client.close();
      signal?.throwIfAborted();
      if (!(error instanceof ConnectError)) throw error;
      // A server's answer to an election id that another live controller has.
      if (error.status === Code.INVALID_ARGUMENT) throw taken(address);
      throw new QuerySwitchUnreachableError(error.message, { cause: error });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    return new QuerySwitch(client, options);
  }

  program(setup: QuerySetup): Promise<void> {
    const written = this.writing.then(() => this.replace(setup));
    this.writing = written.catch(() => undefined);
    return written;
  }

  private async replace(setup: QuerySetup): Promise<void> {
    const pipeline = loadQueryBuild(setup.build);
    const state = await this.client.ensurePipeline(pipeline);
    this.cookie = pipeline.cookie;
    if (state === 'kept') await this.write(await this.removals());
    await this.write(
      queryEntries(
        { serviceIp: this.options.serviceIp, serviceMac: this.options.serviceMac, routes: this.options.routes ?? [] },
        setup,
      ).map((entry) => insert({ entry })),
    );
  }

  serviceAt(port: number): ServiceEndpoint {
    const endpoint = this.options.ports?.get(port);
    const { serviceIp, serviceUdpPort = SERVICE_UDP_PORT } = this.options;
    if (endpoint === undefined) return { ip: serviceIp, udpPort: serviceUdpPort };
    const place = parseHostPort(endpoint);
    if (place === undefined)
      throw new InvalidAddressError(
        `endpoint of port ${port} is "${endpoint}", expected HOST:UDPPORT such as 127.0.0.1:5000`,
      );
    return { ip: place.host, udpPort: place.port };
  }

  close(): void {
    this.client.close();
  }

  private async removals(): Promise<UpdateInput[]> {
    const updates: UpdateInput[] = [];
    for (const table of Object.values(QueryTable)) {
      for (const entry of await this.client.readTable(table)) updates.push(remove({ entryKey: keyOf(entry) }));
    }
    return updates;
  }

  private async write(updates: readonly UpdateInput[]): Promise<void> {
    for (let at = 0; at < updates.length; at += BATCH) await this.client.write(updates.slice(at, at + BATCH));
  }

  /** After a lost connection: does the switch still run what it was given? */
  private async check(): Promise<void> {
    if (this.cookie === undefined) return;
    try {
      const present = await this.client.getPipeline('COOKIE_ONLY');
      if (present?.cookie?.cookie === this.cookie) return;
    } catch {
      // The connection was lost again; the next one will tell.
      return;
    }
    this.lose(
      new QueryStateLostError(
        `the switch ${this.options.address} was restarted during the query and has lost its state; run the query again`,
      ),
    );
  }
}

/** Connects, and waits until the client is primary. @throws ConnectError, SwitchTakenError */
async function primary(client: P4RuntimeClient, departureMs: number, timeoutMs: number | undefined): Promise<void> {
  let latest: Role | undefined;
  let timer: NodeJS.Timeout | undefined;
  let elected = (): void => undefined;
  const isPrimary = new Promise<void>((resolve) => (elected = resolve));
  const listen = (role: Role): void => {
    latest = role;
    if (role.primary) elected();
  };
  client.on('connected', listen);
  client.on('role', listen);
  try {
    await client.connect(timeoutMs === undefined ? {} : { timeoutMs });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(taken(client.address, latest?.primaryId)), departureMs);
    });
    await Promise.race([isPrimary, late]);
  } finally {
    clearTimeout(timer);
    client.off('connected', listen);
    client.off('role', listen);
  }
}

function taken(address: string, electionId?: bigint): SwitchTakenError {
  const who = electionId === undefined ? '' : ` (election id ${electionId})`;
  return new SwitchTakenError(
    `another controller${who} is primary at the switch ${address}: stop it, or name another switch with --p4runtime`,
  );
}

function keyOf({ table, match, priority }: Entry): EntryKeyInput {
  const keys = Object.entries(match).map(([name, key]): [string, KeyInput] => [
    name,
    key.kind === 'exact' ? key.value : (key as unknown as KeyInput),
  ]);
  return { table, match: Object.fromEntries(keys), ...(priority > 0 && { priority }) };
}
