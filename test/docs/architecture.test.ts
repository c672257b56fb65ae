/** docs/architecture.md: its tables are the rules of .dependency-cruiser.mjs, the tree, and the files of the program. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trimEnd()
  .split('\n');

/** The rows of the table that has this heading row. */
function table(heading: string): string[][] {
  const lines = page.slice(page.indexOf(heading)).split('\n').slice(2);
  return lines.slice(0, lines.indexOf('')).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

describe('the table of folders', () => {
  const rows = table('| folder | holds | may use |');
  const shown = new Map(rows.map(([folder, , uses]) => [quoted(folder!)[0]!.replace('/', ''), uses!]));

  it('has the rules that dependency-cruiser checks', async () => {
    const { mayUse } = (await import(pathToFileURL(join(ROOT, '.dependency-cruiser.mjs')).href)) as {
      mayUse: Record<string, readonly string[]>;
    };
    const rules = Object.entries(mayUse).map(
      ([folder, uses]) => [folder, uses.map((name) => `\`${name}/\``).join(', ') || 'nothing'] as const,
    );
    const held = [...shown].filter(([, uses]) => uses !== '' && uses !== 'everything');
    expect(new Map(held)).toEqual(new Map(rules));
    expect([...shown].filter(([, uses]) => uses === 'everything')).toEqual([['test', 'everything']]);
  });

  it('has the folders of the tree, and no other', () => {
    const folders = new Set(tracked.filter((path) => /^[^./][^/]*\//.test(path)).map((path) => path.split('/')[0]!));
    expect([...shown.keys()].sort()).toEqual([...folders].sort());
  });

  it('gives an arrow to every folder that holds TypeScript', () => {
    const typed = new Set(tracked.filter((path) => /^[^/]+\/.*\.ts$/.test(path)).map((path) => path.split('/')[0]!));
    for (const folder of typed) expect(shown.get(folder), folder).not.toBe('');
  });
});

it('names every file of p4/v1model, and no other', () => {
  const files = tracked.filter((path) => /^p4\/v1model\/[^/]+\.p4$/.test(path)).map((path) => path.split('/').pop());
  expect(
    table('| file | does |')
      .flatMap(([file]) => quoted(file!))
      .sort(),
  ).toEqual(files.sort());
});

it('names only scripts that package.json has', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  for (const [, name] of page.matchAll(/`npm run ([\w:.-]+)/g)) expect(Object.keys(scripts)).toContain(name);
});

it('is one of the pages that README.md lists, as every page is', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const pages = tracked.filter((path) => /^docs\/[^/]+\.md$/.test(path));
  for (const path of pages) expect(readme).toContain(`](${path})`);
  const index = readFileSync(join(ROOT, 'docs/decisions/README.md'), 'utf8');
  for (const path of tracked.filter((each) => /^docs\/decisions\/(?!README)/.test(each)))
    expect(index).toContain(`](${path.slice('docs/decisions/'.length)})`);
  const folders = new Set(tracked.filter((path) => /^[^./][^/]*\//.test(path)).map((path) => path.split('/')[0]!));
  for (const folder of folders) expect(readme.slice(readme.indexOf('## Folders'))).toContain(`\`${folder}/\``);
});
