import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CongestionWindow } from '../../../host/allreduce/congestion.js';

describe('congestion window', () => {
  it('fills all slots while round trips stay short', () => {
    const window = new CongestionWindow(64);
    for (let i = 0; i < 64; i++) window.result(1 + (i % 2));
    expect(window.chunks).toBe(64);
  });

  it('stops growing when round trips grow with it, and shrinks when they grow further', () => {
    const window = new CongestionWindow(64);
    window.result(1);
    for (let i = 0; i < 100; i++) window.result(4);
    expect(window.chunks).toBe(9);
    for (let i = 0; i < 200; i++) window.result(10);
    expect(window.chunks).toBe(4);
  });

  it('settles where a switch that serves one packet at a time is just busy', () => {
    const window = new CongestionWindow(512);
    // A round trip is as long as the queue that the window makes.
    for (let i = 0; i < 5000; i++) window.result(10 + 2 * window.chunks);
    expect(window.chunks).toBeLessThan(40);
    expect(window.chunks).toBeGreaterThan(4);
  });

  it('halves at a timeout', () => {
    const window = new CongestionWindow(64);
    for (let i = 0; i < 100; i++) window.result(1);
    window.timeout();
    expect(window.chunks).toBe(32);
  });

  it('always lets something through, and never more than there are slots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(fc.option(fc.double({ min: 0.001, max: 1e4, noNaN: true }))), (slots, events) => {
        const window = new CongestionWindow(slots);
        for (const event of events) {
          if (event === null) window.timeout();
          else window.result(event);
          expect(window.chunks).toBeGreaterThanOrEqual(1);
          expect(window.chunks).toBeLessThanOrEqual(slots);
        }
      }),
    );
  });
});
