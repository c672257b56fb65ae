import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with one plain line for machines, and lists what was skipped and why. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else {
          count.skipped++;
          const result = test.result();
          const note = 'note' in result && result.note ? `: ${result.note}` : '';
          console.log(`skipped ${test.fullName}${note}`);
        }
      }
      if (module.state() === 'failed' && module.errors().length > 0) count.failed++;
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}
