import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environment } from '../../../net/environment.js';
import {
  CompilerMissingError,
  ENGINE_NAMES,
  engineNamed,
  findSuite,
  P4c,
  runSuite,
  SuiteError,
  type CaseResult,
} from '../../../emulator/index.js';
import { installedVersion } from '../support/programs.js';
import { makeSuiteFolder } from './suite-folder.js';

const cache = (): string => mkdtempSync(join(tmpdir(), 'p4c-cache-'));

describe('finding the suite', () => {
  it("sorts programs as p4c's own build does, and excludes with a reason", async () => {
    const { testdata } = makeSuiteFolder(true);
    const { cases, excluded } = await findSuite(testdata);
    expect(cases.map(({ group, program, options }) => [group, program, options.join(' ')])).toEqual([
      ['core', 'p4_16_samples/broken-bmv2', ''],
      ['predication', 'p4_16_samples/predication_issue', ''],
      ['core', 'p4_16_samples/tables-bmv2', ''],
      ['core', 'p4_16_samples/wrong-bmv2', ''],
      ['core', 'p4_16_samples/parser-inline/copies', ''],
      ['parser-inline-opt', 'p4_16_samples/parser-inline/copies', '--parser-inline-opt'],
      ['p4_14', 'p4_14_samples/old', '--std p4-14'],
    ]);
    expect(excluded).toEqual([
      { program: 'p4_16_samples/extern-funcs-bmv2', reason: 'needs a C++ module that is loaded into simple_switch' },
      { program: 'p4_16_samples/kernel', reason: 'architecture: eBPF' },
      { program: 'p4_16_samples/orphan-bmv2', reason: 'there is no program with this name' },
      { program: 'p4_16_samples/other-bmv2', reason: 'architecture: PSA' },
    ]);
  });

  it('takes testdata, the folder above it, and p4_16_samples', async () => {
    const { testdata } = makeSuiteFolder(false);
    const all = await findSuite(testdata);
    expect(await findSuite(dirname(testdata))).toEqual(all);
    expect(await findSuite(join(testdata, 'p4_16_samples'))).toEqual(all);
    await expect(findSuite(join(testdata, 'p4_14_samples'))).rejects.toThrow(SuiteError);
    await expect(findSuite('nowhere')).rejects.toThrow(/nowhere is not p4c's test data: it should be "testdata"/);
  });
});

describe('running the suite', () => {
  it('counts passes, failures and what does not compile apart', async () => {
    const { testdata, bin } = makeSuiteFolder(true);
    const seen: CaseResult[] = [];
    const report = await runSuite(await findSuite(testdata), await P4c.find(cache(), join(bin, 'p4c')), {
      jobs: 2,
      onResult: (result) => seen.push(result),
    });
    expect(report).toMatchObject({ ok: false, compiler: 'p4c 9.9.9 (stand-in)' });
    expect(report.scores).toEqual({
      core: { pass: 2, fail: 1, doesNotCompile: 1, total: 4 },
      'parser-inline-opt': { pass: 1, fail: 0, doesNotCompile: 0, total: 1 },
      predication: { pass: 1, fail: 0, doesNotCompile: 0, total: 1 },
      p4_14: { pass: 0, fail: 0, doesNotCompile: 1, total: 1 },
    });
    expect(report.results.filter(({ outcome }) => outcome !== 'pass')).toEqual([
      {
        group: 'core',
        program: 'p4_16_samples/broken-bmv2',
        outcome: 'does not compile',
        reasons: ['broken-bmv2.p4(1): [--Werror=type-error] error: Unexpected'],
      },
      {
        group: 'core',
        program: 'p4_16_samples/wrong-bmv2',
        outcome: 'fail',
        reasons: ['port 1: 0 packet(s) left, expected 1'],
      },
      {
        group: 'p4_14',
        program: 'p4_14_samples/old',
        outcome: 'does not compile',
        reasons: ['[--Werror=invalid] error: Illegal language version 14'],
      },
    ]);
    expect(seen).toHaveLength(7);
  });

  it('is well when the core passes, whatever the other groups do', async () => {
    const { testdata, bin } = makeSuiteFolder(false);
    const report = await runSuite(await findSuite(testdata), await P4c.find(cache(), join(bin, 'p4c')), { jobs: 1 });
    expect(report).toMatchObject({ ok: true, scores: { core: { pass: 2, total: 2 }, p4_14: { pass: 0, total: 1 } } });
  });

  it('counts a program that does not load, or a test that cannot be read, as a failure', async () => {
    const { testdata, bin } = makeSuiteFolder(false);
    writeFileSync(join(testdata, 'p4_16_samples/tables-bmv2.json'), '{}');
    // Another program than the other one with these contents, for the cache.
    writeFileSync(join(testdata, 'p4_16_samples/tables-bmv2.p4'), '#include <v1model.p4>');
    writeFileSync(join(testdata, 'p4_16_samples/parser-inline/copies.stf'), 'fly away');
    const report = await runSuite(await findSuite(testdata), await P4c.find(cache(), join(bin, 'p4c')), { jobs: 1 });
    expect(report.scores.core).toEqual({ pass: 0, fail: 2, doesNotCompile: 0, total: 2 });
    expect(report.results.map(({ reasons }) => reasons.join()).join('\n')).toMatch(/line 1: no command "fly"/);
  });

  it('ends when it is told to', async () => {
    const { testdata, bin } = makeSuiteFolder(false);
    const reason = new Error('enough');
    await expect(
      runSuite(await findSuite(testdata), await P4c.find(cache(), join(bin, 'p4c')), {
        jobs: 1,
        signal: AbortSignal.abort(reason),
      }),
    ).rejects.toBe(reason);
  });
});

describe('p4c', () => {
  it('compiles once what it is given twice, until the source or a file that it includes changes', async () => {
    const { testdata, bin, calls } = makeSuiteFolder(false);
    const source = join(testdata, 'p4_16_samples/tables-bmv2.p4');
    writeFileSync(source, '#include <v1model.p4>\n#include "common.p4"\n');
    writeFileSync(join(dirname(source), 'common.p4'), 'first');
    const directory = cache();
    const compiler = await P4c.find(directory, join(bin, 'p4c'));
    const json = await compiler.compile(source);
    expect([await compiler.compile(source), calls()]).toEqual([json, 1]);
    expect([await (await P4c.find(directory, join(bin, 'p4c'))).compile(source), calls()]).toEqual([json, 1]);
    await compiler.compile(source, ['--parser-inline-opt']);
    expect(calls()).toBe(2);
    writeFileSync(join(dirname(source), 'common.p4'), 'second');
    await compiler.compile(source);
    expect(calls()).toBe(3);
  });

  it('may be asked for one thing many times at once', async () => {
    const { testdata, bin } = makeSuiteFolder(false);
    const compiler = await P4c.find(cache(), join(bin, 'p4c'));
    const source = join(testdata, 'p4_16_samples/tables-bmv2.p4');
    const made = await Promise.all(Array.from({ length: 8 }, () => compiler.compile(source)));
    expect(new Set(made).size).toBe(1);
  });

  it('says how to get it when it is missing', async () => {
    await expect(P4c.find(cache(), 'no-such-p4c')).rejects.toThrow(CompilerMissingError);
    await expect(P4c.find(cache(), 'no-such-p4c')).rejects.toThrow(
      /"no-such-p4c" cannot be started: install the P4 compiler .* and put it on PATH/,
    );
  });
});

const folder = environment('FPISA_P4C_TESTDATA');
const reason =
  folder === undefined
    ? 'FPISA_P4C_TESTDATA does not name the "testdata" of p4c\'s sources'
    : installedVersion() === undefined
      ? 'p4c is not on PATH'
      : undefined;

describe(`p4c's own tests${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it.skipIf(reason !== undefined).each(ENGINE_NAMES)(
    'every program that p4c runs on BMv2 passes, engine %s',
    { timeout: 1_800_000 },
    async (name) => {
      expect(existsSync(folder!)).toBe(true);
      const compiler = await P4c.find(join(tmpdir(), `p4c-json-${userInfo().username}`));
      const { scores, results } = await runSuite(await findSuite(folder!), compiler, {
        jobs: availableParallelism(),
        switchOptions: { engine: await engineNamed(name) },
      });
      expect(results.filter(({ group, outcome }) => outcome !== 'pass' && group !== 'p4_14')).toEqual([]);
      expect(scores.core).toMatchObject({ pass: 200, total: 200 });
      expect(scores.p4_14.fail).toBe(0);
    },
  );
});
