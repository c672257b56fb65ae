import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaultInjector, ManualScheduler, type FaultOptions } from '../../emulator/index.js';

/** Sends numbered packets through a fault injector. */
function send(options: FaultOptions, count: number, port = 1): { out: number[]; faults: FaultInjector } {
  const scheduler = new ManualScheduler();
  const faults = new FaultInjector({ scheduler, ...options });
  const out: number[] = [];
  for (let i = 0; i < count; i++) {
    faults.pass(port, 'in', Uint8Array.of(i >> 8, i & 0xff), (frame) => out.push((frame[0]! << 8) | frame[1]!));
    scheduler.advance(1);
  }
  scheduler.advance(1000);
  return { out, faults };
}

describe('fault injection', () => {
  it('changes nothing without rates', () => {
    const { out } = send({ seed: 1 }, 100);
    expect(out).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('does the same for the same seed, and something else for another', () => {
    const rates = { drop: 0.1, duplicate: 0.1, reorder: 0.1, delay: 0.1 };
    expect(send({ seed: 5, ...rates }, 300).out).toEqual(send({ seed: 5, ...rates }, 300).out);
    expect(send({ seed: 5, ...rates }, 300).out).not.toEqual(send({ seed: 6, ...rates }, 300).out);
  });

  it('loses no packet but those it counts as dropped, and adds none but duplicates', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0 }), rate, rate, rate, rate, (seed, drop, duplicate, reorder, delay) => {
        const { out, faults } = send({ seed, drop, duplicate, reorder, delay }, 120);
        const counts = faults.counts().get('1/in')!;
        expect(new Set(out).size).toBe(120 - counts.dropped);
        expect(out.length).toBe(120 - counts.dropped + counts.duplicated);
        expect(counts.passed).toBe(out.length);
      }),
    );
  });

  it('keeps to its rates', () => {
    const { faults } = send({ seed: 3, drop: 0.25 }, 4000);
    expect(faults.counts().get('1/in')!.dropped / 4000).toBeCloseTo(0.25, 1);
  });

  it('really reorders, by a few places, and lets the last packet out in the end', () => {
    const { out, faults } = send({ seed: 4, reorder: 0.2, reorderBy: 3 }, 200);
    expect(out).not.toEqual([...out].sort((a, b) => a - b));
    expect(faults.counts().get('1/in')!.reordered).toBeGreaterThan(20);
    expect(send({ seed: 4, reorder: 1 }, 1).out).toEqual([0]);
  });

  it('has rates of its own for a port, a direction, or both', () => {
    const scheduler = new ManualScheduler();
    const faults = new FaultInjector({ seed: 1, scheduler, only: { '2': { drop: 1 }, out: { drop: 1 }, '3/out': {} } });
    const seen: string[] = [];
    for (const [port, direction] of [
      [1, 'in'],
      [1, 'out'],
      [2, 'in'],
      [3, 'out'],
    ] as const) {
      faults.pass(port, direction, Uint8Array.of(0), () => seen.push(`${port}/${direction}`));
    }
    expect(seen).toEqual(['1/in', '3/out']);
    expect(() => new FaultInjector({ seed: 1, drop: 2 })).toThrow(
      expect.objectContaining({ code: 'EMULATOR_FAULT_RATE' }),
    );
  });
});
