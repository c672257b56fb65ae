/** The protocol of docs/protocol.md, case by case, on the P4 program. */
import { beforeEach, describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { Flag, Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { readProbeReply } from '../../protocol/probe.js';
import type { Header } from '../../protocol/message.js';
import type { Output } from '../../emulator/control.js';
import {
  contribution,
  fromWorker,
  ipv4Frame,
  parse,
  probe,
  SERVICE_IP,
  SERVICE_MAC,
  udpFrame,
  workerIp,
  workerMac,
  workerPort,
  type FrameOptions,
} from './support/frames.js';
import { FpisaSwitch, portOf } from './support/fpisa-switch.js';

const N = 16;
const JOB = 3;
const ONE = 0x3f800000;
const TWO = 0x40000000;

const words = (word: number): number[] => new Array<number>(N).fill(word);

describe('aggregation', () => {
  let fpisa: FpisaSwitch;
  beforeEach(() => {
    fpisa = new FpisaSwitch(N);
    fpisa.addJob({ number: JOB, workers: 2, profile: resolveProfile({ workers: 2 }), slotBase: 8, slots: 4, epoch: 5 });
  });

  const send = (
    rank: number,
    header: Partial<Header> = {},
    values: number[] = words(ONE),
    options: FrameOptions = {},
    port = portOf(rank),
  ): Output[] =>
    fpisa.device.receive(
      port,
      udpFrame(
        contribution({ job: JOB, worker: rank, epoch: 5, signature: 77, ...header }, values),
        fromWorker(rank),
        options,
      ),
    );

  it('multicasts a result to every worker, addressed to it, when the last has contributed', () => {
    expect(send(0)).toEqual([]);
    const outputs = send(1);
    expect(outputs.map((output) => output.port).sort()).toEqual([portOf(0), portOf(1)]);
    for (const [rank, output] of outputs.entries()) {
      const result = parse(output.bytes);
      expect(result).toMatchObject({
        dstIp: workerIp(rank),
        dstMac: workerMac(rank),
        dstPort: workerPort(rank),
        srcIp: SERVICE_IP,
        srcMac: SERVICE_MAC,
        srcPort: SERVICE_UDP_PORT,
        udpChecksum: 0,
      });
      expect(result.header).toEqual({
        opcode: Opcode.RESULT,
        flags: 0,
        job: JOB,
        worker: rank,
        slot: 0,
        epoch: 5,
        operation: 1,
        chunk: 0,
        signature: 77,
        count: N,
        set: 0,
      });
      expect(result.words).toEqual(words(TWO));
    }
    expect(fpisa.events(JOB)).toEqual({ CONTRIBUTION: 2, RESULT: 1 });
    expect(fpisa.drops()).toEqual({});
  });

  it('counts a contribution once, however often it arrives', () => {
    send(0);
    expect(send(0)).toEqual([]);
    expect(fpisa.drops()).toEqual({ DUPLICATE: 1 });
    expect(parse(send(1)[0]!.bytes).words).toEqual(words(TWO));
  });

  it('answers a retransmission of a complete round to that worker alone', () => {
    send(0);
    send(1);
    const outputs = send(0, { flags: Flag.RETRANSMISSION });
    expect(outputs.map((output) => output.port)).toEqual([portOf(0)]);
    const result = parse(outputs[0]!.bytes);
    expect(result).toMatchObject({
      dstIp: workerIp(0),
      dstMac: workerMac(0),
      dstPort: workerPort(0),
      srcIp: SERVICE_IP,
      srcPort: SERVICE_UDP_PORT,
    });
    expect(result.header).toMatchObject({ opcode: Opcode.RESULT, flags: Flag.RETRANSMISSION | Flag.REPEATED });
    expect(result.words).toEqual(words(TWO));
    expect(fpisa.events(JOB)).toMatchObject({ REPEAT: 1 });
  });

  it('still answers for one set while the other is being filled', () => {
    send(0);
    send(1);
    send(0, { set: 1, chunk: 4 });
    expect(parse(send(1)[0]!.bytes).words).toEqual(words(TWO));
    expect(parse(send(1, { set: 1, chunk: 4 })[0]!.bytes).words).toEqual(words(TWO));
  });

  it('opens a new round for a newer chunk and drops an older one, without clearing anything', () => {
    send(0);
    send(1);
    expect(send(0, { chunk: 8 }, words(TWO))).toEqual([]);
    expect(send(1)).toEqual([]);
    expect(fpisa.drops()).toEqual({ STALE: 1 });
    expect(parse(send(1, { chunk: 8 }, words(TWO))[0]!.bytes).words).toEqual(words(0x40800000));
  });

  it('orders chunks as serial numbers, across the wrap', () => {
    send(0, { chunk: 0xffff_fff8 });
    expect(send(0, { chunk: 0 })).toEqual([]);
    expect(send(1, { chunk: 0xffff_fff8 })).toEqual([]);
    expect(fpisa.drops()).toEqual({ STALE: 1 });
    expect(send(1, { chunk: 0 })).toHaveLength(2);
  });

  it.each([{ signature: 78 }, { operation: 2 }])(
    'refuses a contribution that disagrees on %o, and tells its sender alone',
    (other) => {
      send(0);
      const before = fpisa.registers();
      const outputs = send(1, other, words(TWO));
      expect(outputs.map((output) => output.port)).toEqual([portOf(1)]);
      expect(parse(outputs[0]!.bytes).header).toMatchObject({ opcode: Opcode.REFUSED, worker: 1, chunk: 0, ...other });
      expect(fpisa.registers()).toBe(before);
      expect(fpisa.events(JOB)).toMatchObject({ REFUSED: 1 });
      expect(send(1)).toHaveLength(2);
    },
  );

  it('keeps the slots of two jobs apart, each with its own profile', () => {
    fpisa.addJob({
      number: 4,
      workers: 2,
      profile: resolveProfile({ preset: 'int32', workers: 2 }),
      slotBase: 12,
      slots: 4,
    });
    const integer = (rank: number): Output[] =>
      fpisa.device.receive(
        portOf(rank),
        udpFrame(contribution({ job: 4, worker: rank }, words(ONE)), fromWorker(rank)),
      );
    send(0);
    integer(0);
    expect(parse(integer(1)[0]!.bytes).words).toEqual(words(2 * ONE));
    expect(parse(send(1)[0]!.bytes).words).toEqual(words(TWO));
    expect(fpisa.register('fpisa.slot_bitmaps', 2 * 8)).toBe(3);
    expect(fpisa.register('fpisa.slot_bitmaps', 2 * 12)).toBe(3);
  });

  it.each<[string, string, () => Output[]]>([
    ["a source address that is not the member's", 'NOT_MEMBER', () => send(0, {}, words(ONE), { srcIp: 0x0a000063 })],
    ["a source UDP port that is not the member's", 'NOT_MEMBER', () => send(0, {}, words(ONE), { srcPort: 9 })],
    ['another switch port', 'NOT_MEMBER', () => send(0, {}, words(ONE), {}, 7)],
    ['another job', 'NOT_MEMBER', () => send(0, { job: 9 })],
    ["another worker's rank", 'NOT_MEMBER', () => send(0, { worker: 1 })],
    ['an old epoch', 'WRONG_EPOCH', () => send(0, { epoch: 4 })],
    ['a future epoch', 'WRONG_EPOCH', () => send(0, { epoch: 6 })],
    ['a slot outside the range', 'BAD_SLOT', () => send(0, { slot: 4 })],
    ['a set that is not there', 'BAD_SLOT', () => send(0, { set: 2 })],
    ['more values than there are', 'BAD_COUNT', () => send(0, { count: N + 1 })],
    ['an opcode of the switch', 'BAD_OPCODE', () => send(0, { opcode: Opcode.RESULT })],
    ['an unknown opcode', 'BAD_OPCODE', () => send(0, { opcode: 99 })],
    ['too few values', 'BAD_LENGTH', () => send(0, {}, new Array<number>(N - 1).fill(ONE))],
    ['the values of another build', 'BAD_LENGTH', () => send(0, {}, new Array<number>(64).fill(ONE))],
    ['no values', 'BAD_LENGTH', () => send(0, {}, [])],
    [
      'less than a header',
      'BAD_LENGTH',
      () => fpisa.device.receive(portOf(0), udpFrame(Uint8Array.of(0xf1, 0x5a, 1, 1), fromWorker(0))),
    ],
    ['nothing at all', 'BAD_LENGTH', () => fpisa.device.receive(portOf(0), udpFrame(new Uint8Array(), fromWorker(0)))],
  ])('drops %s (%s) and touches nothing', (_, reason, act) => {
    send(1);
    const before = fpisa.registers();
    expect(act()).toEqual([]);
    expect(fpisa.drops()).toEqual({ [reason]: 1 });
    expect(fpisa.registers()).toBe(before);
  });

  it('drops foreign magic and versions', () => {
    for (const [offset, value] of [
      [0, 0],
      [2, 2],
    ] as const) {
      const message = contribution({ job: JOB, worker: 0, epoch: 5 }, words(ONE));
      message[offset] = value;
      expect(fpisa.device.receive(portOf(0), udpFrame(message, fromWorker(0)))).toEqual([]);
    }
    expect(fpisa.drops()).toEqual({ BAD_VERSION: 2 });
  });

  it('drops a packet that is cut anywhere, and touches nothing', () => {
    send(1);
    const before = fpisa.registers();
    const frame = udpFrame(contribution({ job: JOB, worker: 0, epoch: 5, signature: 77 }, words(ONE)), fromWorker(0));
    for (let length = 0; length < frame.length; length++) {
      expect(fpisa.device.receive(portOf(0), frame.subarray(0, length))).toEqual([]);
    }
    expect(fpisa.registers()).toBe(before);
    expect(fpisa.drops()).toEqual({ MALFORMED: frame.length });
  });

  it.each<[string, number, number, string]>([
    ['the IPv4 checksum', 24, 0xff, 'BAD_CHECKSUM'],
    ['the IP version', 14, 0x20, 'MALFORMED'],
    ['the IPv4 header length', 14, 0x01, 'MALFORMED'],
    ['the EtherType', 12, 0x80, 'NOT_IPV4'],
  ])('drops a packet with a flaw in %s', (_, offset, flip, reason) => {
    const frame = udpFrame(contribution({ job: JOB, worker: 0, epoch: 5 }, words(ONE)), fromWorker(0));
    frame[offset]! ^= flip;
    expect(fpisa.device.receive(portOf(0), frame)).toEqual([]);
    expect(fpisa.drops()).toEqual({ [reason]: 1 });
  });

  it('drops a UDP length that contradicts the IPv4 length', () => {
    const message = contribution({ job: JOB, worker: 0, epoch: 5 }, words(ONE));
    const frame = ipv4Frame(
      new Uint8Array([...udpFrame(message, fromWorker(0)).subarray(34), 0, 0, 0, 0]),
      17,
      fromWorker(0),
    );
    expect(fpisa.device.receive(portOf(0), frame)).toEqual([]);
    expect(fpisa.drops()).toEqual({ BAD_LENGTH: 1 });
  });

  it('adds a contribution that carries IPv4 options', () => {
    send(0);
    const outputs = send(1, {}, words(ONE), { ipOptions: Uint8Array.of(1, 1, 1, 0) });
    expect(parse(outputs[0]!.bytes).words).toEqual(words(TWO));
  });

  it('counts a result for which a member has no address', () => {
    fpisa.device.control.setMulticastGroup(JOB + 1, [
      { egressPort: portOf(0), instance: 1 },
      { egressPort: 9, instance: 9 },
    ]);
    send(0);
    expect(send(1).map((output) => output.port)).toEqual([portOf(0)]);
    expect(Number(fpisa.device.control.readCounter('fpisa.egress_drops', 15).packets)).toBe(1);
  });

  describe('probe', () => {
    const ask = (rank: number, header: Partial<Header> = {}): Output[] =>
      fpisa.device.receive(
        portOf(rank),
        udpFrame(probe({ job: JOB, worker: rank, epoch: 5, ...header }), fromWorker(rank)),
      );

    it('tells a worker what both sets of a slot of its job hold', () => {
      send(0, { slot: 2, chunk: 2 });
      send(1, { slot: 2, set: 1, chunk: 6, operation: 9 });
      const before = fpisa.registers();
      const [output, ...others] = ask(1, { slot: 2 });
      expect(others).toEqual([]);
      expect(output!.port).toBe(portOf(1));
      const reply = parse(output!.bytes);
      expect(reply.header.opcode).toBe(Opcode.PROBE_REPLY);
      expect(readProbeReply(reply.message)).toEqual({
        absoluteSlot: 10,
        valuesPerPacket: N,
        sets: [
          { epoch: 5, chunk: 2, operation: 1, signature: 77, bitmap: 1, contributions: 1 },
          { epoch: 5, chunk: 6, operation: 9, signature: 77, bitmap: 2, contributions: 1 },
        ],
      });
      expect(fpisa.registers()).toBe(before);
    });

    it('is checked like a contribution', () => {
      expect(ask(1, { slot: 4 })).toEqual([]);
      expect(ask(1, { epoch: 4 })).toEqual([]);
      expect(ask(1, { worker: 0 })).toEqual([]);
      expect(fpisa.drops()).toEqual({ BAD_SLOT: 1, WRONG_EPOCH: 1, NOT_MEMBER: 1 });
    });

    it('of the control plane reaches every slot, and is answered with a packet-in', () => {
      send(0, { slot: 2, chunk: 2 });
      const packetOut = Buffer.concat([Buffer.from([0, 0]), udpFrame(probe({ slot: 10 }), fromWorker(0))]);
      const outputs = fpisa.device.receive(510, packetOut);
      expect(outputs.map((output) => output.port)).toEqual([510]);
      expect(Buffer.from(outputs[0]!.bytes.subarray(0, 2)).readUInt16BE() >> 7).toBe(510);
      const reply = readProbeReply(parse(outputs[0]!.bytes.subarray(2)).message);
      expect(reply).toMatchObject({ absoluteSlot: 10, sets: [{ bitmap: 1, chunk: 2 }, { bitmap: 0 }] });
    });

    it('of the control plane beyond the pool is dropped', () => {
      const packetOut = Buffer.concat([Buffer.from([0, 0]), udpFrame(probe({ slot: 512 }), fromWorker(0))]);
      expect(fpisa.device.receive(510, packetOut)).toEqual([]);
      expect(fpisa.drops()).toEqual({ BAD_SLOT: 1 });
    });
  });
});

describe('ordinary traffic', () => {
  const fpisa = new FpisaSwitch(N);
  fpisa.device.control.insertEntry('fpisa.ipv4', {
    keys: [{ kind: 'lpm', value: 0x0a010000n, prefixLength: 16 }],
    priority: 0,
    call: { action: 'fpisa.forward', args: [7n, 0x020000000077n, 0x020000000088n] },
  });
  const to = { ...fromWorker(0), dstIp: 0x0a010203 };

  it('is forwarded by longest prefix: addresses of the next hop, TTL less one, checksum right', () => {
    const [output, ...others] = fpisa.device.receive(1, ipv4Frame(Uint8Array.of(1, 2, 3), 1, to));
    expect(others).toEqual([]);
    expect(output!.port).toBe(7);
    const view = new DataView(output!.bytes.buffer, output!.bytes.byteOffset);
    expect(view.getBigUint64(0) >> 16n).toBe(0x020000000088n);
    expect(view.getBigUint64(6) >> 16n).toBe(0x020000000077n);
    expect(view.getUint8(22)).toBe(63);
    expect(Buffer.from(output!.bytes.subarray(14))).toEqual(
      Buffer.from(ipv4Frame(Uint8Array.of(1, 2, 3), 1, to, { ttl: 63 }).subarray(14)),
    );
  });

  it('keeps its payload when it looks like ours but is for another address', () => {
    const message = contribution({ job: 1 }, words(ONE));
    const [output] = fpisa.device.receive(1, udpFrame(message, to));
    expect(Buffer.from(output!.bytes.subarray(42))).toEqual(Buffer.from(message));
  });

  it('keeps IPv4 options', () => {
    const [output] = fpisa.device.receive(
      1,
      udpFrame(Uint8Array.of(9), to, { ipOptions: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0) }),
    );
    expect(Buffer.from(output!.bytes.subarray(34, 42))).toEqual(Buffer.from([7, 7, 4, 0, 0, 0, 0, 0]));
    expect(parseChecksum(output!.bytes, 28)).toBe(true);
  });

  it('is dropped and counted without a route, and when its TTL runs out', () => {
    expect(fpisa.device.receive(1, ipv4Frame(Uint8Array.of(1), 1, { ...to, dstIp: 0x0b000001 }))).toEqual([]);
    expect(fpisa.device.receive(1, ipv4Frame(Uint8Array.of(1), 1, to, { ttl: 1 }))).toEqual([]);
    expect(fpisa.drops()).toEqual({ NO_ROUTE: 1, TTL_EXPIRED: 1 });
  });

  it('a packet-out leaves through the port that the control plane names, as it is', () => {
    const frame = ipv4Frame(Uint8Array.of(5), 1, { ...to, dstIp: 0x0b000001 });
    const outputs = fpisa.device.receive(510, Buffer.concat([Buffer.from([0x02, 0x80]), frame]));
    expect(outputs).toEqual([{ port: 5, bytes: frame }]);
  });
});

function parseChecksum(frame: Uint8Array, headerBytes: number): boolean {
  let sum = 0;
  for (let i = 14; i < 14 + headerBytes; i += 2) sum += (frame[i]! << 8) | frame[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}
