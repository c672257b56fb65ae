/** What is published: all that a user needs, and nothing that only this repository does. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUILD_DESCRIPTORS } from '../../protocol/builds.js';
import { QUERY_BUILDS } from '../../protocol/query/constants.js';
import { ensureBuilt, ROOT } from '../cli/support/built.js';

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

const links = (page: string): string[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !target.includes('://'))
    .map((target) => normalize(join(dirname(page), target)));

describe('the package', () => {
  let files: Set<string>;
  beforeAll(async () => {
    await ensureBuilt();
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' }),
    ) as [{ files: { path: string }[] }];
    files = new Set(packed.files.map(({ path }) => path));
  });

  it('has what its exports name, with types', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
    for (const target of Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    ))
      expect(files).toContain(normalize(target));
  });

  it('has every build that the command offers', () => {
    for (const { name } of [...BUILD_DESCRIPTORS, ...QUERY_BUILDS])
      for (const ending of ['json', 'p4info.txtpb']) expect(files).toContain(`p4/build/${name}.${ending}`);
  });

  it('has no source maps, benchmarks, fuzzers, tests, or builds for tests', () => {
    const foreign =
      /\.map$|^(dist\/)?(bench\/(?!data\/)|fuzz|test|scripts|p4\/tools)|faults\.(json|p4info)|-n1-(paper|narrow)/;
    expect([...files].filter((path) => foreign.test(path))).toEqual([]);
  });

  it('has the pages and pictures that its README and pages show', () => {
    for (const target of links('README.md')) expect(files).toContain(target);
    for (const page of readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }))
      if (page.endsWith('.md'))
        for (const target of links(join('docs', page))) {
          expect(existsSync(join(ROOT, target)), `${page}: ${target}`).toBe(true);
          if (/\.(md|svg)$/.test(target)) expect(files).toContain(target);
        }
  });
});

it('what no source stands for leaves dist/', async () => {
  const { pruneDist } = (await import(pathToFileURL(join(ROOT, 'scripts/prune-dist.mjs')).href)) as {
    pruneDist: (root: string) => void;
  };
  const root = mkdtempSync(join(tmpdir(), 'fpisa-prune-'));
  try {
    for (const path of [
      'a/kept.ts',
      'dist/a/kept.js',
      'dist/a/kept.d.ts',
      'dist/a/kept.js.map',
      'dist/a/moved.js',
      'dist/gone/moved.d.ts',
    ]) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), '');
    }
    pruneDist(root);
    expect(readdirSync(join(root, 'dist'), { recursive: true }).sort()).toEqual(['a', 'a/kept.d.ts', 'a/kept.js']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
