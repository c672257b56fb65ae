/** What a worker repeats, and when, seen in its packets. */
import { describe, expect, it } from 'vitest';
import { AllreduceEngine } from '../../../host/allreduce/engine.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import { RetransmissionTimeout } from '../../../host/transport/rto.js';
import { Flag, Opcode } from '../../../protocol/constants.js';
import { Offset, readHeader } from '../../../protocol/message.js';
import { ModelSwitch } from '../support/model-switch.js';

const VALUES = 4;
const JOB = 7;
const EPOCH = 3;

/** Two workers at a switch; the packets of rank 0 pass by hand, and rank 1 contributes when told to. */
function pair({ chunks, slots = 32 }: { chunks: number; slots?: number }) {
  const sent: Uint8Array[] = [];
  const config = { job: JOB, rank: 0, slots, valuesPerPacket: VALUES, burst: 64 };
  const engine = new AllreduceEngine(
    config,
    new RetransmissionTimeout({ initialMs: 100, minMs: 20, maxMs: 1000 }),
    (memory, at, length) => sent.push(memory.slice(at, at + length)),
  );
  const counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
  engine.enterEpoch(EPOCH, 0b01, 0b11);
  engine.start(1, new TensorBatch(new Float32Array(chunks * VALUES), 'sum', 'fp32'), counters);
  const model = new ModelSwitch(VALUES);
  model.install({ job: JOB, epoch: EPOCH, ranks: [0, 1], slotBase: 0, slots });
  return { engine, sent, counters, model };
}

const header = (packet: Uint8Array) => readHeader(new DataView(packet.buffer, packet.byteOffset, packet.byteLength));
const isProbe = (packet: Uint8Array): boolean => header(packet).opcode === Opcode.PROBE;

/** The same contribution, of rank 1. */
function ofTheOther(packet: Uint8Array, flags = 0): Uint8Array {
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  view.setUint16(Offset.worker, 1);
  view.setUint16(Offset.flags, flags);
  return copy;
}

/** What reaches rank 0 when `packet` arrives from `rank`. */
function answers(model: ModelSwitch, rank: number, packet: Uint8Array): Uint8Array[] {
  return model
    .handle(rank, packet)
    .filter((delivery) => delivery.rank === 0)
    .map((delivery) => delivery.message);
}

describe('a worker whose result does not come', () => {
  it('repeats nothing while others are late, however long, and asks ever more seldom', () => {
    const { engine, sent, counters, model } = pair({ chunks: 40 });
    let due = engine.advance(0);
    for (const packet of sent) expect(answers(model, 0, packet)).toEqual([]);
    let probes = 0;
    for (let seen = sent.length; due < 20_000; seen = sent.length) {
      const now = due;
      due = engine.advance(now);
      for (const packet of sent.slice(seen)) {
        expect(isProbe(packet)).toBe(true);
        probes++;
        for (const answer of answers(model, 0, packet)) engine.receive(answer, now + 0.5);
      }
    }
    expect(counters.retransmissions).toBe(0);
    expect(probes).toBeGreaterThan(10);
    expect(probes).toBeLessThan(50);
  });

  it('repeats what the switch never got, as soon as that says so', () => {
    const { engine, sent, model } = pair({ chunks: 2 });
    const due = engine.advance(0);
    engine.advance(due);
    const [probe] = sent.filter(isProbe);
    const before = sent.length;
    for (const answer of answers(model, 0, probe!)) engine.receive(answer, due + 0.5);
    engine.advance(due + 0.6);
    expect(sent.slice(before).map((packet) => header(packet).chunk)).toEqual([0, 1]);
  });

  it('repeats the one packet whose result was lost, as soon as the switch says so', () => {
    const { engine, sent, model } = pair({ chunks: 2 });
    const due = engine.advance(0);
    for (const packet of [...sent]) {
      model.handle(0, packet);
      model.handle(1, ofTheOther(packet));
    }
    engine.advance(due);
    const before = sent.length;
    for (const answer of answers(model, 0, sent.find(isProbe)!)) engine.receive(answer, due + 0.5);
    engine.advance(due + 0.6);
    expect(sent.slice(before).map((packet) => header(packet).chunk)).toEqual([0]);
    expect(answers(model, 0, sent.at(-1)!).map((answer) => header(answer).opcode)).toEqual([Opcode.RESULT]);
  });

  it('believes no answer to an older probe', () => {
    const { engine, sent, model } = pair({ chunks: 2 });
    let due = engine.advance(0);
    due = engine.advance(due);
    const [first] = sent.filter(isProbe);
    engine.advance(due);
    const before = sent.length;
    for (const answer of answers(model, 0, first!)) engine.receive(answer, due + 1);
    engine.advance(due + 2);
    expect(sent).toHaveLength(before);
  });
});

describe('a worker whose later results have come', () => {
  /** Results of the first round trip except `lost`, one after the other. @returns chunks that were repeated by then */
  function lose(lost: number, results: number) {
    const all = pair({ chunks: 40 });
    const { engine, sent, model } = all;
    let now = 0;
    for (let chunk = 0; chunk <= results; chunk++) {
      engine.advance(now);
      now += 0.1;
      const packet = sent.find((each) => !isProbe(each) && header(each).chunk === chunk)!;
      if (chunk === lost) continue;
      model.handle(0, packet);
      for (const answer of answers(model, 1, ofTheOther(packet))) engine.receive(answer, now);
    }
    const again = () => sent.filter((each) => header(each).flags === Flag.RETRANSMISSION);
    return { ...all, now, again };
  }

  it('repeats a lost packet a round trip after it was sent, without a timeout', () => {
    const { engine, now, again } = lose(3, 6);
    expect(again()).toEqual([]);
    // Its time is up long before the timeout of 20 ms.
    engine.advance(now + 4);
    expect(again().map((packet) => header(packet).chunk)).toEqual([3]);
  });

  it('repeats it again when the repetition is lost, too', () => {
    const { engine, sent, model, now, again } = lose(3, 6);
    engine.advance(now + 4);
    // Later results show that the repetition has been overtaken as well.
    for (const packet of [...sent]) {
      if (header(packet).flags !== 0 || header(packet).chunk <= 6) continue;
      model.handle(0, packet);
      for (const answer of answers(model, 1, ofTheOther(packet))) engine.receive(answer, now + 4.2);
    }
    engine.advance(now + 4.3);
    for (const packet of sent.slice(-4)) {
      if (header(packet).flags !== 0) continue;
      model.handle(0, packet);
      for (const answer of answers(model, 1, ofTheOther(packet))) engine.receive(answer, now + 4.5);
    }
    engine.advance(now + 12);
    expect(again().map((packet) => header(packet).chunk)).toEqual([3, 3]);
  });
});
