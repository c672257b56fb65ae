import { describe, expect, it } from 'vitest';
import { AllreduceEngine } from '../../../host/allreduce/engine.js';
import { Operation } from '../../../host/allreduce/operation.js';
import { StallWatch } from '../../../host/allreduce/stall.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import { DEFAULT_RTO, RetransmissionTimeout } from '../../../host/transport/rto.js';
import { Opcode } from '../../../protocol/constants.js';
import { Offset, readHeader } from '../../../protocol/message.js';
import { ModelSwitch } from '../support/model-switch.js';

const TIMEOUT_MS = 10_000;
const RANKS = Array.from({ length: 16 }, (_, rank) => rank);

/** Rank 0 of 16 has sent its chunk, and the others' contributions arrive when told to. */
function waiting() {
  const sent: Uint8Array[] = [];
  const engine = new AllreduceEngine(
    { job: 1, rank: 0, slots: 4, valuesPerPacket: 4, burst: 8 },
    new RetransmissionTimeout(DEFAULT_RTO),
    (memory, at, length) => sent.push(memory.slice(at, at + length)),
  );
  const operation = new Operation(new TensorBatch(new Float32Array(4), 'sum', 'fp32'), 0, {
    resolve: () => undefined,
    reject: () => undefined,
  });
  operation.number = 1;
  engine.enterEpoch(1, 1, 0xffff);
  engine.start(1, operation.batch, operation.counters);
  engine.advance(0);
  const model = new ModelSwitch(4);
  model.install({ job: 1, epoch: 1, ranks: RANKS, slotBase: 0, slots: 4 });
  const contribution = sent[0]!;
  const contribute = (rank: number) => {
    const packet = contribution.slice();
    new DataView(packet.buffer).setUint16(Offset.worker, rank);
    model.handle(rank, packet);
  };
  contribute(0);
  const watch = new StallWatch({ timeoutMs: TIMEOUT_MS, membershipTimeoutMs: TIMEOUT_MS }, 0);
  const config = { rank: 0, switchAddress: '192.0.2.1:1' };
  const check = (now: number) => {
    sent.length = 0;
    const members = { members: RANKS, bits: RANKS, epoch: 1, attending: undefined };
    const verdict = watch.check({ engine, operation, running: true, ...members, config }, now);
    for (const packet of sent) {
      if (readHeader(new DataView(packet.buffer)).opcode !== Opcode.PROBE) continue;
      for (const { message } of model.handle(0, packet)) engine.receive(message, now);
      watch.probed(engine, 0, 1, now);
    }
    return verdict;
  };
  return { check, contribute };
}

describe('a worker that gets no result', () => {
  it('gives up after its patience where nothing moves', () => {
    const { check } = waiting();
    for (let now = 500; now < TIMEOUT_MS; now += 500) expect(check(now)).toBeTypeOf('number');
    expect(check(TIMEOUT_MS)).toMatchObject({
      code: 'FPISA_STALLED',
      message: expect.stringContaining('1, 2, 3') as string,
    });
  });

  it('does not give up while other workers’ contributions still arrive', () => {
    const { check, contribute } = waiting();
    let now = 0;
    for (let rank = 1; rank < 15; rank++) {
      for (const end = now + 0.8 * TIMEOUT_MS; now < end; now += 500) expect(check(now)).toBeTypeOf('number');
      contribute(rank);
    }
    for (const end = now + 2 * TIMEOUT_MS; now < end; now += 500) {
      const verdict = check(now);
      if (typeof verdict === 'number') continue;
      expect(verdict).toMatchObject({ code: 'FPISA_STALLED', report: { missingRanks: [15] } });
      return;
    }
    expect.unreachable('it waits for rank 15 for ever');
  });

  it('does not count the time in which its process did not run', () => {
    const { check } = waiting();
    for (let now = 500; now <= 2000; now += 500) expect(check(now)).toBeTypeOf('number');
    expect(check(600_000)).toBeTypeOf('number');
    let now = 600_500;
    while (typeof check(now) === 'number') now += 500;
    // It has listened for 2 s before; of the pause, two intervals between probes count.
    expect(now).toBe(600_000 + TIMEOUT_MS - 2000 - 4000);
  });
});
