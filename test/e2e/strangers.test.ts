/** Invalid packets while an operation runs: they do not affect it, and each is counted by its reason. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Worker } from '../../host/index.js';
import { DONT_FRAGMENT, encapsulate } from '../../net/frames.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import { Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { messageBytes, PROBE_BYTES } from '../../protocol/message.js';
import { operationSignature } from '../../protocol/submission.js';
import { Cluster } from './support/cluster.js';
import { SERVICE_IP, SERVICE_MAC } from './support/embedded-switch.js';
import { allreduce, expectSameBits, marked, markedSum } from './support/data.js';
import { contribution, message, Stranger } from './support/forge.js';

const VALUES = 16;
const SLOTS = 4;
const LENGTH = 1000;

const strangers: Stranger[] = [];
afterEach(() => {
  for (const stranger of strangers.splice(0)) stranger.close();
});

async function stranger(): Promise<Stranger> {
  const socket = await Stranger.open();
  strangers.push(socket);
  return socket;
}

/** An operation that two of three workers have begun, and that cannot end before the third is let go. */
class Held {
  private constructor(
    readonly cluster: Cluster,
    readonly workers: readonly Worker[],
    private readonly early: Promise<unknown>,
    private readonly tensors: readonly Float32Array[],
  ) {}

  static async begin(transport: 'udp' | 'in-process'): Promise<Held> {
    const cluster = await Cluster.start({ workers: 3, slots: SLOTS, transport });
    const workers = await cluster.joinAll();
    // Many rounds, so that every set holds a chunk that is not its first.
    await allreduce(
      workers,
      workers.map(({ rank }) => marked(rank, LENGTH)),
    );
    const tensors = workers.map(({ rank }) => marked(rank, LENGTH));
    const early = Promise.all([0, 1].map((rank) => workers[rank]!.allreduce(tensors[rank]!)));
    return new Held(cluster, workers, early, tensors);
  }

  get epoch(): number {
    return this.workers[0]!.epoch!;
  }

  endpoint(rank: number): string {
    return [...this.cluster.network.endpoints.values()][rank]!;
  }

  /** The worker's UDP port. */
  portOf(rank: number): number {
    return this.cluster.transports.get(this.workers[rank]!)!.localAddress.udpPort;
  }

  /** From the worker's own address, which the switch takes for the worker's word. */
  sendAs(rank: number, datagram: Uint8Array): void {
    this.cluster.transports.get(this.workers[rank]!)!.send(datagram, 0, datagram.length);
  }

  /** Waits until the switch has dropped exactly this many packets for this reason. */
  async dropped(reason: string, count: number): Promise<void> {
    let now = 0;
    do now = (await this.cluster.drops())[reason] ?? 0;
    while (now < count);
    expect({ [reason]: now }).toEqual({ [reason]: count });
  }

  /** The third worker joins in, and the sum is that of the three. */
  async finish(): Promise<void> {
    await Promise.all([this.early, this.workers[2]!.allreduce(this.tensors[2]!)]);
    for (const tensor of this.tensors) expectSameBits(tensor, markedSum([0, 1, 2], LENGTH));
  }
}

describe('a stranger at the UDP ports of the switch', () => {
  it('adds nothing, and learns nothing', async () => {
    const held = await Held.begin('udp');
    const intruder = await stranger();
    const { epoch } = held;
    // 64 chunks of the operation before, of its data and its commit.
    const next = {
      epoch,
      operation: 2,
      chunk: 64,
      slot: 0,
      set: 0,
      signature: operationSignature('sum', 'fp32', [{ shape: [LENGTH] }]),
    };
    let sent = 0;
    for (const rank of [0, 1, 2]) {
      for (const worker of [0, 1, 2]) {
        await intruder.send(held.endpoint(rank), contribution({ ...next, worker }, VALUES));
        await intruder.send(held.endpoint(rank), message({ ...next, worker, opcode: Opcode.PROBE }, PROBE_BYTES));
        sent += 2;
      }
    }
    await held.dropped('NOT_MEMBER', sent);
    await held.finish();
    await held.dropped('NOT_MEMBER', sent);
    expect(intruder.heard).toEqual([]);
  });

  it('may send anything else, too', async () => {
    const held = await Held.begin('udp');
    const intruder = await stranger();
    const { epoch } = held;
    const whole = messageBytes(VALUES);
    const lengths = [...Array(whole).keys(), whole + 1, whole + 4, 1000, 20_000];
    for (const length of lengths) await intruder.send(held.endpoint(0), message({ epoch }, length));
    await held.dropped('BAD_LENGTH', lengths.length);
    for (const length of [PROBE_BYTES - 1, PROBE_BYTES + 1])
      await intruder.send(held.endpoint(1), message({ epoch, opcode: Opcode.PROBE }, length));
    await held.dropped('BAD_LENGTH', lengths.length + 2);

    const opcodes = [0, Opcode.RESULT, Opcode.PROBE_REPLY, Opcode.REFUSED, 6, 255];
    for (const opcode of opcodes) await intruder.send(held.endpoint(2), contribution({ epoch, opcode }, VALUES));
    await held.dropped('BAD_OPCODE', opcodes.length);

    // Each of the first three bytes wrong: the magic and the version.
    for (const at of [0, 1, 2]) {
      const datagram = contribution({ epoch }, VALUES);
      datagram[at]! ^= 0x40;
      await intruder.send(held.endpoint(0), datagram);
    }
    const noise = Uint8Array.from({ length: 500 }, (_, i) => (i * 151 + 17) & 0xff);
    await intruder.send(held.endpoint(0), noise);
    await held.dropped('BAD_VERSION', 4);
    await held.finish();
    expect(intruder.heard).toEqual([]);
  });

  it('cannot make a worker believe that it is the switch', async () => {
    const held = await Held.begin('udp');
    const liar = await stranger();
    const { epoch } = held;
    const result = {
      epoch,
      operation: 2,
      opcode: Opcode.RESULT,
      signature: operationSignature('sum', 'fp32', [{ shape: [LENGTH] }]),
      count: VALUES,
    };
    for (const worker of [0, 1]) {
      for (let chunk = 64; chunk < 64 + SLOTS; chunk++) {
        const slot = chunk % SLOTS;
        const set = Math.floor(chunk / SLOTS) % 2;
        await liar.send(
          `127.0.0.1:${held.portOf(worker)}`,
          contribution({ ...result, worker, chunk, slot, set }, VALUES),
        );
      }
    }
    await held.finish();
  });
});

describe.each(['udp', 'in-process'] as const)('a worker with a fault, %s', (transport) => {
  it('harms nobody: each wrong field has its reason', async () => {
    const held = await Held.begin(transport);
    const { epoch } = held;
    const send = (header: Parameters<typeof contribution>[0]): void =>
      held.sendAs(0, contribution({ epoch, ...header }, VALUES));

    for (const worker of [1, 2, 3, 31, 32, 0xffff]) send({ worker });
    for (const job of [1, 255, 256, 0xffff]) send({ job });
    await held.dropped('NOT_MEMBER', 10);
    for (const wrong of [epoch - 1, epoch + 1, 2 * epoch + 5, 0xffff_ffff]) send({ epoch: wrong });
    await held.dropped('WRONG_EPOCH', 4);
    for (const slot of [SLOTS, SLOTS + 1, 511, 512, 0xffff]) send({ slot });
    for (const set of [2, 3, 255]) send({ set });
    await held.dropped('BAD_SLOT', 8);
    for (const count of [VALUES + 1, 0xffff]) send({ count });
    await held.dropped('BAD_COUNT', 2);
    // Every set holds a later round than that of chunk 0.
    for (let slot = 0; slot < SLOTS; slot++) for (const set of [0, 1]) send({ slot, set, chunk: 0 });
    await held.dropped('STALE', 2 * SLOTS);
    await held.finish();

    const drops = await held.cluster.drops();
    expect(drops).toMatchObject({ NOT_MEMBER: 10, WRONG_EPOCH: 4, BAD_SLOT: 8, BAD_COUNT: 2 });
    const { events } = await held.cluster.job();
    // Two operations of 63 chunks of data and a commit each: nothing else was added.
    expect(events).toMatchObject({ RESULT: 128, CONTRIBUTION: 3 * 128, REFUSED: 0 });
  });
});

describe('frames on the wire', () => {
  it('that are damaged or foreign are dropped, each for its reason', async () => {
    const held = await Held.begin('in-process');
    const { network } = held.cluster;
    const wire = network.cables.get(1)!;
    const datagram = contribution({ epoch: held.epoch + 7 }, VALUES);
    const from = { mac: macToBytes('02:00:0a:00:00:01')!, ip: ipv4ToBytes('10.0.0.1')!, udpPort: held.portOf(0) };
    const good = encapsulate(
      from,
      { mac: macToBytes(SERVICE_MAC)!, ip: ipv4ToBytes(SERVICE_IP)!, udpPort: SERVICE_UDP_PORT },
      datagram,
      DONT_FRAGMENT,
    );
    const ethernet = 14;
    const changed = (at: number, byte: number): Uint8Array => {
      const frame = good.slice();
      frame[at] = byte;
      return frame;
    };

    const headers = 14 + 20 + 8 + 32;
    let malformed = 0;
    for (let length = 0; length < good.length; length++) {
      // A frame cut off in the values still has headers with their number.
      if (length >= headers && length % 8 !== 0) continue;
      wire.send(good.slice(0, length));
      malformed++;
    }
    await held.dropped('MALFORMED', malformed);
    wire.send(changed(ethernet, 0x65));
    wire.send(changed(ethernet, 0x44));
    await held.dropped('MALFORMED', malformed + 2);

    for (const type of [0x06, 0xdd]) {
      wire.send(changed(12, 0x86).with(13, type));
      wire.send(changed(12, 0x08).with(13, 0x06));
    }
    await held.dropped('NOT_IPV4', 4);
    wire.send(changed(ethernet + 10, good[ethernet + 10]! ^ 1));
    wire.send(changed(ethernet + 12, good[ethernet + 12]! ^ 1));
    await held.dropped('BAD_CHECKSUM', 2);
    // To another UDP port of the switch: ordinary traffic, for which there is no route.
    wire.send(changed(ethernet + 22, good[ethernet + 22]! ^ 1));
    await held.dropped('NO_ROUTE', 1);
    // As it was, it goes all the way to the membership.
    wire.send(good);
    await held.dropped('WRONG_EPOCH', 1);
    await held.finish();
  });
});
