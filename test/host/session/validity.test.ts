/** What a controller may announce, and what is refused before anything uses it. */
import { describe, expect, it } from 'vitest';
import type { Membership, Welcome } from '../../../host/session/messages.js';
import { faultOf } from '../../../host/session/validity.js';
import { PAPER_PROFILE } from '../../support/paper-profile.js';

const WELCOME: Welcome = {
  job: {
    name: 'train',
    number: 3,
    workers: 4,
    minWorkers: 4,
    epoch: 0,
    slotBase: 8,
    slots: 504,
    profile: PAPER_PROFILE,
    state: 'waiting',
  },
  valuesPerPacket: 64,
  packetSteps: [],
  serviceIp: '10.0.0.254',
  serviceUdpPort: 61_786,
  switchPort: 1,
  serviceMac: '02:00:00:00:00:fe',
};
const MEMBERSHIP: Membership = {
  epoch: 1,
  ranks: [0, 2],
  reason: '',
  bits: [0, 32],
  missing: [{ rank: 1, left: true }],
};
const RANK = 2;

const job = (changes: Partial<Welcome['job']>): Partial<Welcome> => ({ job: { ...WELCOME.job, ...changes } });

describe('a welcome', () => {
  it('is accepted as controllers send it', () => {
    expect(faultOf({ welcome: WELCOME }, RANK, 4)).toBeUndefined();
    expect(faultOf({ welcome: { ...WELCOME, packetSteps: [16, 64] } }, RANK, 4)).toBeUndefined();
    expect(faultOf({ welcome: { ...WELCOME, serviceMac: '' } }, RANK, 4)).toBeUndefined();
  });

  it.each<[Partial<Welcome>, RegExp]>([
    [job({ workers: 0 }), /0 workers/],
    [job({ workers: 33 }), /33 workers/],
    [job({ workers: 2 }), /rank 2 in a job of 2/],
    [job({ number: 256 }), /job number 256/],
    [job({ slots: 0 }), /0 slots/],
    [job({ slots: 2 ** 32 - 1 }), /4294967295 slots/],
    [job({ slotBase: 9 }), /504 slots from 9/],
    [{ valuesPerPacket: 0 }, /0 values/],
    [{ valuesPerPacket: 2 ** 32 - 1 }, /4294967295 values/],
    [{ packetSteps: [16] }, /packets of 16 values/],
    [{ packetSteps: [64, 16, 64] }, /packets of 64, 16, 64 values/],
    [{ packetSteps: [0, 64] }, /packets of 0, 64 values/],
    [{ serviceIp: '10.0.0.999' }, /10\.0\.0\.999/],
    [{ serviceUdpPort: 0 }, /:0$/],
    [{ serviceUdpPort: 65_536 }, /:65536$/],
    [{ serviceMac: '02:00' }, /MAC address 02:00/],
  ])('%j is refused', (changes, message) => {
    expect(faultOf({ welcome: { ...WELCOME, ...changes } }, RANK, 4)).toMatch(message);
  });
});

describe('a resume', () => {
  const resume = (packetValues: number): string | undefined =>
    faultOf({ resume: { epoch: 3, completed: 0, packetValues } }, RANK, 4, [64, 256, 1024]);

  it('has chunks of a size that packets have, or says nothing of it', () => {
    for (const packetValues of [0, 64, 256, 1024]) expect(resume(packetValues)).toBeUndefined();
    expect(faultOf({ resume: { epoch: 3, completed: 0 } }, RANK, 4, [16])).toBeUndefined();
    for (const packetValues of [1, 63, 2048, 2 ** 32 - 1])
      expect(resume(packetValues)).toBe(`chunks of ${packetValues} values, where packets have 64, 256, 1024`);
  });
});

describe('a membership', () => {
  it('is accepted as controllers send it', () => {
    expect(faultOf({ membership: MEMBERSHIP }, RANK, 4)).toBeUndefined();
    expect(faultOf({ membership: { epoch: 7, ranks: [2], reason: '' } }, RANK, 4)).toBeUndefined();
  });

  it.each<[Partial<Membership>, RegExp]>([
    [{ epoch: 0 }, /epoch 0/],
    [{ ranks: [0, 2, 4], bits: [] }, /ranks 0, 2, 4 of 4/],
    [{ ranks: [2, 2] }, /ranks 2, 2/],
    [{ ranks: [2, 0] }, /ranks 2, 0/],
    [{ ranks: [0, 1] }, /without rank 2/],
    [{ bits: [0] }, /1 bits for 2 ranks/],
    [{ bits: [0, 33] }, /bits 0, 33/],
    [{ missing: [{ rank: 9, left: false }] }, /missing ranks 9 of 4/],
  ])('%j is refused', (changes, message) => {
    expect(faultOf({ membership: { ...MEMBERSHIP, ...changes } }, RANK, 4)).toMatch(message);
  });
});

it('missing ranks are ranks of the job', () => {
  const ranks = [{ rank: 1, left: false }];
  expect(faultOf({ missing: { ranks, waitMs: 1 } }, RANK, 4)).toBeUndefined();
  expect(faultOf({ membersLost: { ranks, completed: 0, waitedMs: 1 } }, RANK, 4)).toBeUndefined();
  expect(faultOf({ membersLost: { ranks, completed: 0, waitedMs: 1 } }, 0, 1)).toMatch(/missing ranks 1 of 1/);
});
