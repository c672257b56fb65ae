import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as constants from '../../../protocol/query/constants.js';

const TEXT = readFileSync(new URL('../../../p4/v1model/query/constants.p4', import.meta.url), 'utf8');

/** `const T NAME = VALUE;` of the P4 file. */
const p4 = new Map(
  [...TEXT.matchAll(/const \S+ (\w+) = (0x[0-9A-F]+|\d+);/g)].map(([, name, value]) => [name!, Number(value)]),
);

describe('p4/v1model/query/constants.p4 agrees with protocol/query/constants.ts', () => {
  it.each([
    ['OPCODE', constants.Opcode, []],
    ['FLAG', constants.Flag, []],
    ['OPERATOR', constants.Operator, []],
    ['LANE', constants.LaneOp, []],
    ['ORDER', constants.Order, []],
    ['HAVING', constants.Having, ['HAVING_ON_ROWS']],
    ['EVENT', constants.Event, []],
  ])('on every %s', (prefix, table, others) => {
    const theirs = [...p4].filter(([name]) => name.startsWith(`${prefix}_`) && !others.some((other) => other === name));
    expect(Object.fromEntries(theirs)).toEqual(
      Object.fromEntries(Object.entries(table).map(([name, value]) => [`${prefix}_${name}`, value])),
    );
  });

  it.each([
    'MAGIC',
    'VERSION',
    'SERVICE_UDP_PORT',
    'MASTER',
    'HAVING_ON_ROWS',
    'EVENTS_PER_STREAM',
    'MAX_STREAMS',
    'FLOW_SLOTS',
    'TOP_SLOTS',
    'BLOOM_WORDS',
    'SCAN_SLOTS',
  ] as const)('on %s', (name) => {
    expect(p4.get(name)).toBe(constants[name]);
  });

  it.each(constants.QUERY_BUILDS)('on the sizes of $name', ({ lanes, tuples, groupsPerPacket, groupSlots }) => {
    const part = TEXT.slice(TEXT.indexOf(`LANES == ${lanes}`)).split('#e')[0]!;
    expect(part).toContain(`#define TUPLES ${tuples}\n`);
    expect(part).toContain(`#define GROUPS_PER_PACKET ${groupsPerPacket}\n`);
    const sizes = /#if LANES == 2\n#define GROUP_SLOTS (\d+)\n#else\n#define GROUP_SLOTS (\d+)/.exec(TEXT)!;
    expect(Number(sizes[lanes === 2 ? 1 : 2])).toBe(groupSlots);
  });
});
