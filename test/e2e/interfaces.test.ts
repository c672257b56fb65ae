/** Workers and switch on separate machines, whose cables are network interfaces. */
import { describe, expect, it } from 'vitest';
import { namespacesMissing } from '../emulator/support/network-namespace.js';
import { expectSameBits, integers, marked, markedSum } from './support/data.js';
import { InterfacesSite } from './support/interfaces-site.js';

const missing = await namespacesMissing();

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'workers behind network interfaces' : `workers behind network interfaces (${missing})`,
  () => {
    it('get the right sums, each to the bit', { timeout: 300_000 }, async () => {
      const site = await InterfacesSite.start(2, 64);
      expect(await site.create('floats', 2, 'fpisa')).toMatchObject({ code: 0 });
      const inputs = [marked(0, 20_001), marked(1, 20_001)];
      for (const result of (await site.allreduce('floats', inputs)).results)
        expectSameBits(result, markedSum([0, 1], 20_001));

      expect(await site.create('integers', 2, 'int32')).toMatchObject({ code: 0 });
      const wholes = [integers(1, 5000, 1e6), integers(2, 5000, 1e6)];
      for (const result of (await site.allreduce('integers', wholes)).results)
        expectSameBits(
          result,
          wholes[0]!.map((value, i) => value + wholes[1]![i]!),
        );
    });
  },
);
