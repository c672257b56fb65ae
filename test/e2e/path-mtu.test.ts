/** Packets as long as the narrowest cable carries, found out by the workers: nothing fails for their length. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Command, onEnd, onlyJson, type Line } from '../cli/support/command.js';
import { Namespace, namespacesMissing } from '../emulator/support/network-namespace.js';
import { expectSameBits, marked, markedSum } from './support/data.js';
import { ObedientWorker, type Done } from './support/obedient-worker.js';
import { InterfacesSite, type Cable } from './support/interfaces-site.js';

const missing = await namespacesMissing();

const cable = (atWorker: number, atSwitch = atWorker): Cable => ({ atWorker, atSwitch });
const LENGTH = 30_001;
const SWITCH_AT = ['--p4runtime', '127.0.0.1:0'];

async function namespace(): Promise<Namespace> {
  const created = await Namespace.create();
  onEnd(() => created.remove());
  created.ip('link set lo up');
  return created;
}

interface Shown {
  readonly packetValues: number;
  readonly members: readonly { readonly packetValues: number }[];
}

/** Of the only operation of each worker. */
function packetValues(lines: readonly Line[]): unknown[] {
  return lines.map((line) => (line['tensors'] as readonly { readonly packetValues: number }[])[0]!.packetValues);
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'cables of different MTU' : `cables of different MTU (${missing})`,
  { timeout: 600_000 },
  () => {
    it.each<[string, readonly Cable[], number, string]>([
      ['9,000 bytes everywhere', [cable(9000), cable(9000)], 2048, ''],
      [
        '1,500 bytes at one worker, and at the far end of another one, which that cannot see',
        [cable(9000, 1500), cable(1500)],
        256,
        'workers 0, 1',
      ],
      ['the least that IPv4 must carry', [cable(576), cable(9000, 4200)], 64, 'worker 0'],
    ])('%s', async (_, cables, most, narrow) => {
      const site = await InterfacesSite.start(2, 2048, cables);
      expect(await site.create('job', 2, 'fpisa')).toMatchObject({ code: 0 });
      const reduction = await site.begin('job', [marked(0, LENGTH), marked(1, LENGTH)]);
      const { results, lines } = await reduction.finish();
      for (const result of results) expectSameBits(result, markedSum([0, 1], LENGTH));
      expect(packetValues(lines)).toEqual([most, most]);
      expect(site.controller.stderr).toContain(
        most === 2048
          ? 'with packets of up to 2048 values'
          : `with packets of up to ${most} values instead of 2048: the path of ${narrow} carries no more`,
      );
    });

    it('a cable that becomes narrow: the operation goes on with shorter packets, and everyone can see why', async () => {
      const site = await InterfacesSite.start(2, 2048, [cable(9000), cable(9000)]);
      expect(await site.create('job', 2, 'fpisa')).toMatchObject({ code: 0 });
      const workers = await site.workers('job', 2);
      const reduce = (): Promise<Done[]> => Promise.all(workers.map((worker) => worker.reduce(200_000)));
      for (const done of await reduce()) expect(done).toEqual({ packetValues: 2048, restarts: 0, right: true });

      site.stretch(1, cable(9000, 1500));
      for (const { packetValues, restarts, right } of await reduce()) {
        expect({ packetValues, right }).toEqual({ packetValues: 256, right: true });
        expect(restarts).toBeGreaterThan(0);
      }
      expect(site.controller.stderr).toContain('the path of worker 1 carries only packets of up to 256 values');
      const reason = 'up to 256 values instead of 2048';
      expect(site.controller.stderr).toContain(`with packets of ${reason}: the path of worker 1 carries no more`);
      const job = onlyJson<Shown>(await site.ask('job', 'show', 'job', '--json'));
      expect(job).toMatchObject({ packetValues: 256, members: [{ packetValues: 2048 }, { packetValues: 256 }] });
      expect((await site.ask('job', 'list')).stdout).toContain('256 of 2048');
      expect((await site.ask('doctor')).stdout).toContain(
        `its packets hold ${reason}, because the path of worker 1 carries no more`,
      );
    });

    it('a router in the middle, to a switch with UDP ports, whatever the transport', async () => {
      const [host, router, far] = [await namespace(), await namespace(), await namespace()];
      host.ip(
        'link add east type veth peer name west',
        `link set west netns ${router.path}`,
        'addr add 10.1.0.1/24 dev east',
        'link set east mtu 9000 up',
      );
      router.ip(
        'link add south type veth peer name north',
        `link set north netns ${far.path}`,
        'addr add 10.1.0.2/24 dev west',
        'addr add 10.2.0.1/24 dev south',
        'link set west mtu 9000 up',
        'link set south mtu 1500 up',
      );
      router.inside(() => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
      far.ip('addr add 10.2.0.2/24 dev north', 'link set north mtu 9000 up', 'route add default via 10.2.0.1');
      host.ip('route add 10.2.0.0/24 via 10.1.0.2');
      const device = host.inside(
        () => new Command(['switch', '--json', ...SWITCH_AT, '--ports', '3', '--host', '10.1.0.1']),
      );
      const { p4runtime, ports } = await device.line();
      const places = Object.entries(ports as Record<string, string>).flatMap(([port, place]) => [
        '--port',
        `${port}=${place}`,
      ]);
      const controller = host.inside(
        () => new Command(['controller', '--json', '--listen', '0.0.0.0:0', '--switch', String(p4runtime), ...places]),
      );
      const listening = String((await controller.line())['controller']).split(':')[1]!;
      const create = ['job', 'create', 'job', '--workers', '3', '--controller', `127.0.0.1:${listening}`];
      expect(await host.inside(() => new Command(create)).ended).toMatchObject({ code: 0 });
      const options = { workers: 3, job: 'job', controller: `10.1.0.1:${listening}` };
      const workers = [
        host.inside(() => ObedientWorker.start({ ...options, rank: 0, ip: '10.1.0.1' })),
        far.inside(() => ObedientWorker.start({ ...options, rank: 1, ip: '10.2.0.2' })),
        far.inside(() => ObedientWorker.start({ ...options, rank: 2, ip: '10.2.0.2', dgram: true })),
      ];
      for (const worker of workers) await worker.joined();
      for (const done of await Promise.all(workers.map((worker) => worker.reduce(50_000))))
        expect(done).toEqual({ packetValues: 256, restarts: 0, right: true });
      expect(controller.stderr).toContain('256 values instead of 2048: the path of workers 1, 2 carries no more');
    });
  },
);
