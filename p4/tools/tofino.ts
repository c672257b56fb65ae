/**
 * `npm run p4:tofino [-- layout...] [--output DIR]`: compiles the Tofino program in all layouts, or in those named, and writes the
 * files that are committed: P4Info, p4/build/tofino/resources.json and the table in docs/tofino.md. Reports it and does
 * nothing where no compiler for Tofino is found.
 */
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { shippedFile } from '../../net/package-files.js';
import { compileLayout, compilerVersion, findTofinoCompiler } from './tofino/compiler.js';
import { LAYOUTS, layoutsNamed } from './tofino/layouts.js';
import { type LayoutRecord, recordOf, type ResourcesFile, withTable } from './tofino/records.js';

/** The compiler's search for containers is unbounded; a layout that needs longer counts as not fitting. */
const SECONDS_PER_LAYOUT = 1200;

async function recordedIn(path: string): Promise<readonly LayoutRecord[]> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as ResourcesFile).layouts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Error(
      `${path} cannot be read, so its records of other layouts would be lost: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { output: { type: 'string' } } });
  const chosen = layoutsNamed(positionals);
  const command = await findTofinoCompiler();
  if (command === undefined) {
    console.log(
      'No compiler for Tofino found (FPISA_P4C_TOFINO, p4c-tofino, or a p4c with that target): nothing compiled. docs/tofino.md says how to build one.',
    );
    return;
  }
  const root = dirname(shippedFile('package.json'));
  const target = join(root, 'p4/build/tofino');
  await mkdir(target, { recursive: true });
  const output = values.output ?? (await mkdtemp(join(tmpdir(), 'fpisa-tofino-')));
  const file = join(target, 'resources.json');
  const version = await compilerVersion(command);
  try {
    for (const layout of chosen) {
      const compilation = await compileLayout(command, layout, join(output, layout.name), SECONDS_PER_LAYOUT);
      if (compilation.compiles) await writeFile(join(target, `${layout.name}.p4info.txtpb`), compilation.p4info);
      else await rm(join(target, `${layout.name}.p4info.txtpb`), { force: true });
      const known = new Map((await recordedIn(file)).map((record) => [record.name, record]));
      known.set(layout.name, recordOf(layout, compilation));
      const layouts = LAYOUTS.flatMap(({ name }) => known.get(name) ?? []);
      await writeFile(file, `${JSON.stringify({ compiler: version, layouts } satisfies ResourcesFile, null, 1)}\n`);
      const docs = join(root, 'docs/tofino.md');
      await writeFile(docs, withTable(await readFile(docs, 'utf8'), layouts));
      console.log(
        `${layout.name}: ${compilation.compiles ? `${compilation.resources.stages} stages` : compilation.notFitting}`,
      );
    }
  } finally {
    if (values.output === undefined) await rm(output, { recursive: true });
  }
}

if (process.argv[1]?.endsWith('tofino.js')) {
  try {
    await main();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
