import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with what was skipped, by reason, and one plain line for machines: the last that vitest prints. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const line of summary(modules)) console.log(line);
  }
}

/** What the reporter needs of a module. */
type Module = Pick<TestModule, 'state' | 'errors' | 'relativeModuleId'> & {
  readonly children: { allTests(): Iterable<Test> };
};
interface Test {
  readonly fullName: string;
  result(): { readonly state: string; readonly note?: string | undefined };
}

const NO_REASON = 'no reason given';

export function summary(modules: readonly Module[]): string[] {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const skipped = new Map<string, string[]>();
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state, note } = test.result();
      if (state === 'passed') count.passed++;
      else if (state === 'failed') count.failed++;
      else {
        count.skipped++;
        const { reason, name } = reasonOf(test.fullName, note);
        const names = skipped.get(reason);
        const line = `  ${module.relativeModuleId}: ${name}`;
        if (names === undefined) skipped.set(reason, [line]);
        else names.push(line);
      }
    }
    if (module.state() === 'failed' && module.errors().length > 0) count.failed++;
  }
  return [
    ...[...skipped].flatMap(([reason, names]) => ['', `skipped ${names.length}: ${reason}`, ...names]),
    '',
    `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`,
  ];
}

/**
 * The note of `skip()`, or what stands in parentheses in the name of the test or of its suite, as in
 * "on BMv2 (skipped: simple_switch_grpc is not on PATH)".
 */
function reasonOf(fullName: string, note: string | undefined): { reason: string; name: string } {
  if (note) return { reason: note, name: fullName };
  const named = / ?\(skipped: ((?:[^()]|\([^()]*\))*)\)/.exec(fullName);
  if (named !== null) return { reason: named[1]!, name: fullName.replace(named[0], '') };
  const remark = [...fullName.matchAll(/\(((?:[^()]|\([^()]*\))*)\)/g)].at(-1)?.[1];
  return { reason: remark ?? NO_REASON, name: fullName };
}
