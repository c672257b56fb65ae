/** A build with a Tofino's arithmetic on the embedded switch: the controller pushes it by its name, and workers add with it. */
import { expect, test } from 'vitest';
import { P4RuntimeServer, PortRunner, SwitchDevice, UdpPort } from '../../../emulator/index.js';
import { DgramTransport, Worker } from '../../../host/index.js';
import { SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import { onEnd, startSite } from '../site.helpers.js';

test('fpisa-a-n16', async () => {
  const device = new SwitchDevice({ engine: 'interpreter' });
  const runner = new PortRunner(device);
  device.onOutput((output) => runner.emit(output));
  onEnd(() => runner.close());
  const ports: Record<number, string> = {};
  for (const number of [1, 2]) {
    const port = new UdpPort({
      number,
      bindPort: 0,
      service: { mac: '02:00:00:00:00:fe', address: '10.0.0.254', udpPort: SERVICE_UDP_PORT },
    });
    await runner.attach(port);
    ports[number] = `${port.address.address}:${port.address.port}`;
  }
  const server = new P4RuntimeServer(device);
  const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
  onEnd(() => server.close());

  const site = await startSite({
    config: { address, build: 'fpisa-a-n16', ports },
    timing: { probeReplyTimeoutMs: 20_000 },
  });
  await expect(site.client.createJob({ name: 'train', workers: 2 })).rejects.toThrow(
    /switch "s1" runs build fpisa-a-n16, which does not compute profile fpisa \(its profiles: fpisa-a, int32\)/,
  );
  await site.client.createJob({ name: 'train', workers: 2, profile: 'fpisa-a' });
  const workers = await Promise.all(
    [0, 1].map(async (rank) => {
      const worker = await Worker.join({
        controller: `127.0.0.1:${site.port}`,
        job: 'train',
        rank,
        transport: await DgramTransport.open({ ip: '127.0.0.1' }),
      });
      onEnd(() => worker.close());
      return worker;
    }),
  );
  const values = [0, 1].map((rank) => Float32Array.from({ length: 50 }, (_, i) => (i - 20) * 0.5 + rank));
  await Promise.all(workers.map((worker, rank) => worker.allreduce([values[rank]!])));
  for (const sum of values) expect([...sum]).toEqual(Array.from({ length: 50 }, (_, i) => i - 20 + 1));
  expect((await site.client.getStatus()).switches).toMatchObject([
    { state: 'ready', target: 'bmv2', build: 'fpisa-a-n16', valuesPerPacket: 16, absent: [] },
  ]);
  expect((await site.client.probeJob('train')).length).toBeGreaterThan(0);
});
