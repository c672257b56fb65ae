import { readFile } from 'node:fs/promises';
import { EmulatorError } from '../errors.js';
import { runStf } from '../stf/run.js';
import { Switch, type SwitchOptions } from '../switch.js';
import { CompileError, type P4c } from './p4c.js';
import { SUITE_GROUPS, type Exclusion, type Suite, type SuiteCase, type SuiteGroup } from './suite.js';

export type Outcome = 'pass' | 'fail' | 'does not compile';

export interface CaseResult {
  readonly group: SuiteGroup;
  readonly program: string;
  readonly outcome: Outcome;
  /** One sentence each; empty for a pass. */
  readonly reasons: readonly string[];
}

export interface GroupScore {
  readonly pass: number;
  readonly fail: number;
  readonly doesNotCompile: number;
  readonly total: number;
}

export interface SuiteReport {
  /** All of the core passes; the other groups do not count here. */
  readonly ok: boolean;
  readonly compiler: string;
  readonly scores: Readonly<Record<SuiteGroup, GroupScore>>;
  readonly results: readonly CaseResult[];
  readonly excluded: readonly Exclusion[];
}

export interface SuiteRunOptions {
  /** Compilers that run at the same time. */
  readonly jobs: number;
  readonly switchOptions?: SwitchOptions;
  /** Called after each program. */
  readonly onResult?: (result: CaseResult, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Compiles every program and runs its STF file on a new switch.
 * @throws the reason with which `signal` was aborted.
 */
export async function runSuite(suite: Suite, compiler: P4c, options: SuiteRunOptions): Promise<SuiteReport> {
  const results = new Array<CaseResult>(suite.cases.length);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < suite.cases.length; i = next++) {
      options.signal?.throwIfAborted();
      const result = await runCase(suite.cases[i]!, compiler, options.switchOptions);
      results[i] = result;
      options.onResult?.(result, ++done, suite.cases.length);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, work));
  const scores = Object.fromEntries(
    SUITE_GROUPS.map((group) => [group, score(results.filter((result) => result.group === group))]),
  ) as Record<SuiteGroup, GroupScore>;
  const { core } = scores;
  return {
    ok: core.total > 0 && core.pass === core.total,
    compiler: compiler.version,
    scores,
    results,
    excluded: suite.excluded,
  };
}

async function runCase(
  { group, program, source, stf, options }: SuiteCase,
  compiler: P4c,
  switchOptions: SwitchOptions | undefined,
): Promise<CaseResult> {
  let json: string;
  try {
    json = await compiler.compile(source, options);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { group, program, outcome: 'does not compile', reasons: [error.message] };
  }
  const reasons = await run(json, await readFile(stf, 'utf8'), switchOptions);
  return { group, program, outcome: reasons.length === 0 ? 'pass' : 'fail', reasons };
}

/** @returns the differences from what the test expects. */
async function run(json: string, test: string, switchOptions: SwitchOptions | undefined): Promise<readonly string[]> {
  try {
    const target = new Switch(switchOptions);
    target.load(json);
    await target.ready();
    return runStf(target, test).failures;
  } catch (error) {
    // Whatever a program makes the switch throw is a failure of that program, not the end of the suite.
    return [
      error instanceof EmulatorError
        ? error.message
        : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ];
  }
}

function score(results: readonly CaseResult[]): GroupScore {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return { pass: count('pass'), fail: count('fail'), doesNotCompile: count('does not compile'), total: results.length };
}
