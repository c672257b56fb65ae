import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSuiteFolder } from '../emulator/conformance/suite-folder.js';
import { ROOT } from './support/built.js';
import { Command, expectFailure, fpisa, onlyJson, scratch, type Ended } from './support/command.js';

const program = (name: string): string => join(ROOT, 'test/emulator/programs', name);

describe('fpisa stf PROGRAM TEST', () => {
  it('runs a test that passes', async () => {
    const ended = await fpisa('stf', program('tables.json'), program('tables.stf'));
    expect(ended).toEqual({ code: 0, signal: null, stderr: '', stdout: 'pass: 4 packet(s) sent, 4 expected\n' });
    expect(onlyJson(await fpisa('stf', program('copies.json'), program('copies.stf'), '--json'))).toEqual({
      ok: true,
      passed: true,
      failures: [],
      packets: 2,
      expectations: 4,
    });
  });

  it('names what is not as expected, and fails', async () => {
    const test = join(scratch(), 'wrong.stf');
    writeFileSync(test, 'packet 2 03 0000 00000000 00 00\nexpect 1 04\n');
    const ended = await fpisa('stf', program('tables.json'), test);
    expect(ended).toMatchObject({
      code: 1,
      stderr: '',
      stdout:
        'FAIL  line 2: packet 1 on port 1 differs at digit 1: 030000000000000004, expected 04\nfail: 1 packet(s) sent, 1 expected\n',
    });
    const json = await fpisa('stf', program('tables.json'), test, '--json');
    expect(json.code).toBe(1);
    expect(onlyJson(json)).toMatchObject({ ok: false, failures: [expect.stringContaining('line 2')] });
  });

  it('shows the way of every packet', async () => {
    const { stdout } = await fpisa('stf', program('tables.json'), program('tables.stf'), '--trace');
    expect(stdout.match(/^packet of \d+ bytes received on port 2$/gm)).toHaveLength(4);
    expect(stdout).toContain('table ingress_.exact_ [h.key.a=0x1 h.key.b=0x2] hit');
  });

  it('says which file is wrong', async () => {
    const bad = join(scratch(), 'bad');
    writeFileSync(bad, 'fly 3');
    expectFailure(await fpisa('stf', program('tables.json'), bad), 5, /bad: line 1: no command "fly" \(valid: packet/);
    expectFailure(await fpisa('stf', bad, program('tables.stf')), 5, /bad: the program: it is not JSON/);
    expectFailure(await fpisa('stf', program('tables.json'), 'nowhere.stf'), 5, /test nowhere.stf cannot be read/);
  });

  it.each([
    ['', /give a program and its STF file, or --suite FOLDER/],
    ['only.json', /give a program and its STF file/],
    ['a.json --suite folder', /give no program with it/],
    ['--suite folder --trace', /--trace is for one test/],
    ['--engine turbo a b', /choices are interpreter, compiled/],
  ])('wrong arguments: %s', async (line, message) => {
    expectFailure(await fpisa('stf', ...line.split(' ').filter((word) => word !== '')), 2, message);
  });
});

describe('fpisa stf --suite', () => {
  const suite = (failing: boolean, ...more: string[]): Promise<Ended> => {
    const { testdata, bin } = makeSuiteFolder(failing);
    // Its own cache: the temporary folder of the process.
    return new Command(['stf', '--suite', testdata, ...more], {
      env: { PATH: `${bin}:${process.env['PATH']}`, TMPDIR: scratch() },
    }).ended;
  };

  it('prints a table, and fails if a core program does', async () => {
    const { code, stdout, stderr } = await suite(true);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^does not compile {2}p4_16_samples\/broken-bmv2: broken-bmv2\.p4\(1\): .*Unexpected$/m);
    expect(stdout).toMatch(/^FAIL {2}p4_16_samples\/wrong-bmv2: port 1: 0 packet\(s\) left, expected 1$/m);
    expect(stdout).toMatch(/^core: what p4c runs on BMv2 +2 +1 +1 +4$/m);
    expect(stdout).toMatch(/^P4_14 +0 +0 +1 +1$/m);
    expect(stdout).toMatch(/^ *1 {2}architecture: PSA$/m);
    expect(stdout).toMatch(
      /^NOT OK: 2 of 4 core programs pass; engine interpreter, p4c 9\.9\.9 \(stand-in\), \d+ s\n$/m,
    );
  });

  it('is one JSON object with --json', async () => {
    const ended = await suite(false, '--json', '--jobs', '1');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(onlyJson(ended)).toEqual({
      ok: true,
      compiler: 'p4c 9.9.9 (stand-in)',
      engine: 'interpreter',
      elapsedMs: expect.any(Number) as number,
      core: { pass: 2, fail: 0, doesNotCompile: 0, total: 2 },
      parserInlineOpt: { pass: 1, fail: 0, doesNotCompile: 0, total: 1 },
      predication: { pass: 1, fail: 0, doesNotCompile: 0, total: 1 },
      p4_14: { pass: 0, fail: 0, doesNotCompile: 1, total: 1 },
      failures: [
        {
          group: 'p4_14',
          program: 'p4_14_samples/old',
          outcome: 'does not compile',
          reasons: [expect.stringContaining('Illegal language version 14')],
        },
      ],
      excluded: expect.arrayContaining([
        { program: 'p4_16_samples/extern-funcs-bmv2', reason: 'needs a C++ module that is loaded into simple_switch' },
      ]) as unknown,
    });
  });

  it('says what is missing without p4c', async () => {
    const { testdata } = makeSuiteFolder(false);
    expectFailure(
      await new Command(['stf', '--suite', testdata], { env: { PATH: scratch() } }).ended,
      2,
      /"p4c" cannot be started: install the P4 compiler/,
    );
  });
});
