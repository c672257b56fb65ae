import { expect, it } from 'vitest';
import { diagnoseMachine, findingsOf } from '../../cli/doctor/machine.js';

it.each([
  'node:dgram (sending in batches needs the package koffi, which does not load (no such file); install it with "npm install koffi")',
  'batches, without UDP_SEGMENT and UDP_GRO, which this kernel lacks',
])('a note says that workers here send by %s', (description) => {
  expect(findingsOf(description)).toEqual([
    {
      level: 'note',
      subject: 'this machine',
      finding: `packets of workers here go by ${description}`,
      remedy: 'none needed; it takes more processor time than batches with UDP_SEGMENT and UDP_GRO',
    },
  ]);
});

it('nothing is said of a machine that has everything', async () => {
  expect(findingsOf('batches with UDP_SEGMENT and UDP_GRO')).toEqual([]);
  const { transport, findings } = await diagnoseMachine();
  expect(findings).toEqual(findingsOf(transport));
});
