/** A query in the tables of a switch: the emulator's, and BMv2's where it is on PATH. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { P4RuntimeClient } from '../../../controlplane/p4runtime/client.js';
import { SwitchTakenError } from '../../../query/switch/errors.js';
import { QuerySwitch } from '../../../query/switch/switch.js';
import { Having, LaneOp, MASTER, Operator, Order, QUERY_BUILDS } from '../../../protocol/query/constants.js';
import type { QuerySetup } from '../../../query/switch/provisioning.js';
import { Bmv2Process, bmv2Version } from '../../differential/bmv2/process.js';
import { DEVICE_ID, EmbeddedSwitch, SERVICE_IP, SERVICE_MAC } from '../../e2e/support/embedded-switch.js';

const host = (worker: number, port: number) => ({
  worker,
  port,
  ip: `10.0.0.${port}`,
  udpPort: 40_000 + port,
  mac: undefined,
});

function setup(build: 0 | 1, workers: number, epoch: number): QuerySetup {
  return {
    build: QUERY_BUILDS[build],
    epoch,
    hosts: [...Array.from({ length: workers }, (_, rank) => host(rank, rank + 1)), host(MASTER, workers + 1)],
    streams: [
      {
        stream: 0,
        operator: Operator.GROUP,
        laneOps: [LaneOp.SUM_F64, LaneOp.SUM_I64],
        order: undefined,
        stateBase: 0,
        stateMask: 255,
        having: { comparison: Having.AT_LEAST, lane: 1, key: 1n << 63n },
        flowSlots: 64,
      },
      {
        stream: 1,
        operator: Operator.TOP,
        laneOps: [],
        order: Order.I64,
        stateBase: 0,
        stateMask: 10,
        having: undefined,
        flowSlots: 32,
      },
    ],
  };
}

async function tables(client: P4RuntimeClient) {
  const members = await client.readTable('fpisa_query.member');
  return {
    members: members.length,
    receivers: (await client.readTable('fpisa_query.receiver')).length,
    local: (await client.readTable('fpisa_query.local')).length,
    routes: (await client.readTable('fpisa.ipv4')).length,
    epochs: [...new Set(members.map(({ params }) => params['epoch']))],
    flows: members
      .filter(({ match }) => (match['worker'] as { value: bigint }).value !== BigInt(MASTER))
      .map(({ params }) => [Number(params['flow_base']), Number(params['flow_slots'])] as const)
      .sort(([a], [b]) => a - b),
  };
}

const TARGETS = [
  {
    name: 'the embedded switch',
    missing: undefined,
    start: async () => {
      const device = await EmbeddedSwitch.start({ ports: 4, transport: 'udp' });
      onTestFinished(() => device.stop());
      return { address: device.address, deviceId: DEVICE_ID };
    },
  },
  {
    name: 'BMv2',
    missing: bmv2Version() === undefined ? 'simple_switch_grpc is not on PATH' : undefined,
    start: async () => {
      const device = new Bmv2Process(3, 510);
      onTestFinished(() => device.stop());
      return { address: device.p4runtimeAddress, deviceId: 3 };
    },
  },
];

describe.each(TARGETS)('$name', ({ missing, start }) => {
  it(
    'has the entries of the last query and no other, whichever build it ran before',
    { timeout: 300_000 },
    async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const place = await start();
      for (const [query, build, workers] of [
        [1, 0, 3],
        [2, 0, 2],
        [3, 1, 2],
        [4, 0, 1],
      ] as const) {
        const device = await QuerySwitch.connect({
          ...place,
          serviceIp: SERVICE_IP,
          serviceMac: SERVICE_MAC,
          connectTimeoutMs: 20_000,
          routes: [{ prefix: '10.1.0.0/16', port: 1, mac: '02:00:00:00:00:09' }],
        });
        await device.program(setup(build, workers, query));
        // Anybody may read.
        const reader = new P4RuntimeClient({ ...place, electionId: 0n });
        await reader.connect();
        await reader.getPipeline();
        const found = await tables(reader);
        expect(found).toMatchObject({
          members: 2 * (workers + 1),
          receivers: 2 * (workers + 1),
          local: 1,
          routes: 1,
          epochs: [BigInt(query)],
        });
        found.flows.forEach(([base], i) =>
          expect(base).toBe(i === 0 ? 0 : found.flows[i - 1]![0] + found.flows[i - 1]![1]),
        );
        reader.close();
        device.close();
      }
    },
  );

  it(
    'has the entries of the last query when the one before was given up while its entries were written',
    { timeout: 300_000 },
    async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const place = await start();
      const device = await QuerySwitch.connect({
        ...place,
        serviceIp: SERVICE_IP,
        serviceMac: SERVICE_MAC,
        connectTimeoutMs: 20_000,
      });
      onTestFinished(() => device.close());
      await device.program(setup(0, 1, 1));
      await Promise.all([device.program(setup(0, 3, 2)), device.program(setup(0, 2, 3))]);
      const reader = new P4RuntimeClient({ ...place, electionId: 0n });
      onTestFinished(() => reader.close());
      await reader.connect();
      await reader.getPipeline();
      expect(await tables(reader)).toMatchObject({ members: 6, receivers: 6, local: 1, epochs: [3n] });
    },
  );

  it(
    'waits for a controller that is about to leave, and refuses to outbid one that stays',
    { timeout: 300_000 },
    async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const place = await start();
      const options = { ...place, serviceIp: SERVICE_IP, serviceMac: SERVICE_MAC, connectTimeoutMs: 20_000 };
      const other = new P4RuntimeClient({ ...place, electionId: 7n });
      expect(await other.connect({ timeoutMs: 20_000 })).toMatchObject({ primary: true });

      await expect(QuerySwitch.connect({ ...options, departureMs: 300 })).rejects.toThrow(
        new SwitchTakenError(
          `another controller (election id 7) is primary at the switch ${place.address}: stop it, or name another switch with --p4runtime`,
        ),
      );
      const abort = new AbortController();
      const unwanted = QuerySwitch.connect({ ...options, departureMs: 86_400_000, signal: abort.signal });
      abort.abort(new Error('interrupted'));
      await expect(unwanted).rejects.toThrow('interrupted');
      const waiting = QuerySwitch.connect({ ...options, departureMs: 60_000 });
      // Likely after its first look, which finds the other.
      await setTimeout(300);
      other.close();
      (await waiting).close();
    },
  );
});
