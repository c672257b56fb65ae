/** The Python interpreters with p4runtime-shell and finsy, which install.sh makes. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../../../net/environment.js';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Client {
  readonly name: 'p4runtime-shell' | 'finsy';
  /** Undefined when it is not installed. */
  readonly python: string | undefined;
  /** For titles of tests: empty, or why they are skipped. */
  readonly missing: string;
}

/** @param module that must be importable. */
function client(name: Client['name'], module: string): Client {
  const python = resolve(ROOT, environment('FPISA_TEST_VENVS') ?? '.venv', name, 'bin/python');
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return { name, python, missing: '' };
  } catch {
    return {
      name,
      python: undefined,
      missing: ` (skipped: ${name} is not installed; test/clients/install.sh does it)`,
    };
  }
}

export const shell = client('p4runtime-shell', 'p4runtime_sh.shell');
export const finsy = client('finsy', 'finsy');
