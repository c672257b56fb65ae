import { describe, expect, it } from 'vitest';
import { AllreduceEngine } from '../../../host/allreduce/engine.js';
import { RetransmissionTimeout } from '../../../host/transport/rto.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import { Flag, Opcode } from '../../../protocol/constants.js';
import { HEADER_BYTES, Offset, readHeader } from '../../../protocol/message.js';
import { ModelSwitch } from '../support/model-switch.js';

const RTO = { initialMs: 100, minMs: 10, maxMs: 1000 };

/** An engine of rank 1 of job 7 with 2 slots of 4 values, one operation of 10 elements begun, and its packets. */
function begun(burst = 32, { slots = 2, elements = 10, maxInFlight = Infinity } = {}) {
  const sent: Uint8Array[] = [];
  const engine = new AllreduceEngine(
    { job: 7, rank: 1, slots, valuesPerPacket: 4, burst, maxInFlight: (values) => (values === 4 ? maxInFlight : 0) },
    new RetransmissionTimeout(RTO),
    (memory, at, length) => {
      sent.push(memory.slice(at, at + length));
    },
  );
  const tensor = Float32Array.from({ length: elements }, (_, i) => i + 1);
  const batch = new TensorBatch(tensor, 'sum', 'fp32');
  const counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
  engine.enterEpoch(3, 0b10, 0b11);
  engine.start(5, batch, counters);
  return { engine, sent, tensor, batch, counters };
}

/** The result that a switch sends when a packet completes its round. */
function resultOf(packet: Uint8Array, edit: (view: DataView) => void = () => undefined): Uint8Array {
  const result = packet.slice();
  const view = new DataView(result.buffer);
  view.setUint8(Offset.opcode, Opcode.RESULT);
  edit(view);
  return result;
}

function header(packet: Uint8Array) {
  return readHeader(new DataView(packet.buffer, packet.byteOffset, packet.byteLength));
}

describe('engine', () => {
  it('writes every header field and pads the last chunk with +0', () => {
    const { engine, sent, batch } = begun();
    engine.advance(0);
    expect(header(sent[1]!)).toEqual({
      opcode: Opcode.CONTRIBUTE,
      flags: 0,
      job: 7,
      worker: 1,
      slot: 1,
      epoch: 3,
      operation: 5,
      chunk: 1,
      signature: batch.signature,
      count: 4,
      set: 0,
    });
    engine.receive(resultOf(sent[0]!), 1);
    engine.advance(1);
    expect(header(sent[2]!)).toMatchObject({ slot: 0, set: 1, chunk: 2, count: 2 });
    const values = new Float32Array(sent[2]!.slice(HEADER_BYTES).buffer);
    expect([...values]).toEqual([9, 10, 0, 0]);
    expect(Object.is(values[2], 0)).toBe(true);
  });

  it('never has more in flight than fits into the buffers of its socket, however short round trips are', () => {
    const { engine, sent } = begun(32, { slots: 64, elements: 4 * 200, maxInFlight: 5 });
    let answered = 0;
    for (let time = 0; answered < 200; time++) {
      engine.advance(time);
      expect(sent.length - answered).toBeLessThanOrEqual(5);
      expect(sent.length).toBeGreaterThan(answered);
      for (const packet of sent.slice(answered)) {
        answered++;
        engine.receive(resultOf(packet), time);
      }
    }
  });

  it('sends the commit, with no element, when all data is there, and is complete with its result', () => {
    const { engine, sent } = begun();
    engine.advance(0);
    expect(engine.receive(resultOf(sent[1]!), 1)).toBe('accepted');
    expect(engine.receive(resultOf(sent[0]!), 1)).toBe('accepted');
    engine.advance(1);
    expect(engine.received).toBe(false);
    expect(engine.receive(resultOf(sent[2]!), 2)).toBe('received');
    expect(engine.received).toBe(true);
    engine.advance(2);
    expect(header(sent[3]!)).toMatchObject({ chunk: 3, slot: 1, set: 1, count: 0 });
    expect(sent[3]!.subarray(HEADER_BYTES).every((byte) => byte === 0)).toBe(true);
    expect(engine.receive(resultOf(sent[3]!), 3)).toBe('complete');
  });

  describe('with a second operation', () => {
    /** The first one's commit is the last packet that was sent. */
    function committing(elements = 6) {
      const first = begun(32, { elements });
      const { engine, sent } = first;
      const tensor = Float32Array.of(7, 8);
      const batch = new TensorBatch(tensor, 'mean', 'fp32');
      const counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
      expect(engine.canFollow(batch)).toBe(false);
      engine.advance(0);
      for (const packet of sent.slice()) engine.receive(resultOf(packet), 1);
      engine.advance(1);
      expect(engine.canFollow(batch)).toBe(true);
      return { ...first, second: { tensor, batch, counters } };
    }

    it('sends its chunks behind the first one’s commit, and its own commit only after that one’s result', () => {
      const { engine, sent, counters, second } = committing();
      const commit = sent.at(-1)!;
      engine.start(6, second.batch, second.counters);
      engine.advance(1);
      const chunk = sent.at(-1)!;
      expect(header(chunk)).toMatchObject({
        operation: 6,
        chunk: 3,
        slot: 1,
        count: 2,
        signature: second.batch.signature,
      });
      expect(engine.canFollow(second.batch)).toBe(false);
      expect(engine.receive(resultOf(chunk), 2)).toBe('accepted');
      expect(engine.received).toBe(false);
      engine.advance(2);
      expect(sent.at(-1)).toBe(chunk);
      expect(engine.firstProgress).toEqual({ done: 2, total: 3 });
      expect(engine.receive(resultOf(commit), 3)).toBe('complete');
      expect(engine.received).toBe(true);
      engine.advance(3);
      expect(header(sent.at(-1)!)).toMatchObject({ operation: 6, chunk: 4, count: 0 });
      expect(engine.receive(resultOf(sent.at(-1)!), 4)).toBe('complete');
      expect([counters.packetsReceived, second.counters.packetsReceived]).toEqual([3, 2]);
      expect([...second.tensor]).toEqual([7, 8]);
    });

    it('repeats the commit as the first one’s, and knows its answer', () => {
      const { engine, sent, counters, second } = committing();
      const commit = sent.at(-1)!;
      engine.start(6, second.batch, second.counters);
      engine.advance(1);
      sent.length = 0;
      for (let now = 2; sent.every((packet) => header(packet).flags === 0); now += 100) engine.advance(now);
      const [again] = sent.filter((packet) => header(packet).flags === Flag.RETRANSMISSION);
      expect(header(again!)).toEqual({ ...header(commit), flags: Flag.RETRANSMISSION });
      expect(counters.retransmissions).toBe(1);
      expect(engine.receive(resultOf(again!), 2000)).toBe('complete');
    });

    it('takes it back, and then only the commit is left', () => {
      const { engine, sent, second } = committing();
      const commit = sent.at(-1)!;
      engine.retreat(5);
      engine.start(6, second.batch, second.counters);
      engine.advance(1);
      const chunk = sent.at(-1)!;
      engine.retreat(5);
      expect(engine.outstandingSlots()).toHaveLength(2);
      engine.retreat(6);
      expect(engine.outstandingSlots()).toEqual([0]);
      expect(engine.receive(resultOf(chunk), 2)).toBe('stray');
      expect(engine.received).toBe(true);
      expect(engine.receive(resultOf(commit), 3)).toBe('complete');
      expect(engine.outstandingSlots()).toEqual([]);
    });

    it('leaves a refusal of it for later, but not one of the commit', () => {
      const { engine, sent, second } = committing();
      const commit = sent.at(-1)!;
      engine.start(6, second.batch, second.counters);
      engine.advance(1);
      const refuse = (packet: Uint8Array) => resultOf(packet, (view) => view.setUint8(Offset.opcode, Opcode.REFUSED));
      const chunk = sent.at(-1)!;
      expect(engine.receive(refuse(chunk), 2)).toBe('stray');
      expect(engine.receive(refuse(commit), 2)).toBe('refused');
      engine.receive(resultOf(commit), 2);
      expect(engine.receive(refuse(chunk), 2)).toBe('refused');
    });
  });

  it.each<[string, (view: DataView) => void]>([
    ['magic', (view) => view.setUint16(Offset.magic, 1)],
    ['version', (view) => view.setUint8(Offset.version, 2)],
    ['opcode', (view) => view.setUint8(Offset.opcode, Opcode.CONTRIBUTE)],
    ['job', (view) => view.setUint16(Offset.job, 8)],
    ['epoch', (view) => view.setUint32(Offset.epoch, 2)],
    ['operation', (view) => view.setUint32(Offset.operation, 4)],
    ['signature', (view) => view.setUint32(Offset.signature, 4)],
    ['chunk', (view) => view.setUint32(Offset.chunk, 2)],
    ['slot', (view) => view.setUint16(Offset.slot, 1)],
    ['slot outside', (view) => view.setUint16(Offset.slot, 2)],
    ['set', (view) => view.setUint8(Offset.set, 1)],
    ['count', (view) => view.setUint16(Offset.count, 3)],
  ])('takes a result with another %s for a stray', (_, edit) => {
    const { engine, sent, tensor, counters } = begun();
    engine.advance(0);
    expect(engine.receive(resultOf(sent[0]!, edit), 1)).toBe('stray');
    expect(counters).toMatchObject({ strays: 1, packetsReceived: 0 });
    expect(tensor[0]).toBe(1);
    expect(engine.receive(resultOf(sent[0]!), 1)).toBe('accepted');
  });

  it('takes a second result, short messages and everything after stop() for strays', () => {
    const { engine, sent, counters } = begun();
    engine.advance(0);
    engine.receive(resultOf(sent[0]!), 1);
    expect(engine.receive(resultOf(sent[0]!), 1)).toBe('stray');
    const result = resultOf(sent[1]!);
    for (const length of [0, 31, 32, result.length - 1])
      expect(engine.receive(result.subarray(0, length), 1)).toBe('stray');
    engine.stop();
    expect(engine.receive(result, 1)).toBe('stray');
    expect(counters.strays).toBe(6);
    expect(engine.advance(1000)).toBe(Infinity);
  });

  it('reads a result in network order', () => {
    const { engine, sent, tensor } = begun();
    engine.advance(0);
    engine.receive(
      resultOf(sent[0]!, (view) => {
        view.setUint16(Offset.flags, Flag.NETWORK_ORDER);
        for (let i = 0; i < 4; i++) view.setFloat32(HEADER_BYTES + 4 * i, 100 + i);
      }),
      1,
    );
    expect([...tensor.subarray(0, 5)]).toEqual([100, 101, 102, 103, 5]);
  });

  it('asks the switch when nothing has come for a timeout, and without an answer repeats what has no result, marked', () => {
    const { engine, sent, counters } = begun();
    expect(engine.advance(0)).toBe(100);
    engine.receive(
      resultOf(sent[0]!, (view) => view.setUint16(Offset.flags, Flag.RETRANSMISSION)),
      30,
    );
    engine.advance(50);
    expect(sent).toHaveLength(3);
    // A result at 30 shows that the switch is working: the timeout counts from there.
    engine.advance(129);
    expect(sent).toHaveLength(3);
    expect(engine.advance(130)).toBe(230);
    expect(sent).toHaveLength(4);
    expect(header(sent[3]!)).toMatchObject({ opcode: Opcode.PROBE, slot: 1 });
    engine.advance(230);
    const repeated = sent.filter((packet) => header(packet).flags === Flag.RETRANSMISSION);
    expect(repeated.map((packet) => header(packet))).toEqual(
      [sent[1]!, sent[2]!].map((packet) => ({ ...header(packet), flags: Flag.RETRANSMISSION })),
    );
    expect(repeated[0]!.subarray(HEADER_BYTES)).toEqual(sent[1]!.subarray(HEADER_BYTES));
    expect(counters).toMatchObject({ packetsSent: 5, retransmissions: 2 });
  });

  it('repeats at once, and once, what later packets have overtaken', () => {
    const { engine, sent, counters } = begun(32, { slots: 32, elements: 4 * 40 });
    // The 12 chunks after chunk 3, which is lost, get their results one by one, all within a millisecond.
    for (let result = 0; result <= 15; result++) {
      engine.advance(result / 100);
      const packet = sent.find((each) => header(each).chunk === result)!;
      if (result !== 3) engine.receive(resultOf(packet), result / 100);
    }
    engine.advance(0.5);
    const repeated = sent
      .filter((packet) => header(packet).flags === Flag.RETRANSMISSION)
      .map((packet) => header(packet).chunk);
    expect(repeated).toEqual([3]);
    expect(counters.retransmissions).toBe(1);
  });

  it('keeps to the burst, and repeats nothing in a refill', () => {
    const { engine, sent } = begun(1);
    expect(engine.advance(0)).toBe(0);
    expect(sent).toHaveLength(1);
    expect(engine.refill(500)).toBeLessThanOrEqual(500);
    expect(sent.map((packet) => header(packet).chunk)).toEqual([0, 1]);
    engine.advance(501);
    expect(header(sent[2]!).opcode).toBe(Opcode.PROBE);
    engine.advance(1001);
    const again = sent.slice(3).filter((packet) => header(packet).opcode === Opcode.CONTRIBUTE);
    expect(again.map((packet) => header(packet).chunk)).toEqual([0]);
  });

  it('tells a refusal of an outstanding chunk from an old one, and reads probes', () => {
    const { engine, sent } = begun();
    engine.advance(0);
    const refusal = resultOf(sent[0]!, (view) => view.setUint8(Offset.opcode, Opcode.REFUSED));
    expect(engine.receive(refusal, 1)).toBe('refused');
    engine.receive(resultOf(sent[0]!), 1);
    expect(engine.receive(refusal, 1)).toBe('stray');

    const model = new ModelSwitch(4);
    model.install({ job: 7, epoch: 3, ranks: [0, 1], slotBase: 20, slots: 2 });
    model.handle(1, sent[1]!);
    engine.probe(1);
    const [reply] = model.handle(1, sent.at(-1)!);
    expect(engine.receive(reply!.message, 2)).toBe('probed');
    expect(engine.probed).toMatchObject({ absoluteSlot: 21, valuesPerPacket: 4 });
    expect(engine.probed!.sets[0]).toMatchObject({ epoch: 3, chunk: 1, operation: 5, bitmap: 0b10, contributions: 1 });
  });
});
