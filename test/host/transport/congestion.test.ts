import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../net/random.js';
import { CongestionWindow } from '../../../host/transport/congestion.js';

interface Path {
  /** Of the job: a sum waits for the last of them. */
  readonly workers: number;
  /** Largest random delay of a packet on a link, in each direction. */
  readonly delayMs: number;
  /** Time that the switch takes for a chunk; it serves one after the other. */
  readonly serviceMs: number;
}

/** What the window is after so many results, by its own clock. @returns it, and how long that took */
function simulate(
  slots: number,
  { workers, delayMs, serviceMs }: Path,
  results: number,
): { chunks: number; elapsedMs: number } {
  const random = new Random(7);
  const delay = (): number => delayMs * random.fraction();
  const window = new CongestionWindow(slots);
  const events: { readonly at: number; readonly sent: number; readonly place: 'switch' | 'worker' }[] = [];
  let [now, free, inFlight] = [0, 0, 0];
  for (let left = results; left > 0;) {
    for (; inFlight < window.chunks; inFlight++)
      events.push({ at: now + Math.max(...Array.from({ length: workers }, delay)), sent: now, place: 'switch' });
    events.sort((a, b) => b.at - a.at);
    const { at, sent, place } = events.pop()!;
    now = at;
    if (place === 'switch') {
      free = Math.max(free, now) + serviceMs;
      events.push({ at: free + delay(), sent, place: 'worker' });
      continue;
    }
    window.result(now - sent);
    inFlight--;
    left--;
  }
  return { chunks: window.chunks, elapsedMs: now };
}

describe('congestion window', () => {
  it('does not take links whose delay varies for a switch that is behind', () => {
    for (const workers of [1, 2, 8]) {
      const { chunks, elapsedMs } = simulate(64, { workers, delayMs: 50, serviceMs: 0.01 }, 5_000);
      expect(chunks, `${workers} workers`).toBeGreaterThan(48);
      // A round trip takes 50 to 100 ms; with all chunks in flight, 5,000 of them take 5 to 8 s.
      expect(elapsedMs, `${workers} workers`).toBeLessThan(10_000);
    }
  });

  it('settles where the switch is busy, also behind links whose delay varies', () => {
    for (const delayMs of [0, 0.5, 5, 50]) {
      const { chunks, elapsedMs } = simulate(512, { workers: 2, delayMs, serviceMs: 2 }, 5_000);
      // The switch is never idle for long, and what waits is not most of what could.
      expect(elapsedMs, `delay ${delayMs}`).toBeLessThan(1.1 * 2 * 5_000);
      expect(chunks, `delay ${delayMs}`).toBeLessThan(128);
    }
  });

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
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.option(fc.double({ min: 0.001, max: 1e4, noNaN: true }))),
        (slots, events) => {
          const window = new CongestionWindow(slots);
          for (const event of events) {
            if (event === null) window.timeout();
            else window.result(event);
            expect(window.chunks).toBeGreaterThanOrEqual(1);
            expect(window.chunks).toBeLessThanOrEqual(slots);
          }
        },
      ),
    );
  });
});
