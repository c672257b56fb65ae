/**
 * A step of `npm run build`: removes files from dist/ that no longer have a source, so that a file that was moved is
 * not published twice. Runs after the compiler, not before it, so that dist/ stays complete for processes that use it.
 */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param {string} root the folder of the sources and of dist/ */
export function pruneDist(root) {
  const dist = join(root, 'dist');
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !hasSource(join(root, path.slice(dist.length)))) rmSync(path, { force: true });
  }
  removeEmpty(dist);
}

/** @param {string} path of a file in dist/, as if it were among the sources */
function hasSource(path) {
  if (existsSync(path)) return true;
  const [, stem] = /^(.*?)(\.d\.ts|\.js)$/.exec(path) ?? [];
  return stem !== undefined && existsSync(`${stem}.ts`);
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script) pruneDist(resolve(script, '../..'));
