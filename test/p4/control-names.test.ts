/** Where a control does the same in both architectures it has one name, and stands in a file of one name. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = (architecture: string): URL => new URL(`../../p4/${architecture}/`, import.meta.url);

/** Control → its file, of the aggregation program. */
function controlsOf(architecture: string): Map<string, string> {
  const files = readdirSync(folder(architecture)).filter((name) => name.endsWith('.p4'));
  return new Map(
    files.flatMap((file) => {
      const text = readFileSync(new URL(file, folder(architecture)), 'utf8');
      return [...text.matchAll(/^control (\w+)\(/gm)].map(([, name]): [string, string] => [name!, file]);
    }),
  );
}

/** The steps that both programs take. */
const SHARED = ['FpisaIngress', 'FpisaEgress', 'Admission', 'Membership', 'Rounds', 'Progress', 'ReadOut', 'Routing'];

test('controls that do the same have the same names in v1model and TNA', () => {
  const [v1model, tna] = [controlsOf('v1model'), controlsOf('tna')];
  expect(SHARED.filter((name) => !v1model.has(name) || !tna.has(name))).toEqual([]);
  const both = [...v1model.keys()].filter((name) => tna.has(name));
  expect(both.sort()).toEqual([...SHARED].sort());
});

test('they stand in files of the same names', () => {
  const [v1model, tna] = [controlsOf('v1model'), controlsOf('tna')];
  for (const name of SHARED) expect([name, tna.get(name)]).toEqual([name, v1model.get(name)]);
});
