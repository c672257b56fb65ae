/** The tests of the command run dist/, so that must be up to date with the sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILT = join(ROOT, 'dist/cli/main.js');
/** Created by the process that builds: test files run in parallel. */
const LOCK = join(ROOT, 'node_modules/.fpisa-build');
const SOURCES = (
  JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] }
).include.filter((folder) => existsSync(join(ROOT, folder)));
/** A build that was killed leaves its lock behind. */
const LOCK_MS = 120_000;

/** Builds, if a source is newer than what is built. `npm test` has built already. @throws with the compiler's output */
export async function ensureBuilt(): Promise<void> {
  while (isStale()) {
    try {
      mkdirSync(LOCK);
    } catch {
      if (Date.now() - (changed(LOCK) ?? Date.now()) > LOCK_MS) rmSync(LOCK, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    try {
      execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
        cwd: ROOT,
        encoding: 'utf8',
      });
    } catch (error) {
      // Type errors do not keep the compiler from writing its output; another check reports them.
      if (isStale())
        throw new Error(`the command cannot be built:\n${(error as { stdout?: string }).stdout ?? String(error)}`, {
          cause: error,
        });
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
  }
}

function isStale(): boolean {
  const built = changed(BUILT);
  if (built === undefined) return true;
  return SOURCES.some((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).some(
      (name) => name.endsWith('.ts') && (changed(join(ROOT, folder, name)) ?? 0) > built,
    ),
  );
}

function changed(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
