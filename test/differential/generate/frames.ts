/** Packets for a site, right ones and, by small steps, wrong ones. */
import { Flag, Opcode } from '../../../protocol/constants.js';
import type { Header } from '../../../protocol/message.js';
import {
  checksum,
  contribution,
  ETHERNET_BYTES,
  fromWorker,
  probe,
  udpFrame,
  type Addresses,
  type FrameOptions,
} from '../../p4/support/frames.js';
import type { SeededRandom } from '../random.js';
import { CPU_PORT, type Packet } from '../scenario.js';
import { portOf, type Job } from './site.js';

/** The place of a chunk among a job's slots (docs/protocol.md, "Slots, sets and rounds"). */
export function place(job: Job, chunk: number): Pick<Header, 'chunk' | 'slot' | 'set'> {
  return { chunk, slot: chunk % job.slots, set: Math.floor(chunk / job.slots) % 2 };
}

export function contributionOf(
  job: Job,
  rank: number,
  header: Partial<Header>,
  words: readonly number[],
  options: FrameOptions = {},
): Packet {
  const full = { job: job.number, worker: rank, epoch: job.epoch, ...header };
  const bigEndian = ((header.flags ?? 0) & Flag.NETWORK_ORDER) !== 0;
  return { port: portOf(rank), bytes: udpFrame(contribution(full, words, bigEndian), fromWorker(rank), options) };
}

export function probeOf(job: Job, rank: number, header: Partial<Header> = {}, bytes?: number): Packet {
  const message = probe({ job: job.number, worker: rank, epoch: job.epoch, ...header }, bytes);
  return { port: portOf(rank), bytes: udpFrame(message, fromWorker(rank)) };
}

/** The parent switch's packet for a round, which arrives through the uplink. */
export function fromParent(
  job: Job,
  header: Partial<Header>,
  words: readonly number[],
  addresses: Partial<Addresses> = {},
): Packet {
  const parent = job.parent!;
  const message = contribution(
    { opcode: Opcode.RESULT, job: job.number, worker: parent.rank, epoch: job.epoch, ...header },
    words,
  );
  const from = { ...fromWorker(0), srcIp: parent.ip, srcMac: BigInt(parent.mac), srcPort: 0xf15a, ...addresses };
  return { port: parent.port, bytes: udpFrame(message, from) };
}

/** As the control plane sends it: a `packet_out` header that names the port, then the frame. */
export function packetOut(egressPort: number, frame: Uint8Array): Packet {
  const bytes = new Uint8Array(2 + frame.length);
  new DataView(bytes.buffer).setUint16(0, egressPort << 7);
  bytes.set(frame, 2);
  return { port: CPU_PORT, bytes };
}

/** A copy of a frame with its IPv4 header changed and the checksum made right again, unless it has become too odd for one. */
function withIpv4(frame: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = frame.slice();
  if (copy.length < ETHERNET_BYTES + 20) return copy;
  const view = new DataView(copy.buffer);
  change(view);
  const end = Math.min(copy.length, ETHERNET_BYTES + (copy[ETHERNET_BYTES]! & 0xf) * 4);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(copy.subarray(ETHERNET_BYTES, end)));
  return copy;
}

/** Offset of the UDP header by the frame's own word. */
function udpOffset(frame: Uint8Array): number {
  return ETHERNET_BYTES + (frame[ETHERNET_BYTES]! & 0xf) * 4;
}

/** Ways to make a frame wrong. Each returns a new frame; some return one that is still right. */
const MUTATIONS: Readonly<Record<string, (frame: Uint8Array, random: SeededRandom) => Uint8Array>> = {
  truncate: (frame, random) => frame.slice(0, random.between(1, frame.length)),
  extend: (frame, random) => Uint8Array.from([...frame, ...random.bytes(random.between(1, 64))]),
  flipBits: (frame, random) => {
    const copy = frame.slice();
    for (let n = random.between(1, 8); n > 0; n--) copy[random.below(copy.length)]! ^= 1 << random.below(8);
    return copy;
  },
  /** In the headers only, where it matters most. */
  flipHeaderBit: (frame, random) => {
    const copy = frame.slice();
    copy[random.below(Math.min(copy.length, 74))]! ^= 1 << random.below(8);
    return copy;
  },
  /** Behind the checksum's back. */
  flipMessageBit: (frame, random) => {
    const copy = frame.slice();
    const at = udpOffset(copy) + random.below(40);
    if (at < copy.length) copy[at]! ^= 1 << random.below(8);
    return copy;
  },
  ipv4Field: (frame, random) =>
    withIpv4(frame, (view) => {
      const offset = random.pick([14, 15, 16, 17, 18, 20, 21, 22, 23, 26, 29, 30, 33]);
      view.setUint8(offset, view.getUint8(offset) ^ (1 << random.below(8)));
    }),
  ipv4Length: (frame, random) =>
    withIpv4(frame, (view) =>
      view.setUint16(16, random.pick([0, 20, frame.length, frame.length - 13, random.below(65_536)])),
    ),
  headerLength: (frame, random) =>
    withIpv4(frame, (view) => view.setUint8(14, (random.pick([4, 4, 4, 6]) << 4) | random.below(16))),
  fragment: (frame, random) =>
    withIpv4(frame, (view) => view.setUint16(20, random.pick([0x2000, 0x4000, 0x8000, random.below(65_536)]))),
  udpLength: (frame, random) => {
    const copy = frame.slice();
    const at = udpOffset(copy) + 4;
    if (at + 2 <= copy.length)
      new DataView(copy.buffer).setUint16(
        at,
        random.pick([0, 8, 39, 40, 41, 96, 104, 296, 1064, 65_535, random.below(2000)]),
      );
    return copy;
  },
  opcode: (frame, random) => {
    const copy = frame.slice();
    const at = udpOffset(copy) + 8 + 3;
    if (at < copy.length) copy[at] = random.below(8);
    return copy;
  },
  etherType: (frame, random) => {
    const copy = frame.slice();
    if (copy.length >= 14)
      new DataView(copy.buffer).setUint16(12, random.pick([0x0806, 0x86dd, 0x8100, 0, random.below(65_536)]));
    return copy;
  },
};

export function mutate(packet: Packet, random: SeededRandom): Packet {
  let { bytes } = packet;
  for (let n = random.chance(0.2) ? 2 : 1; n > 0; n--)
    bytes = MUTATIONS[random.pick(Object.keys(MUTATIONS))]!(bytes, random);
  return { port: packet.port, bytes: bytes.length === 0 ? Uint8Array.of(0) : bytes };
}
