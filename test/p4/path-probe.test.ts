/** Probes as long as contributions: they go the way of the sums and come back as long, so their answers tell what it carries. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { Opcode } from '../../protocol/constants.js';
import { messageBytes, PROBE_BYTES } from '../../protocol/message.js';
import { packetSteps } from '../../protocol/packet-steps.js';
import { contribution, fromWorker, parse, probe, udpFrame } from './support/frames.js';
import { FpisaSwitch, portOf } from './support/fpisa-switch.js';
import { EPOCH, JOB, tree } from './support/tree.js';

const SEQUENCE = 71;

describe.each([1024, 2048])('with %i values a packet', (n) => {
  const steps = packetSteps(n);

  function open(): FpisaSwitch {
    const fpisa = new FpisaSwitch(n);
    fpisa.addJob({
      number: JOB,
      workers: 2,
      profile: resolveProfile({ workers: 2 }),
      slotBase: 8,
      slots: 4,
      epoch: EPOCH,
    });
    return fpisa;
  }

  function ask(fpisa: FpisaSwitch, bytes: number, header = {}): ReturnType<typeof parse>[] {
    const message = probe(
      { job: JOB, worker: 1, slot: 2, epoch: EPOCH, operation: 1, chunk: SEQUENCE, ...header },
      bytes,
    );
    const outputs = fpisa.device.receive(portOf(1), udpFrame(message, fromWorker(1)));
    for (const output of outputs) expect(output.port).toBe(portOf(1));
    return outputs.map((output) => parse(output.bytes));
  }

  it('one of the length of any packet is answered at that length, and touches nothing', () => {
    const fpisa = open();
    fpisa.device.receive(
      portOf(0),
      udpFrame(
        contribution({ job: JOB, worker: 0, slot: 2, epoch: EPOCH, chunk: 2, count: 1 }, Array(64).fill(7)),
        fromWorker(0),
      ),
    );
    const before = fpisa.registers();
    for (const bytes of [PROBE_BYTES, ...steps.map(messageBytes)]) {
      const [reply, ...more] = ask(fpisa, bytes);
      expect(more).toEqual([]);
      expect(reply!.message.byteLength).toBe(bytes);
      expect(reply!.header).toMatchObject({ opcode: Opcode.PROBE_REPLY, worker: 1, operation: 1, chunk: SEQUENCE });
      // The slot in the pool; and that its first set holds chunk 2 of one contribution.
      expect([reply!.message.getUint16(32), reply!.message.getUint16(34)]).toEqual([10, n]);
      expect([reply!.message.getUint32(44), reply!.message.getUint32(60)]).toEqual([2, 1]);
      expect(reply).toMatchObject({ dstIp: fromWorker(1).srcIp, dstPort: fromWorker(1).srcPort, udpChecksum: 0 });
    }
    expect(fpisa.registers()).toBe(before);
    expect(fpisa.drops()).toEqual({});
  });

  it('one of any other length, epoch or sender is dropped', () => {
    const fpisa = open();
    const lengths = [32, PROBE_BYTES - 1, PROBE_BYTES + 1, messageBytes(n) - 4, messageBytes(n) + 4];
    for (const bytes of lengths) expect(ask(fpisa, bytes)).toEqual([]);
    expect(ask(fpisa, messageBytes(n), { epoch: EPOCH + 1 })).toEqual([]);
    expect(ask(fpisa, messageBytes(n), { worker: 0 })).toEqual([]);
    expect(fpisa.drops()).toEqual({ BAD_LENGTH: lengths.length, WRONG_EPOCH: 1, NOT_MEMBER: 1 });
  });
});

it('builds of one length take no other probe', () => {
  const fpisa = new FpisaSwitch(256);
  fpisa.addJob({ number: JOB, workers: 1, profile: resolveProfile({ workers: 1 }) });
  const long = udpFrame(probe({ job: JOB, worker: 0 }, messageBytes(256)), fromWorker(0));
  expect(fpisa.device.receive(portOf(0), long)).toEqual([]);
  expect(fpisa.drops()).toEqual({ BAD_LENGTH: 1 });
});

describe.each([2, 3] as const)('in a tree of %i levels', (levels) => {
  const N = 1024;

  it('it reaches the top, and the answer all workers of the leaf, with what tells whose it is', () => {
    const network = tree([2, 1], levels, undefined, N);
    for (const values of packetSteps(N)) {
      const header = { job: JOB, worker: 0, slot: 1, epoch: EPOCH, operation: 40, chunk: SEQUENCE, signature: 9 };
      network.put(0, probe(header, messageBytes(values)));
      for (const rank of [0, 1]) {
        const [reply, ...more] = network.inboxes.get(rank)!.splice(0);
        expect(more).toEqual([]);
        expect(reply!.message.byteLength).toBe(messageBytes(values));
        expect(reply!.header).toMatchObject({ ...header, opcode: Opcode.PROBE_REPLY, worker: rank });
        expect(reply).toMatchObject({ dstIp: fromWorker(rank).srcIp, dstPort: fromWorker(rank).srcPort });
      }
    }
    expect(network.inboxes.get(2)).toEqual([]);
    for (const node of network.nodes) expect(node.fpisa.drops()).toEqual({});
    // A short one is answered by the leaf itself.
    network.put(1, probe({ job: JOB, worker: 1, slot: 1, epoch: EPOCH }));
    expect(network.inboxes.get(1)!.map(({ header }) => header.opcode)).toEqual([Opcode.PROBE_REPLY]);
    expect(network.inboxes.get(0)).toEqual([]);
  });

  it('it comes back exactly when every link of the way carries its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 5000 }), (mtu) => {
        let links = 0;
        const network = tree([1, 1], levels, (frame) => ++links > 0 && (links !== 2 || frame.length - 14 <= mtu), N);
        for (const values of packetSteps(N)) {
          links = 0;
          network.put(0, probe({ job: JOB, worker: 0, epoch: EPOCH }, messageBytes(values)));
          const fits = messageBytes(values) + 28 <= mtu;
          expect(network.inboxes.get(0)!.splice(0)).toHaveLength(fits ? 1 : 0);
        }
      }),
      { numRuns: 8 },
    );
  });
});
