import { describe, expect, it } from 'vitest';
import { Beside } from '../../cli/beside.js';

describe('what runs beside a command', () => {
  it('is ended in the reverse order, and told why', async () => {
    const ended: string[] = [];
    const beside = new Beside();
    for (const name of ['switch', 'worker'])
      expect(beside.add(name, (failure) => void ended.push(`${name}: ${failure?.message}`))).toBe(name);
    await beside.end(new Error('interrupted'));
    await beside.end();
    expect(ended).toEqual(['worker: interrupted', 'switch: interrupted']);
  });

  it('is all ended, also when one of them cannot be', async () => {
    const ended: string[] = [];
    const beside = new Beside();
    beside.add('switch', () => void ended.push('switch'));
    for (const name of ['first', 'second']) beside.add(name, () => Promise.reject(new Error(name)));
    await expect(beside.end()).rejects.toThrow('second');
    expect(ended).toEqual(['switch']);
  });

  it('is ended at once when it comes after the end, and whoever brings it stops', async () => {
    const beside = new Beside();
    const why = new Error('interrupted');
    await beside.end(why);
    let told: Error | undefined;
    expect(() => beside.add('session', (failure) => void (told = failure))).toThrow(why);
    expect(told).toBe(why);
  });
});
