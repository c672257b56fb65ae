/** Switches in a tree, each with the program, and workers at its leaves; frames pass from one to the next at once. */
import { resolveProfile } from '../../../arithmetic/index.js';
import { SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import { contribution, fromWorker, parse, udpFrame, type Addresses, type Parsed } from './frames.js';
import { FpisaSwitch } from './fpisa-switch.js';

export const JOB = 1;
export const EPOCH = 1;
const SLOTS = 2;
export const UPLINK = 100;
export interface Node {
  readonly fpisa: FpisaSwitch;
  readonly ip: number;
  readonly mac: bigint;
  readonly parent: Node | undefined;
  /** By port: the switch or worker that is there. */
  readonly neighbours: Map<number, Node | number>;
}

const exact = (value: number | bigint) => ({ kind: 'exact', value: BigInt(value) }) as const;

export class Tree {
  readonly nodes: Node[] = [];
  /** Worker's switch and port. */
  readonly homes = new Map<number, { node: Node; port: number }>();
  readonly inboxes = new Map<number, Parsed[]>();
  private readonly inTransit: { node: Node; port: number; bytes: Uint8Array }[] = [];

  /** @param carries whether a link carries a frame, up (or from a worker) or down */
  constructor(
    private readonly carries: (frame: Uint8Array) => boolean = () => true,
    private readonly n = 16,
  ) {}

  addSwitch(parent?: Node): Node {
    const index = this.nodes.length;
    const node: Node = {
      fpisa: new FpisaSwitch(this.n),
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
              1n,
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
    this.put(rank, message);
  }

  /** Sends a message as it is, and delivers whatever follows. */
  put(rank: number, message: Uint8Array): void {
    const { node, port } = this.homes.get(rank)!;
    this.transmit(node, port, udpFrame(message, { ...fromWorker(rank), dstIp: node.ip, dstMac: node.mac }));
    this.settle();
  }

  private transmit(node: Node, port: number, bytes: Uint8Array): void {
    if (this.carries(bytes)) this.inTransit.push({ node, port, bytes });
  }

  private settle(): void {
    for (let packet = this.inTransit.shift(); packet !== undefined; packet = this.inTransit.shift()) {
      for (const output of packet.node.fpisa.device.receive(packet.port, packet.bytes)) {
        const neighbour = packet.node.neighbours.get(output.port);
        if (neighbour === undefined) throw new Error(`a packet left through port ${output.port}, where nothing is`);
        if (typeof neighbour === 'number') {
          if (this.carries(output.bytes)) this.inboxes.get(neighbour)!.push(parse(output.bytes));
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
export function tree(
  shape: readonly number[],
  levels: 2 | 3,
  carries?: (frame: Uint8Array) => boolean,
  n?: number,
): Tree {
  const network = new Tree(carries, n);
  const root = network.addSwitch();
  let rank = 0;
  for (const workers of shape) {
    const leaf = network.addSwitch(levels === 3 ? network.addSwitch(root) : root);
    for (let i = 0; i < workers; i++) network.addWorker(rank++, leaf);
  }
  network.program();
  return network;
}
