/** Switch, controller and workers as commands on separate machines: network namespaces, joined by veth pairs. */
import { describe, expect, it } from 'vitest';
import { readTensorFile, writeTensorFile, type Tensor } from '../../host/index.js';
import { Command, onEnd, onlyJson, scratch, type Ended } from '../cli/support/command.js';
import { Namespace, namespacesMissing } from '../emulator/support/network-namespace.js';
import { expectSameBits, integers, marked, markedSum } from './support/data.js';

const missing = await namespacesMissing();
const SERVICE_IP = '10.0.0.254';
const SERVICE_MAC = '02:00:0a:00:00:fe';

/** The machine of the switch and its controller, and one for each worker: a cable to the switch, and one to the controller. */
class Site {
  private readonly machines: Namespace[] = [];
  private readonly directory = scratch();
  private controllerPort = '';

  private constructor(private readonly host: Namespace) {}

  static async start(workers: number, values: number): Promise<Site> {
    const site = new Site(await namespace());
    for (let rank = 0; rank < workers; rank++) await site.plug(rank);
    const ports = Array.from({ length: workers }, (_, rank) => ['--port', `${rank + 1}=port${rank + 1}`]).flat();
    const device = site.at(site.host, 'switch', '--json', '--p4runtime', '127.0.0.1:0', ...ports);
    const up = await device.line();
    expect(up['ports']).toEqual(
      Object.fromEntries(Array.from({ length: workers }, (_, rank) => [String(rank + 1), `port${rank + 1}`])),
    );
    const controller = site.at(
      site.host,
      ...[
        'controller',
        '--json',
        '--listen',
        '0.0.0.0:0',
        '--switch',
        String(up['p4runtime']),
        '--ports',
        String(workers),
      ],
      ...['--service-ip', SERVICE_IP, '--service-mac', SERVICE_MAC, '--values', String(values)],
    );
    site.controllerPort = String((await controller.line())['controller']).split(':')[1]!;
    return site;
  }

  create(job: string, workers: number, profile: string): Promise<Ended> {
    return this.at(
      this.host,
      'job',
      'create',
      job,
      '--workers',
      String(workers),
      '--profile',
      profile,
      '--controller',
      `127.0.0.1:${this.controllerPort}`,
    ).ended;
  }

  /** What every rank has got. */
  async allreduce(job: string, inputs: readonly Tensor[]): Promise<Tensor[]> {
    const output = (rank: number): string => `${this.directory}/${job}-${rank}-out.npy`;
    const workers: Command[] = [];
    for (const [rank, data] of inputs.entries()) {
      const input = `${this.directory}/${job}-${rank}.npy`;
      await writeTensorFile(input, { tensors: new Map([['data', { data, shape: [data.length] }]]), metadata: {} });
      workers.push(
        this.at(
          this.machines[rank]!,
          ...['allreduce', '--json', '--job', job, '--rank', String(rank), '--in', input, '--out', output(rank)],
          ...[
            '--controller',
            `192.168.${rank}.1:${this.controllerPort}`,
            '--ip',
            `10.0.0.${rank + 1}`,
            '--mac',
            macOf(rank),
            '--switch-port',
            String(rank + 1),
          ],
        ),
      );
    }
    for (const worker of workers) expect(onlyJson(await worker.ended)).toMatchObject({ event: 'done', ok: true });
    const results: Tensor[] = [];
    for (const rank of inputs.keys()) results.push((await readTensorFile(output(rank))).tensors.get('data')!.data);
    return results;
  }

  private async plug(rank: number): Promise<void> {
    const machine = await namespace();
    this.machines.push(machine);
    this.host.ip(
      `link add port${rank + 1} type veth peer name data`,
      `link set data netns ${machine.path}`,
      `link set port${rank + 1} up`,
      `link add line${rank} type veth peer name line`,
      `link set line netns ${machine.path}`,
      `addr add 192.168.${rank}.1/24 dev line${rank}`,
      `link set line${rank} up`,
    );
    machine.ip(
      `link set data address ${macOf(rank)}`,
      `addr add 10.0.0.${rank + 1}/24 dev data`,
      'link set data up',
      `neigh add ${SERVICE_IP} lladdr ${SERVICE_MAC} dev data`,
      `addr add 192.168.${rank}.2/24 dev line`,
      'link set line up',
    );
  }

  private at(machine: Namespace, ...args: readonly string[]): Command {
    return machine.inside(() => new Command(args));
  }
}

function macOf(rank: number): string {
  return `02:00:0a:00:00:0${rank + 1}`;
}

async function namespace(): Promise<Namespace> {
  const created = await Namespace.create();
  onEnd(() => created.remove());
  created.ip('link set lo up');
  return created;
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'workers behind network interfaces' : `workers behind network interfaces (${missing})`,
  () => {
    it('get the right sums, each to the bit', { timeout: 300_000 }, async () => {
      const site = await Site.start(2, 64);
      expect(await site.create('floats', 2, 'fpisa')).toMatchObject({ code: 0 });
      const inputs = [marked(0, 20_001), marked(1, 20_001)];
      for (const result of await site.allreduce('floats', inputs)) expectSameBits(result, markedSum([0, 1], 20_001));

      expect(await site.create('integers', 2, 'int32')).toMatchObject({ code: 0 });
      const wholes = [integers(1, 5000, 1e6), integers(2, 5000, 1e6)];
      for (const result of await site.allreduce('integers', wholes))
        expectSameBits(
          result,
          wholes[0]!.map((value, i) => value + wholes[1]![i]!),
        );
    });
  },
);
