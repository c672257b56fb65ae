/** What the tests of names and error codes read: every source file that is written by hand, as a syntax tree. */
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';

const ROOT = new URL('../../', import.meta.url);

/** Paths from the repository's root. @param folders of the root */
export function sourceFiles(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .map((path) => `${folder}/${path}`)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.includes('/generated/')),
  );
}

export function readSource(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

export function parse(path: string, text = readSource(path)): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}
