/**
 * That the Tofino builds have every name that the controller uses, with the keys, widths and parameters of the v1model
 * build, but for what is listed here: their P4Info is what `npm run p4:tofino` commits.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BuildFit, Counter } from '../../../controlplane/controller/build-fit.js';
import { Table } from '../../../controlplane/controller/tables.js';
import { indexP4Info } from '../../../p4runtime/p4info-file.js';
import type { P4InfoIndex } from '../../../p4runtime/p4info.js';
import { tnaP4Info } from './build-directory.helpers.js';

const FOLDER = new URL('../../../p4/build/tofino/', import.meta.url);
const builds = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.p4info.txtpb')) : [];
const reference = indexP4Info(
  readFileSync(new URL('../../../p4/build/fpisa-n16.p4info.txtpb', import.meta.url), 'utf8'),
);

/** The actions that the controller puts into each table, and by which packets come from it and go to it. */
const ACTIONS: Record<string, string> = {
  [Table.local]: 'fpisa.serve',
  [Table.member]: 'fpisa.join',
  [Table.receiver]: 'fpisa.address',
  [Table.parent]: 'fpisa.ascend',
  [Table.fromParent]: 'fpisa.descend',
  [Table.ipv4]: 'fpisa.forward',
};

/** All that differs from the v1model build. A Tofino switch is no part of a tree, and adds in one way only. */
const DIFFERENCES = [
  'no table fpisa.parent',
  'no table fpisa.from_parent',
  'fpisa.join has no mode of 8 bits',
  'fpisa.join has no guard of 8 bits',
  'fpisa.join has no rounding of 8 bits',
  'fpisa.join has no left_shift_limit of 8 bits',
  'fpisa.join has no alignment of 8 bits',
];

/** What the controller uses, a line each. */
function uses(index: P4InfoIndex): string[] {
  const has = <T extends { name: string }>(items: readonly T[], name: string): T[] =>
    items.filter((item) => item.name === name);
  return [
    ...Object.values(Table).flatMap((name) =>
      has(index.tables.items, name).flatMap(({ keys, actions, size }) => [
        `table ${name}`,
        ...keys.items.map((key) => `${name} has key ${key.name}, ${key.kind}, of ${key.bitwidth} bits`),
        `${name} has room for ${size}`,
        ...has(actions.items, ACTIONS[name]!).flatMap(({ name: action, definition }) => [
          `${name} has action ${action}`,
          ...definition.params.items.map((param) => `${action} has ${param.name} of ${param.bitwidth} bits`),
        ]),
      ]),
    ),
    ...Object.values(Counter).flatMap((name) =>
      has(index.counters.items, name).map(({ size, unit }) => `counter ${name} of ${size}, ${unit}`),
    ),
    ...['packet_in', 'packet_out'].flatMap((name) =>
      has(index.packetHeaders.items, name).flatMap(({ fields }) =>
        fields.items.map((field) => `${name} has ${field.name} of ${field.bitwidth} bits`),
      ),
    ),
  ];
}

/** Of a table that does not exist, only that. */
function differences(index: P4InfoIndex): string[] {
  const [wanted, found] = [uses(reference), uses(index)];
  const missing = wanted.filter((line) => !found.includes(line));
  const tables = missing.flatMap((line) => (line.startsWith('table ') ? [line.slice('table '.length)] : []));
  const under = (line: string): boolean =>
    tables.some((table) => line.startsWith(`${table} `) || line.startsWith(`${ACTIONS[table]} `));
  return [
    ...missing
      .filter((line) => !under(line))
      .map((line) => (/^\S+ has /.test(line) ? line.replace(' has ', ' has no ') : `no ${line}`)),
    ...found.filter((line) => !wanted.includes(line)).map((line) => `also: ${line}`),
  ];
}

describe.skipIf(builds.length === 0)(
  'the P4Info of the Tofino builds (there is none in p4/build/tofino if this is skipped)',
  () => {
    test.each(builds)('%s has the names that the controller uses', (name) => {
      const index = indexP4Info(readFileSync(new URL(name, FOLDER), 'utf8'));
      expect(differences(index).sort()).toEqual([...DIFFERENCES].sort());
      // And so the controller takes it.
      expect(new BuildFit(name, index).absent).toEqual(['fpisa.parent', 'fpisa.from_parent']);
    });
  },
);

describe('a build without the parameter alignment, which rounds down', () => {
  const fit = new BuildFit('older', indexP4Info(tnaP4Info(['param alignment'])));
  const entry = (alignment: number) => ({
    table: Table.member,
    match: {},
    action: 'fpisa.join',
    params: { guard: 3, alignment },
  });

  test('takes the memberships of jobs that do, without it', () => {
    expect(fit.entry(entry(0)).params).toEqual({ guard: 3 });
  });

  test('is given none of a job that aligns to nearest', () => {
    expect(() => fit.entry(entry(1))).toThrow(
      /build older has no parameter alignment of fpisa\.join, so it only aligns with floor: .*--alignment floor/,
    );
  });
});

describe('the comparison', () => {
  test('finds nothing between equal programs', () => {
    expect(uses(reference).length).toBeGreaterThan(50);
    expect(differences(indexP4Info(tnaP4Info()))).toEqual([]);
  });

  test.each<[string, string, string[]]>([
    ['a table', tnaP4Info(['table fpisa.parent']), ['no table fpisa.parent']],
    ['a parameter', tnaP4Info(['param mode']), ['fpisa.join has no mode of 8 bits']],
    ['a counter', tnaP4Info(['counter fpisa.drops']), ['no counter fpisa.drops of 32, PACKETS']],
    [
      'a width',
      tnaP4Info().replace('name: "worker"\n    bitwidth: 16', 'name: "worker"\n    bitwidth: 8'),
      ['fpisa.member has no key worker, exact, of 16 bits', 'also: fpisa.member has key worker, exact, of 8 bits'],
    ],
    [
      'an action',
      tnaP4Info().replaceAll('"fpisa.forward"', '"fpisa.send"'),
      [
        'fpisa.ipv4 has no action fpisa.forward',
        ...['port of 9', 'src_mac of 48', 'dst_mac of 48'].map((field) => `fpisa.forward has no ${field} bits`),
      ],
    ],
  ])('finds %s', (_, p4info, found) => {
    expect(differences(indexP4Info(p4info))).toEqual(found);
  });
});
