import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MatchKey } from '../../emulator/index.js';
import type { KeyDef, TableDef } from '../../emulator/json/program.js';
import { Table } from '../../emulator/tables/table.js';

const WIDTH = 6;
const ALL = (1n << BigInt(WIDTH)) - 1n;

function table(matchKind: TableDef['matchKind'], kinds: readonly MatchKey['kind'][]): Table {
  const keys = kinds.map((kind, i): KeyDef => ({
    name: `k${i}`,
    kind,
    ref: { field: undefined as never },
    width: WIDTH,
    mask: null,
  }));
  const action = { name: 'act', id: 0, index: 0, params: [], primitives: [] };
  return new Table({
    kind: 'table',
    name: 't',
    index: 0,
    pipeline: 'ingress',
    keys,
    matchKind,
    maxSize: 1000,
    withCounters: false,
    supportsTimeout: false,
    directMeter: undefined,
    profile: undefined,
    actions: [action],
    defaultEntry: undefined,
    constDefaultAction: false,
    constDefaultEntry: false,
    entries: undefined,
    nextByAction: new Map(),
    hitMiss: undefined,
    defaultNext: null,
  });
}

const value = fc.bigInt(0n, ALL);
const arbitraryKey: Record<MatchKey['kind'], fc.Arbitrary<MatchKey>> = {
  exact: value.map((v) => ({ kind: 'exact', value: v })),
  lpm: fc
    .tuple(value, fc.integer({ min: 0, max: WIDTH }))
    .map(([v, n]) => ({ kind: 'lpm', value: v, prefixLength: n })),
  ternary: fc.tuple(value, value).map(([v, m]) => ({ kind: 'ternary', value: v, mask: m })),
  range: fc.tuple(value, value).map(([a, b]) => ({ kind: 'range', low: a < b ? a : b, high: a < b ? b : a })),
};

/** The definition of each match kind, one key at a time. */
function matches(key: MatchKey, v: bigint): boolean {
  switch (key.kind) {
    case 'exact':
      return v === key.value;
    case 'lpm':
      return v >> BigInt(WIDTH - key.prefixLength) === key.value >> BigInt(WIDTH - key.prefixLength);
    case 'ternary':
      return (v & key.mask) === (key.value & key.mask);
    case 'range':
      return v >= key.low && v <= key.high;
  }
}

const cases: [TableDef['matchKind'], MatchKey['kind'][]][] = [
  ['exact', ['exact', 'exact']],
  ['lpm', ['exact', 'lpm']],
  ['ternary', ['ternary', 'lpm']],
  ['range', ['range', 'ternary']],
];

describe('lookup finds what a search through all entries finds', () => {
  it.each(cases)('%s table with keys %j', (matchKind, kinds) => {
    const entry = fc.record({
      keys: fc.tuple(...kinds.map((k) => arbitraryKey[k])),
      priority: fc.integer({ min: 1, max: 4 }),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 40 }),
        fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 20 }),
        (entries, lookups) => {
          const subject = table(matchKind, kinds);
          const kept: { keys: MatchKey[]; priority: number; order: number }[] = [];
          entries.forEach(({ keys, priority }, order) => {
            try {
              subject.insert({ keys, priority, call: { action: 'act', args: [] } }, 0);
              kept.push({ keys, priority: subject.ranked ? priority : 0, order });
            } catch (error) {
              expect((error as { code: string }).code).toBe('ALREADY_EXISTS');
            }
          });
          // Removal at the end only: a handle that is used again would rank before later entries.
          const left = kept.filter(({ keys, priority, order }) => {
            if (entries[order]!.remove) subject.delete(keys, priority);
            return !entries[order]!.remove;
          });
          for (const [a, b] of lookups) {
            const rank = (e: { keys: MatchKey[]; priority: number }): number =>
              matchKind === 'lpm' ? -(e.keys[1] as { prefixLength: number }).prefixLength : e.priority;
            const expected = left
              .filter(({ keys }) => matches(keys[0]!, a) && matches(keys[1]!, b))
              .sort((x, y) => rank(x) - rank(y) || x.order - y.order)[0];
            expect(subject.lookup((a << BigInt(WIDTH)) | b)?.keys).toEqual(expected?.keys);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
