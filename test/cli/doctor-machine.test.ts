import { expect, it } from 'vitest';
import { diagnoseMachine, findingsOf } from '../../cli/doctor/machine.js';

it.each([
  'node:dgram (sending in batches needs the package koffi, which does not load (no such file); install it with "npm install koffi")',
  'batches, without UDP_SEGMENT and UDP_GRO, which this kernel lacks',
])('a note says that workers here send by %s', (description) => {
  expect(findingsOf({ description })).toEqual([
    {
      level: 'note',
      subject: 'this machine',
      finding: `packets of workers here go by ${description}`,
      remedy: 'none needed; it takes more processor time than batches with UDP_SEGMENT and UDP_GRO',
    },
  ]);
});

it('nothing is said of a machine that has everything', async () => {
  expect(findingsOf({ description: 'batches with UDP_SEGMENT and UDP_GRO', bufferBytes: 8 << 20 })).toEqual([]);
  const { transport, findings } = await diagnoseMachine();
  expect(transport).toMatch(/^(batches|node:dgram)/);
  for (const { level } of findings) expect(level).toBe('note');
});

it('a note says how to get larger buffers', () => {
  expect(findingsOf({ description: 'batches with UDP_SEGMENT and UDP_GRO', bufferBytes: 425_984 })).toEqual([
    {
      level: 'note',
      subject: 'this machine',
      finding: expect.stringContaining('the kernel grants a worker here buffers of 416 KiB') as string,
      remedy: 'as root: sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304',
    },
  ]);
});
