import { describe, expect, it } from 'vitest';
import { RetransmissionTimeout } from '../../../host/transport/rto.js';

const BOUNDS = { initialMs: 100, minMs: 1, maxMs: 1000 };
const ONE = { transmissions: 1, afterLoss: false, repeated: false, inFlight: 1 };
const once = (ms: number) => ({ ...ONE, sinceFirst: ms, sinceLast: ms });

describe('retransmission timeout', () => {
  it('starts at the initial value and takes the first sample as RFC 6298 §2.2 says', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    expect(rto.ms(1)).toBe(100);
    rto.result(once(20));
    expect(rto.ms(1)).toBe(20 + 4 * 10);
    rto.result(once(20));
    expect(rto.ms(1)).toBe(20 + 4 * 7.5);
    expect(rto.roundTripMs).toBe(20);
  });

  it('settles near a steady round trip, but not below half as much again', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 200; i++) rto.result(once(20));
    expect(rto.ms(1)).toBeCloseTo(30, 1);
  });

  it('keeps its bounds', () => {
    const rto = new RetransmissionTimeout({ ...BOUNDS, minMs: 10 });
    for (let i = 0; i < 100; i++) rto.result(once(0.1));
    expect(rto.ms(1)).toBe(10);
    for (let i = 0; i < 100; i++) rto.result(once(5000));
    expect(rto.ms(1)).toBe(1000);
  });

  it('takes no sample of a chunk that was sent twice (Karn), nor after the loss of another worker', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.result(once(20));
    const before = rto.ms(1);
    rto.result({ ...once(40), transmissions: 2 });
    rto.result({ ...once(40), afterLoss: true });
    expect([rto.ms(1), rto.roundTripMs]).toEqual([before, 20]);
  });

  it('measures the answer to the one repetition of a complete round, which contains nobody’s wait', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    const answer = { sinceFirst: 300, sinceLast: 8, afterLoss: true, repeated: true, inFlight: 1 };
    rto.result({ ...answer, transmissions: 3 });
    expect(rto.roundTripMs).toBeUndefined();
    rto.result({ ...answer, transmissions: 2 });
    expect(rto.roundTripMs).toBe(8);
    expect(rto.ms(1)).toBe(24);
  });

  it('is not driven up where every sum waits for somebody’s timeout', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.probe(5);
    // Each wait holds a timeout of a worker that computes its own from the same waits.
    for (let i = 0; i < 1000; i++)
      rto.result({ ...once(5 + rto.ms(8)), afterLoss: true, transmissions: 1 + (i % 3), inFlight: 8 });
    expect(rto.ms(1)).toBe(15);
  });

  it('takes the answer to a probe while there is no other sample', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.probe(10);
    expect(rto.roundTripMs).toBe(10);
    rto.probe(90);
    expect(rto.roundTripMs).toBe(10);
  });

  it('allows for the time that a switch takes for more chunks than were in flight when it was measured', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.result(once(10));
    expect(rto.ms(1)).toBe(30);
    expect(rto.ms(3)).toBe(90);
    expect(rto.ms(8)).toBe(120);
    // Once that is measured, it is no more than what it takes.
    for (let i = 0; i < 100; i++) rto.result({ ...once(80), inFlight: 8 });
    expect(rto.ms(8)).toBeGreaterThan(119);
    expect(rto.ms(8)).toBeLessThan(125);
  });

  it('does not grow from the timeouts of others, which a third of the results contain', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 300; i++) rto.result(once(i % 3 === 0 ? rto.ms(1) * 0.99 : 2));
    expect(rto.ms(1)).toBeLessThan(40);
  });

  it('follows a network that has become slower than the timeout', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 50; i++) rto.result(once(2));
    for (let i = 0; i < 80; i++) rto.result({ ...once(50), transmissions: 3 });
    expect(rto.ms(1)).toBeGreaterThan(50);
  });

  it('doubles with each back-off, up to the bound, until a result comes', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.backOff();
    expect(rto.ms(1)).toBe(200);
    rto.backOff();
    expect(rto.ms(1)).toBe(400);
    for (let i = 0; i < 20; i++) rto.backOff();
    expect(rto.ms(1)).toBe(1000);
    rto.result({ ...once(30), afterLoss: true, transmissions: 2 });
    expect(rto.ms(1)).toBe(100);
  });
});
