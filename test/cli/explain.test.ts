/** `fpisa switch --explain`, which needs no ports and ends by itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loop, program, read, scalar, write } from '../emulator/compiler/vector/programs.js';
import { ROOT } from './support/built.js';
import { expectFailure, fpisa, onlyJson, scratch } from './support/command.js';

const BUILD = join(ROOT, 'p4/build/fpisa-n64.json');
const explain = (file: string, ...more: string[]): ReturnType<typeof fpisa> =>
  fpisa('switch', '--explain', '--program', file, ...more);

describe('fpisa switch --explain', () => {
  it('says that the loops of the fpisa program run on vectors, and its copies in blocks', async () => {
    const { code, stderr, stdout } = await explain(BUILD);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('loop'))).toEqual(
      ['accumulate.add_floats', 'accumulate.add_integers', 'read_out.read_floats', 'read_out.read_integers'].map(
        (name) => `loop in FpisaIngress.service.elements.${name}: vector code`,
      ),
    );
    expect(lines).toContain('block of 64 words: values.v00 to fpisa.words[0]');
    expect(lines).toContain('block of 64 words: packet to values.v00');
  });

  it('says why a loop does not', async () => {
    const file = join(scratch(), 'loops.json');
    writeFileSync(file, program(loop(8, [write('r1', scalar('i'), scalar('t0')), read('t0', 'r0', scalar('i'))])));
    const { stdout } = await explain(file);
    expect(stdout).toBe('loop in loop0: no vector code: field scalars.t0 goes from one pass to the next\n');
  });

  it('as JSON', async () => {
    const report = onlyJson(await explain(BUILD, '--json')) as { loops: object[]; moves: object[] };
    expect(report).toMatchObject({ ok: true, program: BUILD });
    expect(report.loops).toHaveLength(4);
    expect(report.loops[0]).toEqual({
      action: 'FpisaIngress.service.elements.accumulate.add_floats',
      vectorised: true,
    });
    expect(report.moves).toContainEqual({ from: 'fpisa.words[0]', to: 'values.v00', words: 64 });
  });

  it('says which file is wrong', async () => {
    expectFailure(await explain('nowhere.json'), 5, /nowhere.json cannot be read/);
    expectFailure(await explain(join(ROOT, 'package.json')), 5, /is not a program for this switch/);
  });

  it('refuses options of a running switch', async () => {
    expectFailure(await fpisa('switch', '--explain'), 2, /--explain needs --program/);
    expectFailure(await explain(BUILD, '--ports', '3'), 2, /--explain starts no switch.*leave out --ports/);
  });
});
