/** The controller against BMv2's own P4Runtime server. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { CPU_PORT } from '../../protocol/constants.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { insert } from '../../controlplane/p4runtime/entries.js';
import { RpcError, WriteError } from '../../controlplane/p4runtime/errors.js';
import { onEnd, startSite, switchConfig } from './site.helpers.js';
import { Controller } from '../../controlplane/controller/controller.js';
import { MemoryStore } from '../../controlplane/controller/store.js';

const BINARY = 'simple_switch_grpc';
const present = spawnSync(BINARY, ['--version']).error === undefined;

async function freePort(): Promise<number> {
  const socket = createServer();
  const port = await new Promise<number>((resolve) => socket.listen(0, '127.0.0.1', () => resolve((socket.address() as { port: number }).port)));
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

interface Bmv2 {
  readonly address: string;
  kill(): Promise<void>;
}

async function startBmv2(grpcPort?: number): Promise<Bmv2> {
  const address = `127.0.0.1:${grpcPort ?? (await freePort())}`;
  const thrift = String(await freePort());
  const child = spawn(BINARY, ['--no-p4', '--device-id', '1', '--thrift-port', thrift, '--log-level', 'error', '--', '--grpc-server-addr', address, '--cpu-port', String(CPU_PORT)], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onEnd(kill);
  return { address, kill };
}

describe.skipIf(!present)(`BMv2 (needs ${BINARY} on the path)`, () => {
  test('a job runs through start, death of a member, and restart of the switch', { timeout: 120_000 }, async () => {
    const bmv2 = await startBmv2();
    const site = await startSite({ config: { address: bmv2.address }, timing: { probeReplyTimeoutMs: 2_000 } });
    await site.client.createJob({ name: 'train', workers: 3, slots: 40 });
    const members = [0, 1, 2].map((rank) => site.worker(rank));
    for (const member of members) expect(await member.resume(1)).toMatchObject({ epoch: 1 });

    const reader = new P4RuntimeClient({ address: bmv2.address, deviceId: 1, electionId: 0n });
    onEnd(() => reader.close());
    await reader.connect({ timeoutMs: 20_000 });
    await reader.getPipeline();
    const ranks = async (): Promise<unknown[]> => {
      const entries = await reader.readTable('fpisa.member');
      return entries.map(({ match, params }) => [match['worker'], params['epoch'], params['all']]).sort();
    };
    // In an order of BMv2's own.
    const groups = async (): Promise<unknown[]> =>
      (await reader.readMulticastGroups()).map(({ group, replicas }) => ({ group, replicas: [...replicas].sort((a, b) => a.port - b.port) }));
    const row = (rank: bigint, epoch: bigint, all: bigint): unknown[] => [{ kind: 'exact', value: rank }, epoch, all];
    expect(await ranks()).toEqual([row(0n, 1n, 7n), row(1n, 1n, 7n), row(2n, 1n, 7n)]);
    expect(await groups()).toEqual([{ group: 1, replicas: [1, 2, 3].map((port) => ({ port, instance: port })) }]);
    expect(await reader.readTable('fpisa.receiver')).toHaveLength(3);

    const slots = await site.client.probeJob('train');
    expect(slots).toHaveLength(40);
    expect(slots[39]).toEqual({ slot: 39, sets: [0, 1].map(() => ({ epoch: 0, chunk: 0, operation: 0, bitmap: 0, contributions: 0, missing: [] })) });
    expect((await site.client.getStatus()).switches[0]).toMatchObject({ state: 'ready', pipeline: 'fpisa-n16', drops: {} });
    expect((await site.client.getJob('train')).events).toMatchObject({ CONTRIBUTION: 0, RESULT: 0 });

    members[1]!.kill();
    expect(await members[0]!.resume(2)).toMatchObject({ epoch: 2 });
    expect(await ranks()).toEqual([row(0n, 2n, 5n), row(2n, 2n, 5n)]);
    expect(await groups()).toEqual([{ group: 1, replicas: [1, 3].map((port) => ({ port, instance: port })) }]);

    reader.close();
    await bmv2.kill();
    await startBmv2(Number(bmv2.address.split(':')[1]));
    expect(await members[0]!.membership(3)).toMatchObject({ epoch: 3, ranks: [0, 2], reason: 'the switch restarted' });
    for (const member of [members[0]!, members[2]!]) expect(await member.resume(3)).toMatchObject({ epoch: 3 });
  });

  test('errors of single updates are unpacked', { timeout: 60_000 }, async () => {
    const bmv2 = await startBmv2();
    const controller = new Controller({ store: new MemoryStore(), switches: [switchConfig(bmv2.address)] });
    controller.start();
    await controller.ready('s1');
    controller.stop();
    const client = new P4RuntimeClient({ address: bmv2.address, deviceId: 1, electionId: 50n });
    onEnd(() => client.close());
    await client.connect({ timeoutMs: 20_000 });
    await client.getPipeline();
    const local = { table: 'local', match: { dst_addr: '10.0.0.254' }, action: 'serve' };
    const error = await client.write([insert({ entry: local }), insert({ entry: { ...local, match: { dst_addr: '10.0.0.1' } } })]).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(WriteError);
    expect((error as Error).message).toMatch(/^1 of 2 updates failed: INSERT local\{dst_addr=10\.0\.0\.254\}: ALREADY_EXISTS/);
    expect(await client.readTable('local')).toHaveLength(2);
    const refused = await client.readRegister('slot_epochs', 0).catch((each: unknown) => each);
    expect(refused).toBeInstanceOf(RpcError);
    expect((refused as Error).message).toMatch(/UNIMPLEMENTED, Register reads are not supported yet/);
    expect(await client.apiVersion()).toBe('1.3.0');
  });
});
