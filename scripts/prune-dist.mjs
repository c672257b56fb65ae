/**
 * The end of `npm run build`: removes from dist/ what no source stands for any more, so that a file that was moved is
 * not published twice. After the compiler and not before it, so that dist/ is whole for whoever runs it meanwhile.
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

/** @param {string} path what stands in dist/, as if it stood among the sources */
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
