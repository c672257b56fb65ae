/** Trees of switches: sums go up, results come down, and every link may lose packets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../net/random.js';
import { Opcode } from '../../protocol/constants.js';
import { contribution, fromWorker, udpFrame, type Addresses } from './support/frames.js';
import { EPOCH, JOB, tree, UPLINK, type Tree } from './support/tree.js';

const N = 16;
/** Of every packet on every link. */
const LOSS = 0.2;

const bitsOf = (value: number): number => new DataView(new Float32Array([value]).buffer).getUint32(0, true);
const words = (value: number): number[] => new Array<number>(N).fill(bitsOf(value));

describe.each([2, 3] as const)('a tree of %i levels', (levels) => {
  it('gives every worker the sum over all leaves', () => {
    const network = tree([2, 1, 3], levels);
    for (let rank = 0; rank < 6; rank++) {
      for (const inbox of network.inboxes.values()) expect(inbox).toEqual([]);
      network.send(rank, 0, words(1 << rank));
    }
    for (const [rank, inbox] of network.inboxes) {
      expect(inbox.map(({ header }) => [header.opcode, header.worker])).toEqual([
        [Opcode.RESULT, rank - firstRank(network, rank)],
      ]);
      expect(inbox[0]!.words).toEqual(words(63));
      expect(inbox[0]!).toMatchObject({ dstIp: fromWorker(rank).srcIp, dstPort: fromWorker(rank).srcPort });
    }
  });

  it('tells all workers of a leaf that their shapes are refused above', () => {
    const network = tree([1, 2], levels);
    network.send(0, 0, words(1), 5);
    network.send(1, 0, words(1), 6);
    network.send(2, 0, words(1), 6);
    expect(network.inboxes.get(0)).toEqual([]);
    for (const rank of [1, 2])
      expect(network.inboxes.get(rank)!.map(({ header }) => header.opcode)).toEqual([Opcode.REFUSED]);
  });

  it('loses, counts twice and mixes nothing, whatever packets are lost on whatever link', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }), fc.nat(), (shape, seed) => {
        const random = new Random(seed);
        const network = tree(shape, levels, () => !random.chance(LOSS));
        const workers = shape.reduce((sum, count) => sum + count, 0);
        const done = new Array<number>(workers).fill(0);
        const chunks = 7;
        for (let turn = 0; done.some((count) => count < chunks); turn++) {
          if (turn > 5000) throw new Error('no progress');
          const rank = turn % workers;
          const chunk = done[rank]!;
          if (chunk === chunks) continue;
          network.send(rank, chunk, words((chunk + 1) * (1 << rank)));
          for (const { header, words: sums } of network.inboxes.get(rank)!.splice(0)) {
            expect(header.opcode).toBe(Opcode.RESULT);
            expect(sums).toEqual(words((header.chunk + 1) * (2 ** workers - 1)));
            if (header.chunk === done[rank]) done[rank]++;
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a leaf', () => {
  it('takes results only from its parent, in its epoch', () => {
    const network = tree([1], 2);
    const [, leaf] = network.nodes;
    const result = (header: object, addresses: Partial<Addresses>, port = UPLINK): void => {
      const message = contribution({ job: JOB, epoch: EPOCH, opcode: Opcode.RESULT, ...header }, words(1));
      const frame = udpFrame(message, { ...fromWorker(0), srcIp: network.nodes[0]!.ip, dstIp: leaf!.ip, ...addresses });
      expect(leaf!.fpisa.device.receive(port, frame)).toHaveLength(0);
    };
    result({}, {}, 1);
    result({}, { srcIp: 0x0a0000ff });
    result({ job: 2 }, {});
    result({ epoch: 2 }, {});
    expect(leaf!.fpisa.drops()).toEqual({ BAD_OPCODE: 3, WRONG_EPOCH: 1 });
  });
});

/** Lowest rank at the same leaf. */
function firstRank(network: Tree, rank: number): number {
  const { node } = network.homes.get(rank)!;
  return Math.min(
    ...[...node.neighbours.values()].filter((neighbour): neighbour is number => typeof neighbour === 'number'),
  );
}
