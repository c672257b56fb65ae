/** The command, and imports of the package, where DuckDB is not installed: the built files with all packages except that one. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from './support/built.js';

const SHIPPED = ['bin', 'dist', 'package.json', 'protocol/proto', 'p4runtime/proto'];

let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'fpisa-without-duckdb-'));
  for (const path of SHIPPED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@duckdb' && name !== 'fpisa')
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function node(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  peerDependencies: Record<string, string>;
};
const MESSAGE = `a query needs DuckDB, which is not installed: npm install @duckdb/node-api@${peerDependencies['@duckdb/node-api']}`;

it('says in one sentence how to get it', async () => {
  const { code, stderr } = await node('bin/fpisa.js', 'query', 'SELECT k, sum(v) FROM sample GROUP BY k', '--sample');
  expect({ code, stderr }).toEqual({ code: 2, stderr: `fpisa: ${MESSAGE}\n` });
});

it('has a stable code for programs, in a worker as in a master', async () => {
  const error = { code: 'FPISA_DUCKDB_MISSING', message: MESSAGE };
  for (const args of [
    ['--sample', 'SELECT k FROM sample'],
    ['worker', '--master', '127.0.0.1:9', '--rank', '0'],
  ]) {
    const { code, stdout } = await node('bin/fpisa.js', 'query', '--json', ...args);
    expect({ code, output: JSON.parse(stdout) as unknown }).toEqual({ code: 2, output: { ok: false, error } });
  }
});

it('lets every other part of the package be imported and used', async () => {
  const program = `
    import { Switch } from 'fpisa/emulator';
    for (const part of ['arithmetic', 'controlplane', 'host', 'p4runtime', 'protocol', 'query']) await import('fpisa/' + part);
    console.log(typeof new Switch().receive);`;
  expect(await node('--input-type=module', '--eval', program)).toEqual({ code: 0, stdout: 'function\n', stderr: '' });
});
