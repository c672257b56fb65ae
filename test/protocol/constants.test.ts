import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as constants from '../../protocol/constants.js';

/** `const T NAME = VALUE;` and `#define NAME VALUE` of a P4 file. */
function numbersOf(file: string): Map<string, number> {
  const text = readFileSync(new URL(`../../p4/shared/${file}`, import.meta.url), 'utf8');
  const numbers = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/(?:const \S+|#define) (\w+)(?: =)? (0x[0-9A-F]+|\d+)/g))
    numbers.set(name!, Number(value));
  return numbers;
}

const p4 = new Map([...numbersOf('network_constants.p4'), ...numbersOf('constants.p4')]);

describe('p4/shared/constants.p4 agrees with protocol/constants.ts', () => {
  it.each([
    ['OPCODE', constants.Opcode],
    ['FLAG', constants.Flag],
    ['DROP', constants.DropReason],
    ['EVENT', constants.JobEvent],
  ])('on every %s', (prefix, table) => {
    const theirs = [...p4].filter(([name]) => name.startsWith(`${prefix}_`) && name !== 'DROP_REASONS');
    const ours = Object.entries(table)
      .filter(([name]) => name !== 'NONE')
      .map(([name, value]) => [`${prefix}_${name}`, value] as const);
    expect(Object.fromEntries(theirs)).toEqual(Object.fromEntries(ours));
  });

  it.each([
    'MAGIC',
    'VERSION',
    'SERVICE_UDP_PORT',
    'MAX_WORKERS',
    'MAX_JOBS',
    'EVENTS_PER_JOB',
    'CPU_PORT',
    'POOL_SLOTS',
  ] as const)('on %s', (name) => {
    expect(p4.get(name)).toBe(constants[name]);
  });
});
