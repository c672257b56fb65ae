import ts from 'typescript';
import { expect, test } from 'vitest';
import { parse, sourceFiles } from './source-files.js';

/** What users see, and the sources they read along with it; tests name their own set-ups. */
const FOLDERS = [
  'arithmetic',
  'protocol',
  'p4runtime',
  'p4',
  'emulator',
  'host',
  'query',
  'controlplane',
  'cli',
  'bench',
  'fuzz',
];

const P4RUNTIME = "an object of P4Runtime's: the message, and what a side of the wire keeps of it";

/** Names that may mean more than one thing, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  CloneSession: P4RUNTIME,
  CounterValue: P4RUNTIME,
  Replica: P4RUNTIME,
  Output: 'what a command prints; a packet that leaves the emulator',
};

/** Files that export a class or an interface, by its name. */
function exported(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of sourceFiles(FOLDERS)) {
    for (const statement of parse(path).statements) {
      if (!ts.isClassDeclaration(statement) && !ts.isInterfaceDeclaration(statement)) continue;
      if (!statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
      const name = statement.name!.text;
      const files = found.get(name) ?? [];
      // A class and an interface of one file that share a name are one thing.
      if (!files.includes(path)) found.set(name, [...files, path]);
    }
  }
  return found;
}

const shared = [...exported()].filter(([, files]) => files.length > 1);

test('two exported things have two names', () => {
  expect(shared.filter(([name]) => !(name in ALLOWED))).toEqual([]);
});

test('the exceptions are needed', () => {
  const names = shared.map(([name]) => name);
  expect(Object.keys(ALLOWED).filter((name) => !names.includes(name))).toEqual([]);
});
