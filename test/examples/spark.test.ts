/** examples/spark: rows of Spark's executors through the switch, and the answer of Spark alone. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environment } from '../../net/environment.js';
import { ROOT } from '../cli/support/built.js';
import { onEnd } from '../cli/support/command.js';
import { run } from './support/run.js';

const PATIENCE_MS = 240_000;
const python =
  environment('FPISA_TEST_SPARK_PYTHON') ??
  resolve(ROOT, environment('FPISA_TEST_VENVS') ?? '.venv', 'spark/bin/python');

function reasonToSkip(): string {
  try {
    execFileSync(python, ['-c', 'import pyspark, pyarrow, pandas'], { stdio: 'ignore' });
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (skipped: no PySpark with pyarrow and pandas, or no Java; FPISA_TEST_SPARK_PYTHON names an interpreter that has them)';
  }
}

const skipped = reasonToSkip();
const fpisa = `${process.execPath} ${join(ROOT, 'bin/fpisa.js')}`;
const compare = (...args: string[]): ReturnType<typeof run> =>
  run(python, [join(ROOT, 'examples/spark/compare.py'), '--fpisa', fpisa, ...args], onEnd);

describe(`Spark's executors as workers${skipped}`, () => {
  it.skipIf(skipped !== '')(
    'give the answer of Spark alone',
    async () => {
      const { code, stdout, stderr } = await compare();
      expect([code, stderr.includes('FpisaError')]).toEqual([0, false]);
      expect(stdout).toContain('through the switch: 1000 rows');
      expect(stdout).toContain('the same answer');
    },
    PATIENCE_MS,
  );

  it.skipIf(skipped !== '')(
    'pass on what is wrong with a query',
    async () => {
      // Spark knows the function, DuckDB does not.
      const { code, stderr } = await compare('SELECT k, percentile(v, 0.5) AS p FROM sample GROUP BY k');
      expect(code).toBe(2);
      expect(stderr).toMatch(/through the switch: .*percentile/s);
    },
    PATIENCE_MS,
  );
});
