import { describe, expect, it } from 'vitest';
import { Backoff } from '../../net/backoff.js';

describe('back-off', () => {
  it('doubles up to its bound, and begins again after a success', () => {
    const backoff = new Backoff(100, 1000, () => 1);
    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('stays at its bound however often it is asked', () => {
    const backoff = new Backoff(1, 2000, () => 1);
    for (let i = 0; i < 5000; i++) backoff.next();
    expect(backoff.next()).toBe(2000);
  });

  it('waits between half of the bound and all of it', () => {
    expect(new Backoff(100, 1000, () => 0).next()).toBe(50);
    const pauses = Array.from({ length: 200 }, () => new Backoff(100, 1000).next());
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(100);
    expect(new Set(pauses).size).toBeGreaterThan(100);
  });
});
