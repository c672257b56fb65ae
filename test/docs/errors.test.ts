import { expect, test } from 'vitest';
import { exitCodeOf } from '../../cli/exit-codes.js';
import { errorCodes } from './error-codes.js';
import { readSource } from './source-files.js';

const FOLDERS = ['arithmetic', 'protocol', 'p4runtime', 'p4', 'emulator', 'host', 'query', 'controlplane', 'cli'];

const { classes, irregular, mentions } = errorCodes(FOLDERS);

interface Row {
  readonly code: string;
  readonly className: string;
  readonly exit: number;
}

const ROW = /^\| `(\w+)` \| `(\w+)` \| [^|]+ \| [^|]+ \| (\d+) \|$/gm;
const rows = [...readSource('docs/errors.md').matchAll(ROW)].map(([, code, className, exit]): Row => ({
  code: code!,
  className: className!,
  exit: Number(exit),
}));

test('every code begins with the name of its product', () => {
  expect(classes.size).toBeGreaterThan(80);
  expect(irregular).toEqual([]);
});

test('one code, one class', () => {
  expect([...classes].filter(([, names]) => names.size !== 1).map(([code, names]) => [code, [...names]])).toEqual([]);
});

test('docs/errors.md has each code once, with its class', () => {
  const codes = rows.map(({ code }) => code);
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  expect(Object.fromEntries(rows.map(({ code, className }) => [code, className]))).toEqual(
    Object.fromEntries([...classes].map(([code, [name]]) => [code, name])),
  );
});

test('docs/errors.md has the exit codes of the command', () => {
  for (const { code, exit } of rows) expect([code, exit]).toEqual([code, exitCodeOf(code)]);
});

test('no source speaks of a code that nothing carries', () => {
  expect(mentions.filter(({ code }) => !classes.has(code))).toEqual([]);
  const listed = readSource('cli/exit-codes.ts').match(/\bFPISA_[A-Z_]+/g)!;
  expect(listed.length).toBeGreaterThan(20);
  expect(listed.filter((code) => !classes.has(code))).toEqual([]);
});
