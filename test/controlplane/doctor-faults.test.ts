/** The doctor's findings for real faults in a network of switches and workers. */
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../cli/doctor/diagnose.js';
import { takeReading } from '../../cli/doctor/reading.js';
import { DgramTransport, type Worker } from '../../host/index.js';
import { marked } from '../e2e/support/data.js';
import { Network, type SwitchPlan } from './network.helpers.js';
import { startSite } from './site.helpers.js';

/** Between two readings. */
const SECONDS = 3;

describe('real faults', () => {
  const PLANS: SwitchPlan[] = [
    { name: 'spine', workers: 1 },
    { name: 'leaf', parent: 'spine', workers: 3 },
  ];

  /** Takes what arrives for a lost packet: a firewall on the way in. */
  async function behindFirewall(): Promise<DgramTransport> {
    const transport = await DgramTransport.open({ ip: '127.0.0.1' });
    Object.defineProperty(transport, 'onMessage', { get: () => undefined, set: () => undefined });
    return transport;
  }

  async function network(firewalled?: number): Promise<{ net: Network; workers: Worker[] }> {
    const net = await Network.start(PLANS);
    await net.client.createJob({ name: 'train', workers: 3, slots: 4 });
    const join = async (rank: number, home: string): Promise<Worker> =>
      net.join('train', rank, home, {
        timeoutMs: 300_000,
        ...(rank === firewalled && { transport: await behindFirewall() }),
      });
    return { net, workers: await Promise.all(['spine', 'leaf', 'leaf'].map((home, rank) => join(rank, home))) };
  }

  function begin(workers: readonly Worker[]): void {
    // Nothing comes of them.
    for (const worker of workers) worker.allreduce(marked(worker.rank, 400)).catch(() => undefined);
  }

  /** Two readings that are `seconds` apart in the workers' time, since they repeat their packets as time goes by. */
  async function faults(net: Network): Promise<string[]> {
    const before = await takeReading(net.client, undefined);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const after = await takeReading(net.client, undefined);
    return diagnose({ before, after, seconds: SECONDS }).flatMap(({ level, finding }) =>
      level === 'fault' ? [finding] : [],
    );
  }

  test.each([
    ['spine', 0],
    ['leaf', 2],
  ])('a firewall at a worker of %s', async (home, rank) => {
    const { net, workers } = await network(rank);
    begin(workers);
    await expect
      .poll(() => faults(net), { timeout: 60_000 })
      .toEqual([
        expect.stringMatching(
          new RegExp(`^worker ${rank} does not receive results: .*\\(REPEAT \\+\\d+ on switch ${home}\\)`),
        ),
      ]);
  });

  test('a worker that does not begin, and a link that fails in either direction', async () => {
    const { net, workers } = await network();
    begin(workers.slice(0, 2));
    await expect
      .poll(() => faults(net), { timeout: 60_000 })
      .toEqual([
        expect.stringMatching(
          /^nothing arrives from worker 2 through port \d of switch leaf, and the others wait for it in slots 0, 1, 2, 3$/,
        ),
      ]);
    const wire = net.wires.get('leaf')!;
    wire.loss.down = 1;
    begin(workers.slice(2));
    await expect
      .poll(() => faults(net), { timeout: 60_000 })
      .toEqual([expect.stringMatching(/^results of switch spine do not arrive at switch leaf/)]);
    // The leaf requests results that the spine has.
    wire.loss = { up: 1, down: 0 };
    await expect
      .poll(() => faults(net), { timeout: 60_000 })
      .toEqual([
        expect.stringMatching(
          /^sums of switch leaf do not arrive at switch spine: \d+ were sent up through port 100, none arrived through port 101$/,
        ),
      ]);
  });

  test('a link that fails before any sum has passed', async () => {
    const { net, workers } = await network();
    net.wires.get('leaf')!.loss.up = 1;
    begin(workers);
    await expect
      .poll(() => faults(net), { timeout: 60_000 })
      .toEqual([expect.stringMatching(/^sums of switch leaf do not arrive at switch spine/)]);
  });

  test('another program on the switch is named, replaced, and remembered', async () => {
    const site = await startSite({ timing: { pollMs: 1_000_000 } });
    await site.controller.ready('s1');
    site.fake.pipeline = { ...site.fake.pipeline!, cookie: { cookie: 1n } };
    const report = async () => (await site.client.getStatus()).switches[0]!;
    expect(await report()).toMatchObject({ state: 'ready', program: 'other', restored: 0 });
    await site.controller.ready('s1');
    expect(await report()).toMatchObject({ state: 'ready', program: 'own', restored: 1 });
    site.fake.lose();
    expect(await report()).toMatchObject({ program: 'none' });
    site.fake.refuse = () => undefined;
    await site.controller.ready('s1');
    expect(await report()).toMatchObject({ program: 'own', restored: 2 });
  });
});
