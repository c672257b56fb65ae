/** What `fpisa/query` gives its users: the example of docs/queries.md, compiled and run in a folder like a user's. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from '../cli/support/built.js';

const EXAMPLE = /^## In TypeScript\n[\s\S]*?^```ts\n([\s\S]*?)^```/m.exec(
  readFileSync(join(ROOT, 'docs/queries.md'), 'utf8'),
)![1]!;
const SALES = ['shop,price\nnorth,1.5\nsouth,2\nnorth,4\n', 'shop,price\nsouth,0.25\nwest,8\n'];

interface Ended {
  readonly code: number;
  readonly output: string;
}

let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'fpisa-query-user-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  SALES.forEach((text, index) => writeFileSync(join(folder, `sales-${index + 1}.csv`), text));
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function node(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` }),
    );
  });
}

/** Compiles a program as a user with strict settings would; it is in `name`.js afterwards. */
function compile(name: string, source: string): Promise<Ended> {
  const file = join(folder, `${name}.ts`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, source);
  const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--skipLibCheck', '--types', 'node'];
  return node(join(ROOT, 'node_modules/typescript/lib/tsc.js'), ...options, file);
}

describe('fpisa/query', () => {
  it('answers a query over an embedded switch, as docs/queries.md says', { timeout: 300_000 }, async () => {
    const compiled = await compile('example', EXAMPLE);
    expect(compiled, compiled.output).toEqual({ code: 0, output: '' });
    const { code, output } = await node('example.js');
    expect(code, output).toBe(0);
    expect(output.trim().split('\n')).toEqual([
      '[["north",5.5],["south",2.25],["west",8]]',
      '3 groups came from the switch',
    ]);
  });

  it('has types that refuse what is wrong', { timeout: 300_000 }, async () => {
    const { code, output } = await compile('wrong', EXAMPLE.replace('tables,\n', ''));
    expect(code).toBe(1);
    expect(output).toContain("Property 'tables' is missing");
  });

  it('exports each name once', async () => {
    const parts = await Promise.all([
      import('../../query/errors.js'),
      import('../../query/plan/index.js'),
      import('../../query/session/index.js'),
      import('../../query/stream/index.js'),
      import('../../query/switch/index.js'),
    ]);
    const names = parts.flatMap((part) => Object.keys(part));
    expect(names).toEqual([...new Set(names)]);
    expect(Object.keys(await import('../../query/index.js'))).toEqual(expect.arrayContaining(names));
  });

  it('has an error class for each failure, each with the common base', async () => {
    const query = await import('../../query/index.js');
    const { FpisaError } = await import('../../protocol/errors.js');
    const errors = Object.entries(query).filter(([name]) => name.endsWith('Error'));
    expect(errors.length).toBeGreaterThan(10);
    for (const [name, each] of errors)
      expect((each as { prototype: unknown }).prototype, name).toBeInstanceOf(FpisaError);
  });
});
