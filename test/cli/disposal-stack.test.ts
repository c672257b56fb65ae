import { describe, expect, it } from 'vitest';
import { DisposalStack } from '../../cli/disposal-stack.js';

describe('what a command has started', () => {
  it('is ended in the reverse order, and told why', async () => {
    const ended: string[] = [];
    const disposal = new DisposalStack();
    for (const name of ['switch', 'worker'])
      expect(disposal.add(name, (failure) => void ended.push(`${name}: ${failure?.message}`))).toBe(name);
    await disposal.dispose(new Error('interrupted'));
    await disposal.dispose();
    expect(ended).toEqual(['worker: interrupted', 'switch: interrupted']);
  });

  it('is all ended, also when one of them cannot be', async () => {
    const ended: string[] = [];
    const disposal = new DisposalStack();
    disposal.add('switch', () => void ended.push('switch'));
    for (const name of ['first', 'second']) disposal.add(name, () => Promise.reject(new Error(name)));
    await expect(disposal.dispose()).rejects.toThrow('second');
    expect(ended).toEqual(['switch']);
  });

  it('is ended at once when it comes after the end, and whoever brings it stops', async () => {
    const disposal = new DisposalStack();
    const why = new Error('interrupted');
    await disposal.dispose(why);
    let told: Error | undefined;
    expect(() => disposal.add('session', (failure) => void (told = failure))).toThrow(why);
    expect(told).toBe(why);
  });
});
