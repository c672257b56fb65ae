/**
 * The pages that list what is supported and tested: docs/compatibility.md must have every word that the loader knows, and
 * no other; every test that it, or its sisters, name must exist.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { VOCABULARY } from '../../emulator/json/vocabulary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Row {
  readonly page: string;
  readonly header: readonly string[];
  readonly cells: readonly string[];
}

function rows(page: string): Row[] {
  const found: Row[] = [];
  let header: readonly string[] | undefined;
  for (const line of read(page).split('\n')) {
    if (!line.startsWith('|')) {
      header = undefined;
      continue;
    }
    // A vertical line within a cell has a backslash before it.
    const cells = line
      .slice(1, line.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'));
    if (header === undefined) header = cells;
    else if (!/^[-:]+$/.test(cells[0]!)) found.push({ page, header, cells });
  }
  return found;
}

const page = rows('docs/compatibility.md');
const words = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
const known = Object.values(VOCABULARY).flat() as string[];
/** Columns in which all that is in code type is a word of the JSON. */
const VOCABULARY_COLUMNS = ['primitive', 'operator', 'operand', 'operation', 'algorithm', 'field', 'section'];

describe('docs/compatibility.md', () => {
  it.each(Object.entries(VOCABULARY))('has all %s that the loader knows', (_, list) => {
    const present = new Set(page.flatMap(({ cells }) => words(cells[0]!)));
    expect(list.filter((word) => !present.has(word))).toEqual([]);
  });

  it('has no word that the loader does not know', () => {
    const columns = page.filter(({ header }) => VOCABULARY_COLUMNS.includes(header[0]!));
    expect(columns.flatMap(({ cells }) => words(cells[0]!)).filter((word) => !known.includes(word))).toEqual([]);
  });

  it('names everything that the loader refuses, in its words', () => {
    const sources = readdirSync(join(ROOT, 'emulator/json'))
      .map((name) => read(`emulator/json/${name}`))
      .join('\n');
    const refusals = new Set(
      [...sources.matchAll(/\.lacks\((['`])([A-Za-z ]+)/g)].map(([, , phrase]) => phrase!.trim()),
    );
    expect(refusals.size).toBeGreaterThan(10);
    const listed = page
      .filter(({ header }) => header.includes('as the error calls it'))
      .flatMap(({ cells }) => words(cells[1]!));
    expect([...refusals].filter((phrase) => !listed.includes(phrase))).toEqual([]);
  });

  it.each(['test', 'BMv2'])('has a %s for every row of a table that has such a column', (column) => {
    const empty = page.filter(
      ({ header, cells }) => header.includes(column) && (cells[header.indexOf(column)] ?? '') === '',
    );
    expect(empty.map(({ cells }) => cells[0])).toEqual([]);
  });
});

/** `file › title; title; /other/file › title`: what follows a semicolon without a file is of the file before. */
function references(text: string, base: string): { readonly file: string; readonly title: string }[] {
  let file: string | undefined;
  return text.split(';').map((part) => {
    const [first, second] = part
      .trim()
      .replace(/ \([^)]*\)$/, '')
      .split(' › ');
    if (second !== undefined) file = first!;
    if (file === undefined) throw new Error(`"${part}" names no file of tests`);
    return {
      file: `test/${file.startsWith('/') ? file.slice(1) : `${base}/${file}`}.test.ts`,
      title: second ?? first!,
    };
  });
}

/** Titles of all tests of some files, with the groups they are in. */
function titles(files: readonly string[]): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'titles-'));
  try {
    const list = join(folder, 'list.json');
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST/.test(name)));
    execFileSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'list', `--json=${list}`, ...files], {
      cwd: ROOT,
      env,
      stdio: 'pipe',
    });
    const found = new Map<string, string[]>();
    for (const { name, file } of JSON.parse(readFileSync(list, 'utf8')) as { name: string; file: string }[]) {
      const path = file.slice(file.lastIndexOf('/test/') + 1);
      found.set(path, [...(found.get(path) ?? []), name]);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('tests that the documentation names', () => {
  const cited = page
    .filter(({ header }) => header.includes('test'))
    .flatMap(({ cells, header }) => references(cells[header.indexOf('test')]!, 'emulator'));
  const existing = titles([...new Set(cited.map(({ file }) => file))].filter((file) => existsSync(join(ROOT, file))));

  it('exist, by file and title', () => {
    expect(cited.length).toBeGreaterThan(100);
    const missing = cited.filter(({ file, title }) => {
      const names = existing.get(file);
      // A title is the beginning of that of a test or of a group it is in.
      return names === undefined || !names.some((name) => name.split(' > ').some((part) => part.startsWith(title)));
    });
    expect(missing).toEqual([]);
  });

  it('would be missed', () => {
    expect(references('a › b; c; /d/e › f (and more)', 'emulator')).toEqual([
      { file: 'test/emulator/a.test.ts', title: 'b' },
      { file: 'test/emulator/a.test.ts', title: 'c' },
      { file: 'test/d/e.test.ts', title: 'f' },
    ]);
    expect(existing.get('test/emulator/json-ops.test.ts')!.length).toBeGreaterThan(100);
  });

  it('are there for everything that is refused', () => {
    const listed = page
      .filter(({ header }) => header.includes('as the error calls it'))
      .flatMap(({ cells }) => words(cells[1]!));
    const tests = titles(['test/emulator/refused.test.ts']).get('test/emulator/refused.test.ts')!;
    expect(listed.filter((phrase) => !tests.some((name) => name.includes(` > ${phrase}`)))).toEqual([]);
  });
});
