/** Switch, controller and workers as commands on separate machines: network namespaces, joined by veth pairs. */
import { expect } from 'vitest';
import { readTensorFile, writeTensorFile, type Tensor } from '../../../host/index.js';
import { Command, onEnd, onlyJson, scratch, type Ended, type Line } from '../../cli/support/command.js';
import { ObedientWorker } from './obedient-worker.js';
import { Namespace } from '../../emulator/support/network-namespace.js';

const SERVICE_IP = '10.0.0.254';
const SERVICE_MAC = '02:00:0a:00:00:fe';

/** The machine of the switch and its controller, and one for each worker: a cable to the switch, and one to the controller. */
/** MTU of a worker's cable at either end. */
export interface Cable {
  readonly atWorker: number;
  readonly atSwitch: number;
}

const ORDINARY: Cable = { atWorker: 1500, atSwitch: 1500 };

export class InterfacesSite {
  private readonly machines: Namespace[] = [];
  private readonly directory = scratch();
  private controllerPort = '';
  /** The controller's log. */
  controller!: Command;

  private constructor(private readonly host: Namespace) {}

  /** @param cables of each worker, in order */
  static async start(workers: number, values: number, cables: readonly Cable[] = []): Promise<InterfacesSite> {
    const site = new InterfacesSite(await namespace());
    for (let rank = 0; rank < workers; rank++) await site.plug(rank, cables[rank] ?? ORDINARY);
    const ports = Array.from({ length: workers }, (_, rank) => ['--port', `${rank + 1}=port${rank + 1}`]).flat();
    const device = site.at(site.host, 'switch', '--json', '--p4runtime', '127.0.0.1:0', ...ports);
    const up = await device.line();
    expect(up['ports']).toEqual(
      Object.fromEntries(Array.from({ length: workers }, (_, rank) => [String(rank + 1), `port${rank + 1}`])),
    );
    const mtus = Array.from({ length: workers }, (_, rank) => [String(rank + 1), (cables[rank] ?? ORDINARY).atSwitch]);
    expect(up['mtu']).toEqual(Object.fromEntries(mtus));
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
    site.controller = controller;
    site.controllerPort = String((await controller.line())['controller']).split(':')[1]!;
    return site;
  }

  create(job: string, workers: number, profile: string): Promise<Ended> {
    return this.ask('job', 'create', job, '--workers', String(workers), '--profile', profile);
  }

  /** A command that asks the controller. */
  ask(...args: readonly string[]): Promise<Ended> {
    return this.at(this.host, ...args, '--controller', `127.0.0.1:${this.controllerPort}`).ended;
  }

  /** The workers of a job, once all have joined. */
  async workers(job: string, count: number): Promise<ObedientWorker[]> {
    const workers = Array.from({ length: count }, (_, rank) =>
      this.machines[rank]!.inside(() =>
        ObedientWorker.start({
          ...{ workers: count, job, rank, controller: `192.168.${rank}.1:${this.controllerPort}` },
          ...{ ip: `10.0.0.${rank + 1}`, mac: macOf(rank), switchPort: rank + 1 },
        }),
      ),
    );
    for (const worker of workers) await worker.joined();
    return workers;
  }

  /** Changes the cable of a worker. */
  stretch(rank: number, { atWorker, atSwitch }: Cable): void {
    this.host.ip(`link set port${rank + 1} mtu ${atSwitch}`);
    this.machines[rank]!.ip(`link set data mtu ${atWorker}`);
  }

  /** What every rank has got, and the last line that it printed. */
  async allreduce(job: string, inputs: readonly Tensor[]): Promise<{ results: Tensor[]; lines: Line[] }> {
    return await (await this.begin(job, inputs)).finish();
  }

  async begin(job: string, inputs: readonly Tensor[]): Promise<Reduction> {
    const output = (rank: number): string => `${this.directory}/${job}-${rank}-out.npy`;
    const workers: Command[] = [];
    for (const [rank, data] of inputs.entries()) {
      const input = `${this.directory}/${job}-${rank}.npy`;
      await writeTensorFile(input, { tensors: new Map([['data', { data, shape: [data.length] }]]), metadata: {} });
      workers.push(
        this.at(
          this.machines[rank]!,
          ...['allreduce', '--json', '--events', '--job', job, '--rank', String(rank), '--in', input],
          ...['--out', output(rank), '--controller', `192.168.${rank}.1:${this.controllerPort}`],
          ...['--ip', `10.0.0.${rank + 1}`, '--mac', macOf(rank), '--switch-port', String(rank + 1)],
        ),
      );
    }
    const finish = async (): Promise<{ results: Tensor[]; lines: Line[] }> => {
      const lines: Line[] = [];
      for (const worker of workers) {
        const ended = await worker.ended;
        expect(ended).toMatchObject({ code: 0 });
        lines.push(onlyJson({ ...ended, stdout: ended.stdout.trimEnd().split('\n').at(-1)! }));
      }
      for (const line of lines) expect(line).toMatchObject({ event: 'done', ok: true });
      const results: Tensor[] = [];
      for (const rank of inputs.keys()) results.push((await readTensorFile(output(rank))).tensors.get('data')!.data);
      return { results, lines };
    };
    return { workers, finish };
  }

  private async plug(rank: number, cable: Cable): Promise<void> {
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
    this.stretch(rank, cable);
  }

  private at(machine: Namespace, ...args: readonly string[]): Command {
    return machine.inside(() => new Command(args));
  }
}

export interface Reduction {
  readonly workers: readonly Command[];
  finish(): Promise<{ results: Tensor[]; lines: Line[] }>;
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
