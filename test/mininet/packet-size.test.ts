/** Packets as long as the links of the network carry, with each switch that this machine has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { endAll, run, temporaryFolder } from './support/run.js';
import { TARGETS } from './support/targets.js';

const folder = temporaryFolder();
afterAll(async () => {
  await endAll();
  folder.remove();
});

/** Two leaves under a spine, whose workers have wide links; one leaf has a narrow one upwards. */
const TOPOLOGY = `
from fpisa_topo import AggregationTopo

class Narrow(AggregationTopo):
    def build(self):
        spine = self.addAggregator('s1')
        for name, mtu in (('s2', 9000), ('s3', 1500)):
            leaf = self.addAggregator(name)
            self.addWorker(leaf, mtu=9000)
            self.connect(leaf, spine, mtu=mtu)

topos = {'narrow': Narrow}
`;

for (const { kind, missing } of TARGETS) {
  const suite = `fpisa mininet --switch ${kind} --values 2048${missing === undefined ? '' : ` (${missing})`}`;
  describe.skipIf(missing !== undefined)(suite, { timeout: 600_000 }, () => {
    it.each([
      [9000, 2048],
      [1500, 256],
    ])('links of MTU %i: packets of up to %i values', async (mtu, packetValues) => {
      const { code, report, errors } = await run([
        ...['--switch', kind, '--topo', `fpisa,2,mtu=${mtu}`, '--values', '2048', '--json'],
      ]).end;
      expect(report, errors).toMatchObject({ ok: true, outOfBound: 0, valuesPerPacket: 2048, packetValues });
      expect(code).toBe(0);
    });

    it('a link between switches counts like that of a worker', async () => {
      const custom = join(folder.path, 'narrow.py');
      writeFileSync(custom, TOPOLOGY);
      const { code, report, errors } = await run([
        ...['--switch', kind, '--custom', custom, '--topo', 'narrow', '--values', '2048', '--json'],
      ]).end;
      expect(report, errors).toMatchObject({
        ok: true,
        outOfBound: 0,
        switches: ['s1', 's2', 's3'],
        packetValues: 256,
      });
      expect(code).toBe(0);
    });
  });
}
