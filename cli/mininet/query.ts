/** `fpisa mininet --query`: a query whose workers and master are hosts of a Mininet network with one switch. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { counted } from '../../net/count.js';
import { makeFolderSync } from '../../net/folder.js';
import { Child } from '../child-process.js';
import { NetworkError } from '../errors.js';
import { DEFAULT_P4RUNTIME, hostPort } from '../options.js';
import type { AnswerMessage } from '../query/answer.js';
import { unlessInterrupted } from '../signals.js';
import { MininetDriver } from './driver.js';
import { Relay } from './relay.js';
import type { SwitchKind } from './requirements.js';

export interface MininetQueryOptions {
  readonly python: string;
  readonly switch: SwitchKind;
  readonly query: string;
  readonly data: readonly string[];
  readonly sample: boolean;
  readonly combine: boolean;
  readonly workers: number;
  readonly loss: number;
  readonly delay: number;
  readonly bw?: number;
  readonly keep?: string;
  readonly signal: AbortSignal;
  readonly onStage: (text: string) => void;
}

/** `fpisa_topo.py` gives it to the near end of every host's management link, and this plus rank + 1 to the far end. */
const NEAR = '198.18.0.1';
const MASTER_PORT = 9700;
const SWITCH_CLASS: Readonly<Record<SwitchKind, string>> = { bmv2: 'bmv2', emulator: 'fpisa' };

/** Workers are the first hosts; the master is on the last one. @returns what `fpisa query --json --verify` prints there @throws NetworkError, ChildError, InterruptedError */
export async function runMininetQuery(options: MininetQueryOptions): Promise<AnswerMessage> {
  const directory =
    options.keep === undefined ? await mkdtemp(join(tmpdir(), 'fpisa-mininet-')) : resolve(options.keep);
  makeFolderSync(directory);
  // A new network namespace begins with its loopback interface down.
  spawnSync('ip', ['link', 'set', 'lo', 'up']);
  const driver = new MininetDriver(
    options.python,
    {
      switch: SWITCH_CLASS[options.switch],
      topo: `fpisa,${options.workers + 1}`,
      custom: null,
      values: 256,
      logs: directory,
      cli: false,
      loss: options.loss > 0 ? options.loss * 100 : null,
      delay: options.delay > 0 ? `${options.delay}ms` : null,
      bw: options.bw ?? null,
    },
    {},
  );
  const running: { close(): Promise<void> }[] = [{ close: () => driver.stop() }];
  try {
    return await unlessInterrupted(options.signal, () => Promise.race([ask(options, driver, running), driver.broken]));
  } finally {
    for (const each of running.reverse()) await each.close();
    if (options.keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function ask(
  options: MininetQueryOptions,
  driver: MininetDriver,
  running: { close(): Promise<void> }[],
): Promise<AnswerMessage> {
  options.onStage(`building the network: ${counted(options.workers, 'worker')} and a master, switch ${options.switch}`);
  const { switches, workers: places } = await driver.start();
  const [device] = switches;
  const master = places[options.workers];
  if (device === undefined || master === undefined)
    throw new NetworkError(
      `the network has ${counted(switches.length, 'switch')} and ${counted(places.length, 'host')}, too few for ${counted(options.workers, 'worker')} and a master`,
    );
  const p4runtime = hostPort(device.address, DEFAULT_P4RUNTIME);
  const masterHost = NEAR.replace(/\d+$/, String(master.rank + 2));
  running.push(await Relay.open({ host: NEAR, port: p4runtime.port }, p4runtime));
  running.push(await Relay.open({ host: NEAR, port: MASTER_PORT }, { host: masterHost, port: MASTER_PORT }));
  const start = <Message>(name: string, pid: number, args: readonly string[]): Child<Message> => {
    const child = new Child<Message>(name, args, undefined, { within: ['mnexec', '-a', String(pid)], detached: true });
    running.push({ close: () => child.stop() });
    return child;
  };
  const asker = start<AnswerMessage>(`the master on ${master.host}`, master.pid, [
    ...[
      'query',
      options.query,
      '--json',
      '--verify',
      '--workers',
      String(options.workers),
      '--listen',
      `${masterHost}:${MASTER_PORT}`,
    ],
    ...[
      '--p4runtime',
      `${NEAR}:${p4runtime.port}`,
      '--device-id',
      String(device.deviceId),
      '--service-ip',
      device.serviceIp,
      '--service-mac',
      device.serviceMac,
    ],
    ...['--switch-port', String(master.port), '--ip', master.ip, '--mac', master.mac],
    ...options.data.flatMap((pattern) => ['--data', pattern]),
    ...(options.sample ? ['--sample'] : []),
    ...(options.combine ? [] : ['--no-combine']),
  ]);
  options.onStage(
    `${counted(options.workers, 'worker')} ${options.workers === 1 ? 'serves' : 'serve'} the master on ${master.host}`,
  );
  for (const { rank, host, pid, ip, mac, port } of places.slice(0, options.workers)) {
    start(`worker ${rank} on ${host}`, pid, [
      'query',
      'worker',
      '--json',
      '--master',
      `${NEAR}:${MASTER_PORT}`,
      '--rank',
      String(rank),
      '--ip',
      ip,
      '--mac',
      mac,
      '--switch-port',
      String(port),
    ]);
  }
  return await asker.next();
}
