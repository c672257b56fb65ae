/** docs/p4runtime.md: every section of its compliance table names tests, and they exist. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

interface Row {
  readonly section: string;
  readonly tests: string;
  readonly mark: string;
}

function complianceRows(): Row[] {
  const page = read('docs/p4runtime.md');
  return page
    .slice(page.indexOf('## Compliance'))
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\| (Section|---)|^\|---/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim()),
    )
    .map(([section, tests, mark]) => ({ section: section!, tests: tests!, mark: mark! }));
}

/** `file › title; title; /other/file`: a part without a file is of the file before; remarks are in parentheses. */
function references(text: string): { readonly file: string; readonly title: string }[] {
  let file = '';
  return text.split(';').map((part) => {
    const plain = part.trim().replace(/ ?\([^)]*\)$/, '');
    const [first, second] = plain.split(' › ');
    if (second !== undefined || plain.startsWith('/'))
      file = first!.startsWith('/') ? `test${first}` : `test/emulator/p4runtime/${first}`;
    return { file: `${file}.test.ts`, title: second ?? (plain.startsWith('/') ? '' : first!) };
  });
}

/** Whether a test or group of the file has a title that begins so. */
function hasTest({ file, title }: { readonly file: string; readonly title: string }): boolean {
  if (!existsSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)))) return false;
  const source = read(file);
  return title === '' || ["'", '"', '`'].some((quote) => source.includes(`(${quote}${title}`));
}

describe('the compliance table of docs/p4runtime.md', () => {
  const rows = complianceRows();

  it('has a mark for every section', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter(({ mark }) => !['✓', '◐', '✗'].includes(mark))).toEqual([]);
  });

  it('names a test for all that is served', () => {
    expect(rows.filter(({ tests, mark }) => mark !== '✗' && (tests === '' || tests.startsWith('–')))).toEqual([]);
  });

  it('names tests that exist', () => {
    const cited = rows.filter(({ tests }) => !tests.startsWith('–')).flatMap(({ tests }) => references(tests));
    expect(cited.length).toBeGreaterThan(60);
    expect(cited.filter((each) => !hasTest(each))).toEqual([]);
  });

  it('would miss one that does not', () => {
    expect(references('arbitration › roles; a test that nobody wrote').map(hasTest)).toEqual([true, false]);
    expect(hasTest({ file: 'test/emulator/p4runtime/nowhere.test.ts', title: '' })).toBe(false);
  });
});
