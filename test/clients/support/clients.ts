/** The Python interpreters with p4runtime-shell and finsy, which install.sh makes. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../../../net/environment.js';
import type { Runner } from './script.js';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Client extends Runner {
  readonly name: 'p4runtime-shell' | 'finsy';
  /** For titles of tests: empty, or why they are skipped. */
  readonly missing: string;
}

/** @param module that must be importable. */
function client(name: Client['name'], module: string): Client {
  const python = resolve(ROOT, environment('FPISA_TEST_VENVS') ?? '.venv', name, 'bin/python');
  const command: Client['command'] = (script) => [python, join(ROOT, 'test/clients/scripts', script)];
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return { name, command, missing: '' };
  } catch {
    return {
      name,
      command,
      missing: ` (skipped: ${name} is not installed; test/clients/install.sh does it)`,
    };
  }
}

export const shell = client('p4runtime-shell', 'p4runtime_sh.shell');
export const finsy = client('finsy', 'finsy');
