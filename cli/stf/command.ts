/** `fpisa stf`: runs tests of p4c's packet-test format on the software switch, one of them or all of p4c's own. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import {
  CompilerMissingError,
  defaultCacheFolder,
  EmulatorError,
  ENGINE_NAMES,
  engineNamed,
  findSuite,
  P4c,
  renderTrace,
  runStf,
  runSuite,
  SUITE_GROUPS,
  SuiteError,
  Switch,
  type CaseResult,
  type EngineName,
  type GroupScore,
  type SuiteReport,
  type SwitchOptions,
} from '../../emulator/index.js';
import { fileProblem } from '../../net/file-problem.js';
import { FileError, RequirementError, UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { integer, jsonOption } from '../options.js';
import { Output } from '../output.js';
import { progressBar } from '../progress.js';
import { interruption } from '../signals.js';

interface Flags {
  suite?: string;
  engine: EngineName;
  jobs: number;
  trace?: boolean;
  json?: boolean;
}

const MAX_JOBS = 256;
/** From this many on, programs that fail alike share a line. */
const MANY = 4;

export function stfCommand(): Command {
  return new Command('stf')
    .description("run an STF test of a compiled program, or p4c's whole test suite, on the software switch")
    .argument('[program]', 'BMv2 JSON that p4c wrote')
    .argument('[test]', 'STF file')
    .option('--suite <folder>', 'run all programs for v1model in p4c\'s "testdata" (docs/conformance.md)')
    .addOption(
      new Option(
        '--engine <name>',
        "what executes the programs: a test has too few packets to be worth the compiler's time",
      )
        .choices(ENGINE_NAMES)
        .default('interpreter'),
    )
    .addOption(
      new Option('-j, --jobs <number>', 'with --suite: compilers at a time')
        .argParser(integer(1, MAX_JOBS))
        .default(availableParallelism(), 'processors'),
    )
    .option('--trace', 'print a trace of every packet')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa stf router.json router.stf
  $ fpisa stf router.json router.stf --trace
  $ fpisa stf --suite p4c/testdata
  $ fpisa stf --suite p4c/testdata --json`,
    )
    .action(run);
}

async function run(program: string | undefined, test: string | undefined, flags: Flags): Promise<void> {
  const output = new Output(flags.json ?? false);
  const switchOptions = { engine: await engineNamed(flags.engine) };
  if (flags.suite !== undefined) {
    if (program !== undefined) throw new UsageError('--suite runs the tests of a folder: give no program with it');
    if (flags.trace) throw new UsageError('--trace is for one test: give a program and its STF file');
    return suite(flags.suite, flags, switchOptions, output);
  }
  if (program === undefined || test === undefined)
    throw new UsageError('give a program and its STF file, or --suite FOLDER; "fpisa stf --help" has examples');
  await single(program, test, flags, switchOptions, output);
}

async function single(
  program: string,
  test: string,
  flags: Flags,
  switchOptions: SwitchOptions,
  output: Output,
): Promise<void> {
  const json = await read('program', program);
  const text = await read('test', test);
  const target = new Switch(switchOptions);
  inFile(program, () => target.load(json));
  const result = inFile(test, () =>
    runStf(target, text, flags.trace ? { onTrace: (trace) => output.line(`${renderTrace(trace)}\n`) } : {}),
  );
  output.object({ ok: result.passed, ...result });
  for (const failure of result.failures) output.line(`FAIL  ${failure}`);
  output.line(`${result.passed ? 'pass' : 'fail'}: ${result.packets} packet(s) sent, ${result.expectations} expected`);
  if (!result.passed) process.exitCode = ExitCode.CHECK_FAILED;
}

async function suite(folder: string, flags: Flags, switchOptions: SwitchOptions, output: Output): Promise<void> {
  const signal = interruption();
  const bar = progressBar('programs', output.json);
  const started = performance.now();
  let report: SuiteReport;
  try {
    const cases = await findSuite(folder);
    const compiler = await P4c.find(join(defaultCacheFolder(), 'p4c'));
    report = await runSuite(cases, compiler, {
      jobs: flags.jobs,
      switchOptions,
      signal,
      onResult: (_, done, total) => bar.update(done / total),
    });
  } catch (error) {
    if (error instanceof SuiteError) throw new FileError(error.message);
    if (error instanceof CompilerMissingError) throw new RequirementError(error.message);
    throw error;
  } finally {
    bar.stop();
  }
  print(report, flags.engine, Math.round(performance.now() - started), output);
  if (!report.ok) process.exitCode = ExitCode.CHECK_FAILED;
}

/** What a group is called, for people and in JSON. */
const LABELS: Readonly<Record<(typeof SUITE_GROUPS)[number], readonly [key: string, title: string]>> = {
  core: ['core', 'core: what p4c runs on BMv2'],
  'parser-inline-opt': ['parserInlineOpt', 'again with --parser-inline-opt'],
  predication: ['predication', 'not run by p4c itself'],
  p4_14: ['p4_14', 'P4_14'],
};

function print(
  { ok, compiler, scores, results, excluded }: SuiteReport,
  engine: string,
  elapsedMs: number,
  output: Output,
): void {
  const failures = results.filter(({ outcome }) => outcome !== 'pass');
  const groups = Object.fromEntries(SUITE_GROUPS.map((group) => [LABELS[group][0], scores[group]]));
  output.object({ ok, compiler, engine, ...groups, failures, excluded, elapsedMs });

  for (const line of failureLines(failures)) output.line(line);
  if (failures.length > 0) output.line();
  const rows = SUITE_GROUPS.filter((group) => scores[group].total > 0).map((group) => [
    LABELS[group][1],
    ...columns(scores[group]),
  ]);
  output.table(['programs', 'pass', 'fail', 'does not compile', 'total'], rows);
  output.line();
  const reasons = new Map<string, number>();
  for (const { reason } of excluded) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  output.table(
    ['excluded', 'why'],
    [...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => [count, reason]),
  );
  output.line();
  output.line(
    `${ok ? 'OK' : 'NOT OK'}: ${scores.core.pass} of ${scores.core.total} core programs pass; engine ${engine}, ${compiler}, ${(elapsedMs / 1000).toFixed(0)} s`,
  );
}

/** One line each, but one for all that fail in the same words: a compiler without P4_14 reports it for every such program. */
function failureLines(failures: readonly CaseResult[]): string[] {
  const programs = new Map<string, string[]>();
  const lineOf =
    ({ outcome, reasons: [first = '', ...more] }: CaseResult): ((who: string) => string) =>
    (who) =>
      `${outcome === 'fail' ? 'FAIL' : outcome}  ${who}: ${first}${more.length === 0 ? '' : ` (and ${more.length} more)`}`;
  for (const failure of failures) {
    const key = lineOf(failure)(failure.group);
    programs.set(key, [...(programs.get(key) ?? []), failure.program]);
  }
  return failures.flatMap((failure) => {
    const line = lineOf(failure);
    const alike = programs.get(line(failure.group))!;
    if (alike.length < MANY) return [line(failure.program)];
    return alike[0] === failure.program
      ? [line(`${alike.length} programs of ${failure.group}, ${alike[0]} and others`)]
      : [];
  });
}

function columns({ pass, fail, doesNotCompile, total }: GroupScore): number[] {
  return [pass, fail, doesNotCompile, total];
}

async function read(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new FileError(`${what} ${path} cannot be read: ${fileProblem(error)}`);
  }
}

/** Names the file in the switch's error about it. */
function inFile<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof EmulatorError) throw new FileError(`${path}: ${error.message}`);
    throw error;
  }
}
