/** A controller with its server, a fake switch and a store, as the tests need them. */
import { afterEach } from 'vitest';
import { Controller } from '../../controlplane/controller/controller.js';
import type { ControllerOptions, ControllerTiming } from '../../controlplane/controller/controller-options.js';
import { MemoryStore, type Store } from '../../controlplane/controller/store.js';
import type { SwitchConfig } from '../../controlplane/controller/state.js';
import { ControllerClient } from '../../controlplane/service/client.js';
import { ControllerServer } from '../../controlplane/service/server.js';
import { FakeSwitch } from './fake-switch.helpers.js';
import { FakeWorker } from './fake-worker.helpers.js';
import type { HelloMessage } from '../../controlplane/messages.js';

/** Nothing but the event under test may end a wait. */
const NEVER_MS = 1_000_000;

const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function onEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup);
}

export function switchConfig(address: string, changes: Partial<SwitchConfig> = {}): SwitchConfig {
  return {
    name: 's1',
    address,
    deviceId: 1,
    serviceIp: '10.0.0.254',
    serviceMac: '02:00:00:00:00:fe',
    serviceUdpPort: 0xf15a,
    ports: { 1: null, 2: null, 3: '127.0.0.1:50003', 4: null },
    valuesPerPacket: 16,
    ...changes,
  };
}

export async function startSwitch(): Promise<FakeSwitch> {
  const fake = await new FakeSwitch().start();
  onEnd(() => fake.stop());
  return fake;
}

export interface Site {
  readonly fake: FakeSwitch;
  readonly store: Store;
  readonly controller: Controller;
  readonly server: ControllerServer;
  readonly client: ControllerClient;
  readonly port: number;
  worker(rank: number, hello?: Partial<HelloMessage>): FakeWorker;
  stop(): Promise<void>;
}

export async function startSite(
  options: {
    fake?: FakeSwitch;
    store?: Store;
    timing?: Partial<ControllerTiming>;
    config?: Partial<SwitchConfig>;
    more?: readonly SwitchConfig[];
    keepaliveMs?: number;
    helloTimeoutMs?: number;
    onFailure?: ControllerOptions['onFailure'] & {};
    log?: ControllerOptions['log'] & {};
  } = {},
): Promise<Site> {
  const fake = options.fake ?? (await startSwitch());
  const store = options.store ?? new MemoryStore();
  const timing = {
    progressTimeoutMs: NEVER_MS,
    returnTimeoutMs: NEVER_MS,
    pollMs: NEVER_MS,
    retryMs: 20,
    probeReplyTimeoutMs: 50,
    ...options.timing,
  };
  const { onFailure, log } = options;
  const controller = new Controller({
    store,
    switches: [switchConfig(fake.address, options.config), ...(options.more ?? [])],
    timing,
    ...(onFailure && { onFailure }),
    ...(log && { log }),
  });
  const server = new ControllerServer(controller, {
    ...(options.keepaliveMs !== undefined && { keepaliveMs: options.keepaliveMs }),
    ...(options.helloTimeoutMs !== undefined && { helloTimeoutMs: options.helloTimeoutMs }),
  });
  const port = await server.listen('127.0.0.1:0');
  const client = new ControllerClient(`127.0.0.1:${port}`);
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    client.close();
    await server.close();
  };
  onEnd(stop);
  const worker = (rank: number, hello: Partial<HelloMessage> = {}): FakeWorker => {
    const fakeWorker = new FakeWorker(port, { job: 'train', rank, ...hello });
    onEnd(() => fakeWorker.kill());
    return fakeWorker;
  };
  return { fake, store, controller, server, client, port, worker, stop };
}
