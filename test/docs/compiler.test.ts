/** What docs/compiler.md shows of the router's action is what the compiler makes of it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { actionName, addAction } from '../../emulator/compiler/action.js';
import { loadBinaryen } from '../../emulator/compiler/binaryen.js';
import { OPTIMIZE_LEVEL } from '../../emulator/compiler/module.js';
import { Unit } from '../../emulator/compiler/unit.js';
import type { ActionDef, Program } from '../../emulator/json/program.js';
import { loadProgram } from '../../emulator/json/load.js';
import { DEFAULT_DROP_PORT } from '../../emulator/limits.js';
import { Layout } from '../../emulator/machine/layout.js';
import { programJson } from '../emulator/support/programs.js';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const page = read('docs/compiler.md');
const json = programJson('router');
const program = loadProgram(json);
const layout = new Layout(program);
const action = program.actions.find(({ name }) => name.endsWith('ipv4_forward'))!;

function shown(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(page)![1]!;
}

/** The text of the function of an action in a module that has nothing else that is used. */
async function textOf(of: ActionDef, from: Program): Promise<string> {
  const b = await loadBinaryen();
  const unit = new Unit(b, from, layout, DEFAULT_DROP_PORT);
  const name = actionName(of);
  try {
    addAction(of, unit);
    unit.m.addFunctionExport(name, name);
    b.setOptimizeLevel(OPTIMIZE_LEVEL);
    b.setShrinkLevel(0);
    unit.m.optimize();
    const lines = unit.m.emitText().split('\n');
    const start = lines.findIndex((line) => line.startsWith(` (func $${name} `));
    const end = lines.indexOf(' )', start);
    return lines
      .slice(start, end + 1)
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  } finally {
    unit.m.dispose();
  }
}

describe('docs/compiler.md', () => {
  it('shows the action as it stands in the program', () => {
    expect(read('test/emulator/programs/router.p4')).toContain(shown('p4'));
  });

  it('shows a primitive as p4c writes it', () => {
    const { actions } = JSON.parse(json) as { actions: { name: string; primitives: unknown[] }[] };
    const { primitives } = actions.find(({ name }) => name.endsWith('ipv4_forward'))!;
    expect(primitives[3]).toEqual(JSON.parse(shown('json')));
  });

  it('shows where values lie', () => {
    const place = (name: string): string => {
      const [header, field] = name.split('.');
      const found = program.headers.find((h) => h.name === header)!.fields.find((f) => f.name.endsWith(field!))!;
      const { offset, kind } = layout.fields[found.index]!;
      return `| \`${name}\` | frame + ${offset} | ${kind} |`;
    };
    for (const name of ['standard_metadata.egress_spec', 'ethernet.dstAddr', 'ethernet.srcAddr', 'ipv4.ttl'])
      expect(page).toContain(place(name));
    action.params.forEach(({ name }, i) => {
      const { offset, kind } = layout.params[action.index]![i]!;
      expect(page).toContain(`| argument \`${name}\` | arguments + ${offset} | ${kind} |`);
    });
    const [{ packets, bytes }] = layout.counters as [{ packets: number; bytes: number }];
    expect(page).toContain(`packets | ${packets} + 8`);
    expect(page).toContain(`bytes | ${bytes} + 8`);
  });

  it('shows the function that the compiler makes of the action', async () => {
    expect(await textOf(action, program)).toBe(shown('wat'));
  });
});
