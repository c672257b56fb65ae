/** The P4Runtime clients in Go, Java and Rust that stand in folders beside this one; install.sh fetches their libraries. */
import { execFile, execFileSync, type ExecFileOptions } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './clients.js';
import type { Runner } from './script.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const PROTO = join(ROOT, 'p4runtime/proto');

/** buf of the development dependencies: no client needs a protoc that is installed. */
const buf = (options: ExecFileOptions, ...args: string[]) =>
  run(process.execPath, [join(dirname(require.resolve('@bufbuild/buf/package.json')), 'bin/buf'), ...args], options);

interface Language {
  readonly name: 'Go' | 'Java' | 'Rust';
  /** What must be on the path, with arguments that only say its version. */
  readonly tool: readonly [string, string];
  /** In its folder; fixes the version of every library. */
  readonly lock: string;
  /** Without a network. */
  build(folder: string): Promise<unknown>;
  command(folder: string): readonly [string, ...string[]];
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'Go',
    tool: ['go', 'version'],
    lock: 'go.sum',
    build: async (folder) => {
      const env = { ...process.env, GOPROXY: 'off', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' };
      const options = { cwd: folder, env };
      await buf(options, 'generate', PROTO, '--exclude-path', join(PROTO, 'google'));
      await run('go', ['build', '-o', 'target/client', '.'], options);
    },
    command: (folder) => [join(folder, 'target/client')],
  },
  {
    name: 'Java',
    tool: ['mvn', '--version'],
    lock: 'pom.xml',
    build: (folder) => run('mvn', ['--batch-mode', '--quiet', '--offline', 'compile'], { cwd: folder }),
    command: (folder) => [
      'java',
      // A short run is dominated by its start.
      '-XX:TieredStopAtLevel=1',
      '-cp',
      [join(folder, 'target/classes'), join(folder, 'target/lib/*')].join(delimiter),
      'Main',
    ],
  },
  {
    name: 'Rust',
    tool: ['cargo', '--version'],
    lock: 'Cargo.lock',
    build: async (folder) => {
      mkdirSync(join(folder, 'target'), { recursive: true });
      await buf({ cwd: folder }, 'build', PROTO, '-o', 'target/p4runtime.binpb');
      await run('cargo', ['build', '--quiet', '--offline', '--locked'], { cwd: folder });
    },
    command: (folder) => [join(folder, 'target/debug/p4runtime-client')],
  },
];

export interface CompiledClient extends Runner {
  readonly name: Language['name'];
  /** For titles of tests: empty, or why they are skipped. */
  readonly missing: string;
  /** @throws with what the compiler said */
  build(): Promise<void>;
}

/** Of the text that a client's libraries were fetched for. */
function hasFetched(folder: string, lock: string): boolean {
  try {
    return readFileSync(join(folder, 'target/fetched'), 'utf8') === readFileSync(join(folder, lock), 'utf8');
  } catch {
    return false;
  }
}

function client(language: Language): CompiledClient {
  const folder = join(ROOT, 'test/clients', language.name.toLowerCase());
  let missing = '';
  try {
    execFileSync(language.tool[0], language.tool.slice(1), { stdio: 'ignore' });
    if (!hasFetched(folder, language.lock))
      missing = ` (skipped: the libraries of the client in ${language.name} are not fetched; test/clients/install.sh does it)`;
  } catch {
    missing = ` (skipped: there is no ${language.tool[0]} on the path)`;
  }
  return {
    name: language.name,
    missing,
    build: async () => {
      await language.build(folder);
    },
    command: (scenario) => [...language.command(folder), scenario],
  };
}

export const compiled: readonly CompiledClient[] = LANGUAGES.map(client);
