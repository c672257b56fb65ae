/** Trees of switches: sums go up, results come down, and every link may lose packets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { Random } from '../../net/random.js';
import { Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { contribution, fromWorker, parse, udpFrame, type Addresses, type Parsed } from './support/frames.js';
import { FpisaSwitch } from './support/fpisa-switch.js';

const N = 16;
const JOB = 1;
const EPOCH = 1;
const SLOTS = 2;
const UPLINK = 100;
/** Of every packet on every link. */
const LOSS = 0.2;

interface Node {
  readonly fpisa: FpisaSwitch;
  readonly ip: number;
  readonly mac: bigint;
  readonly parent: Node | undefined;
  /** By port: the switch or worker that is there. */
  readonly neighbours: Map<number, Node | number>;
}

const exact = (value: number | bigint) => ({ kind: 'exact', value: BigInt(value) }) as const;

class Tree {
  readonly nodes: Node[] = [];
  /** Worker's switch and port. */
  readonly homes = new Map<number, { node: Node; port: number }>();
  readonly inboxes = new Map<number, Parsed[]>();
  private readonly inTransit: { node: Node; port: number; bytes: Uint8Array }[] = [];

  constructor(private readonly lose: () => boolean = () => false) {}

  addSwitch(parent?: Node): Node {
    const index = this.nodes.length;
    const node: Node = {
      fpisa: new FpisaSwitch(N),
      ip: 0x0a0000c8 + index,
      mac: 0x0200000000c8n + BigInt(index),
      parent,
      neighbours: new Map(),
    };
    node.fpisa.device.control.insertEntry('fpisa.local', {
      keys: [exact(node.ip)],
      priority: 0,
      call: { action: 'fpisa.serve', args: [] },
    });
    this.nodes.push(node);
    if (parent !== undefined) {
      node.neighbours.set(UPLINK, parent);
      parent.neighbours.set(parent.neighbours.size + 1, node);
    }
    return node;
  }

  addWorker(rank: number, node: Node): void {
    const port = node.neighbours.size + 1;
    node.neighbours.set(port, rank);
    this.homes.set(rank, { node, port });
    this.inboxes.set(rank, []);
  }

  /** Fills the tables once the tree is built. */
  program(): void {
    const profile = resolveProfile({ workers: 4 });
    for (const node of this.nodes) {
      const { control } = node.fpisa.device;
      const members = [...node.neighbours].filter(([port]) => port !== UPLINK);
      members.forEach(([port, neighbour], index) => {
        const sender: Addresses =
          typeof neighbour === 'number'
            ? fromWorker(neighbour)
            : { ...fromWorker(0), srcIp: neighbour.ip, srcMac: neighbour.mac, srcPort: SERVICE_UDP_PORT };
        const rank = typeof neighbour === 'number' ? neighbour : index;
        control.insertEntry('fpisa.member', {
          keys: [exact(port), exact(sender.srcIp), exact(sender.srcPort), exact(JOB), exact(rank)],
          priority: 0,
          call: {
            action: 'fpisa.join',
            args: [
              1n << BigInt(index),
              2n ** BigInt(members.length) - 1n,
              7n,
              0n,
              BigInt(SLOTS),
              BigInt(EPOCH),
              0n,
              0n,
              BigInt(profile.guard),
              1n,
              0n,
            ],
          },
        });
        control.insertEntry('fpisa.receiver', {
          keys: [exact(JOB), exact(index + 1), exact(port)],
          priority: 0,
          call: { action: 'fpisa.address', args: [sender.srcMac, BigInt(sender.srcIp), BigInt(sender.srcPort)] },
        });
      });
      control.setMulticastGroup(
        7,
        members.map(([port], index) => ({ egressPort: port, instance: index + 1 })),
      );
      if (node.parent === undefined) continue;
      const rank = [...node.parent.neighbours]
        .filter(([port]) => port !== UPLINK)
        .findIndex(([, neighbour]) => neighbour === node);
      control.insertEntry('fpisa.parent', {
        keys: [exact(JOB)],
        priority: 0,
        call: { action: 'fpisa.ascend', args: [BigInt(UPLINK), node.parent.mac, BigInt(node.parent.ip), BigInt(rank)] },
      });
      control.insertEntry('fpisa.from_parent', {
        keys: [exact(UPLINK), exact(node.parent.ip), exact(JOB)],
        priority: 0,
        call: { action: 'fpisa.descend', args: [7n, BigInt(EPOCH)] },
      });
    }
  }

  send(rank: number, chunk: number, words: number[], signature = 0): void {
    const { node, port } = this.homes.get(rank)!;
    const message = contribution(
      {
        job: JOB,
        worker: rank,
        epoch: EPOCH,
        chunk,
        slot: chunk % SLOTS,
        set: Math.floor(chunk / SLOTS) % 2,
        signature,
      },
      words,
    );
    this.transmit(node, port, udpFrame(message, { ...fromWorker(rank), dstIp: node.ip, dstMac: node.mac }));
    this.settle();
  }

  private transmit(node: Node, port: number, bytes: Uint8Array): void {
    if (!this.lose()) this.inTransit.push({ node, port, bytes });
  }

  private settle(): void {
    for (let packet = this.inTransit.shift(); packet !== undefined; packet = this.inTransit.shift()) {
      for (const output of packet.node.fpisa.device.receive(packet.port, packet.bytes)) {
        const neighbour = packet.node.neighbours.get(output.port);
        if (neighbour === undefined) throw new Error(`a packet left through port ${output.port}, where nothing is`);
        if (typeof neighbour === 'number') {
          if (!this.lose()) this.inboxes.get(neighbour)!.push(parse(output.bytes));
          continue;
        }
        const entry =
          neighbour === packet.node.parent
            ? [...neighbour.neighbours].find(([, other]) => other === packet.node)![0]
            : UPLINK;
        this.transmit(neighbour, entry, output.bytes);
      }
    }
  }
}

/** @param shape workers of each leaf; `levels` 3 puts a switch between every leaf and the root */
function tree(shape: readonly number[], levels: 2 | 3, lose?: () => boolean): Tree {
  const network = new Tree(lose);
  const root = network.addSwitch();
  let rank = 0;
  for (const workers of shape) {
    const leaf = network.addSwitch(levels === 3 ? network.addSwitch(root) : root);
    for (let i = 0; i < workers; i++) network.addWorker(rank++, leaf);
  }
  network.program();
  return network;
}

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
        const network = tree(shape, levels, () => random.chance(LOSS));
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
