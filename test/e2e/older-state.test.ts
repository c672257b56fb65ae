/** An earlier copy of the controller's store is put back while the switch runs on: its registers know epochs that the store does not. */
import { copyFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Worker } from '../../host/index.js';
import { Cluster, JOB } from './support/cluster.js';
import { expectSameBits } from './support/data.js';

const LENGTH = 200;

/** Every worker brings `value + rank`. */
async function expectSum(workers: readonly Worker[], value: number): Promise<void> {
  const tensors = workers.map(({ rank }) => new Float32Array(LENGTH).fill(value + rank));
  await Promise.all(workers.map((worker, index) => worker.allreduce(tensors[index]!)));
  const sum = workers.reduce((total, { rank }) => total + value + rank, 0);
  for (const tensor of tensors) expectSameBits(tensor, new Float32Array(LENGTH).fill(sum));
}

const copyOf = (cluster: Cluster): string => `${cluster.storeFile}.backup`;

async function putBack(cluster: Cluster): Promise<void> {
  await cluster.stopController();
  copyFileSync(copyOf(cluster), cluster.storeFile);
  await cluster.startController();
}

it('new workers do not get the sums of those before them', async () => {
  const cluster = await Cluster.start({ workers: 2, ports: 4, slots: 4 });
  copyFileSync(cluster.storeFile, copyOf(cluster));
  const first = await cluster.joinAll();
  await expectSum(first, 1);
  await expectSum(first, 2);
  await Promise.all(first.map((worker) => worker.close()));
  await putBack(cluster);

  const second = await cluster.joinAll();
  await expectSum(second, 100);
  await expectSum(second, 200);
  expect((await cluster.job()).epoch).toBeGreaterThan(1);
});

it('workers that live on, and are in a later epoch, add up right with one that has joined since', async () => {
  const cluster = await Cluster.start({ workers: 2, ports: 4, slots: 4 });
  const [kept, left] = (await cluster.joinAll()) as [Worker, Worker];
  await expectSum([kept, left], 1);
  copyFileSync(cluster.storeFile, copyOf(cluster));
  await left.close();
  const joined = await cluster.join(1);
  await expectSum([kept, joined], 10);
  const { epoch } = await cluster.job();
  await putBack(cluster);
  // Perhaps before the controller has seen the switch: in the epoch that both are in, and that runs on.
  await expectSum([kept, joined], 20);
  await expect.poll(async () => (await cluster.job()).epoch, { timeout: 20_000 }).toBeGreaterThan(epoch);
  await expectSum([kept, joined], 30);
});

it('a job that has been deleted since comes back without its sums', async () => {
  const cluster = await Cluster.start({ workers: 2, ports: 4, slots: 4 });
  copyFileSync(cluster.storeFile, copyOf(cluster));
  const first = await cluster.joinAll();
  await expectSum(first, 1);
  await Promise.all(first.map((worker) => worker.close()));
  await cluster.client.deleteJob(JOB, { force: true });
  await putBack(cluster);
  await expectSum(await cluster.joinAll(), 100);
});
