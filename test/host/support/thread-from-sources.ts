/** A worker's thread from the sources: the built one may be older, or missing. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import typescript from 'typescript';
import { afterAll } from 'vitest';
import type { StartThread } from '../../../host/thread/start.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What the thread imports. */
const FOLDERS = ['arithmetic', 'host', 'net', 'protocol'];

let built: string | undefined;
afterAll(() => {
  if (built !== undefined) rmSync(built, { recursive: true, force: true });
  built = undefined;
});

export const threadFromSources: StartThread = (workerData) =>
  new Worker(compiled('host/thread/main.js'), { workerData });

/** Where a source of {@link FOLDERS} lies as JavaScript. */
export function compiled(path: string): string {
  built ??= build();
  return join(built, path);
}

/** Once for all threads of a test file, which is faster than a loader in each. */
function build(): string {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'worker-thread-'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const options = {
    module: typescript.ModuleKind.ESNext,
    target: typescript.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
  };
  for (const part of FOLDERS) {
    for (const name of readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const { outputText } = typescript.transpileModule(readFileSync(join(ROOT, part, name), 'utf8'), {
        compilerOptions: options,
      });
      const file = join(folder, part, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, outputText);
    }
  }
  return folder;
}
