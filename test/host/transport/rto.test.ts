import { describe, expect, it } from 'vitest';
import { RetransmissionTimeout } from '../../../host/transport/rto.js';

const BOUNDS = { initialMs: 100, minMs: 1, maxMs: 1000 };
const once = (sinceFirst: number) => ({ sinceFirst, transmissions: 1, afterLoss: false });

describe('retransmission timeout', () => {
  it('starts at the initial value and takes the first sample as RFC 6298 §2.2 says', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    expect(rto.ms).toBe(100);
    rto.result(once(20));
    expect(rto.ms).toBe(20 + 4 * 10);
    rto.result(once(20));
    expect(rto.ms).toBe(20 + 4 * 7.5);
    expect(rto.roundTripMs).toBe(20);
  });

  it('settles near a steady round trip, but not below half as much again', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 200; i++) rto.result(once(20));
    expect(rto.ms).toBeCloseTo(30, 1);
  });

  it('keeps its bounds', () => {
    const rto = new RetransmissionTimeout({ ...BOUNDS, minMs: 10 });
    for (let i = 0; i < 100; i++) rto.result(once(0.1));
    expect(rto.ms).toBe(10);
    for (let i = 0; i < 100; i++) rto.result(once(5000));
    expect(rto.ms).toBe(1000);
  });

  it('takes no sample of a chunk that was sent twice (Karn), nor after the loss of another worker', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    rto.result(once(20));
    const before = rto.ms;
    rto.result({ sinceFirst: 40, transmissions: 2, afterLoss: false });
    rto.result({ sinceFirst: 40, transmissions: 1, afterLoss: true });
    expect([rto.ms, rto.roundTripMs]).toEqual([before, 20]);
  });

  it('does not grow from the timeouts of others, which a third of the results contain', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 300; i++) rto.result(once(i % 3 === 0 ? rto.ms * 0.99 : 2));
    expect(rto.ms).toBeLessThan(40);
  });

  it('follows a network that has become slower than the timeout', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (let i = 0; i < 50; i++) rto.result(once(2));
    for (let i = 0; i < 80; i++) rto.result({ sinceFirst: 50, transmissions: 3, afterLoss: false });
    expect(rto.ms).toBeGreaterThan(50);
  });

  it('doubles once for all packets in flight together, up to the bound, until a result comes', () => {
    const rto = new RetransmissionTimeout(BOUNDS);
    for (const sentAt of [0, 1, 2]) rto.expired(sentAt, 110);
    expect(rto.ms).toBe(200);
    rto.expired(110, 320);
    expect(rto.ms).toBe(400);
    for (let now = 1000; now < 20_000; now += 1000) rto.expired(now, now);
    expect(rto.ms).toBe(1000);
    rto.result({ sinceFirst: 30, transmissions: 2, afterLoss: false });
    expect(rto.ms).toBe(100);
  });
});
