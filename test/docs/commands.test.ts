/** Every command in README.md and docs/ is run here, verbatim. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../support/free-ports.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Ports that the pages name; a test must not depend on their being free. The last one follows the one before, as for --base-port. */
const PORTS = [9559, 9600, 47001, 47002];

/** Commands that this run is itself a part of, and their replacements. */
const STAND_INS: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'npm start',
  'npm ci && npm test': 'true',
};

function blocks(page: string): string[] {
  return [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) =>
    block!.trim(),
  );
}

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('commands of the documentation', () => {
  let directory: string;
  beforeAll(() => {
    // A folder that looks like a checkout, so that what the commands write does not land in this one.
    directory = mkdtempSync(join(tmpdir(), 'fpisa-docs-'));
    for (const name of [
      'package.json',
      'bench',
      'bin',
      'dist',
      'p4',
      'protocol',
      'p4runtime',
      'node_modules',
      'examples',
    ]) {
      symlinkSync(join(ROOT, name), join(directory, name));
    }
    // npx takes seconds to find the command; that is npm's code, not ours.
    writeFileSync(
      join(directory, 'npx'),
      `#!/bin/sh\n[ "$1" = fpisa ] || { echo "npx $1 is not part of this project" >&2; exit 1; }\nshift\nexec node "${ROOT}bin/fpisa.js" "$@"\n`,
    );
    chmodSync(join(directory, 'npx'), 0o755);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(pages)('%s', { timeout: 300_000 }, async (page) => {
    const ports = await freePorts(PORTS.length);
    const script = blocks(page)
      .map((block) => STAND_INS[block] ?? block)
      .map((block) =>
        block.replace(new RegExp(`\\b(${PORTS.join('|')})\\b`, 'g'), (port) =>
          String(ports[PORTS.indexOf(Number(port))]),
        ),
      )
      .join('\n');
    // The trap ends background processes when a command fails.
    const child = spawn('bash', ['-e', '-c', `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`], {
      cwd: directory,
      env: {
        ...process.env,
        PATH: `${directory}:${process.env['PATH']}`,
        FPISA_CONTROLLER: `127.0.0.1:${ports[PORTS.indexOf(9600)]}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code, output).toBe(0);
    expect(output).not.toMatch(/^fpisa: /m);
  });
});
