/**
 * Random SQL over random data, answered through the switch and by DuckDB alone: the answers must be the same, bit for
 * bit except where a query leaves a choice or the order in which rounded numbers are added.
 *
 *     npm run build && node dist/fuzz/queries.js [--queries 10000] [--seed 1] [--sites 4] [--only KIND] [--show]
 *
 * Everything runs in this process: the switch, a master and its workers. `--show` prints every query.
 */
import { parseArgs } from 'node:util';
import { Random } from '../net/random.js';
import { TOLERANCE, verifyAnswer, type PlanOptions } from '../query/index.js';
import { runAsCommand, wholeNumber } from '../scripts/arguments.js';
import { differenceOf, isSameInPlace } from './queries/compare.js';
import { FuzzSite, type SiteOptions } from './queries/site.js';
import { randomQuery, type FuzzedQuery } from './queries/statements.js';

/** Queries over the same tables. */
const PER_SITE = 250;
const MAX_SITES = 16;
const REPORT_EVERY_MS = 60_000;
const SHOWN_DIFFERENCES = 20;

export interface QueryFuzzOptions {
  readonly queries: number;
  readonly seed: number;
  /** How many sites run at a time: each of them mostly waits. */
  readonly sites?: number;
  readonly only?: string;
  readonly tamper?: SiteOptions['tamper'];
  readonly onDifference?: (text: string) => void;
  readonly onQuery?: (sql: string, soFar: QueryFuzzReport) => void;
}

export interface QueryFuzzReport {
  queries: number;
  /** In whose plan the switch has a part, and of those the ones of which it kept or dropped something. */
  withSwitch: number;
  absorbing: number;
  /** That neither way answers. */
  refused: number;
  /** Of several right answers the two ways gave different ones, and no rule says whether both are right. */
  undecided: number;
  /** Steps of the plans, by the switch's operator. */
  readonly kinds: Map<string, { queries: number; withSwitch: number }>;
  readonly differences: string[];
}

export async function fuzzQueries(options: QueryFuzzOptions): Promise<QueryFuzzReport> {
  const report: QueryFuzzReport = {
    queries: 0,
    withSwitch: 0,
    absorbing: 0,
    refused: 0,
    undecided: 0,
    kinds: new Map(),
    differences: [],
  };
  let started = 0;
  let seed = options.seed;
  const worker = async (): Promise<void> => {
    while (started < options.queries) {
      const count = Math.min(PER_SITE, options.queries - started);
      started += count;
      await fuzzSite(seed++, count, options, report);
    }
  };
  await Promise.all(Array.from({ length: options.sites ?? 1 }, worker));
  return report;
}

async function fuzzSite(
  seed: number,
  count: number,
  { only, tamper, onDifference, onQuery }: QueryFuzzOptions,
  report: QueryFuzzReport,
): Promise<void> {
  const dice = new Random(seed);
  // One build of the query program for all queries of a site: loading the other takes longer than a query.
  const lanes = dice.pick([2, 6]);
  const site = await FuzzSite.open({
    seed,
    workers: dice.between(1, 3),
    groupSlots: dice.pick([2, 8, 1024]),
    tamper,
  });
  try {
    for (let n = 0; n < count;) {
      const query = randomQuery(dice);
      if (only !== undefined && !query.kind.includes(only)) continue;
      n++;
      onQuery?.(query.sql, report);
      const plan = { combine: dice.oneIn(2), lanes, topLimit: dice.pick([3, 1024]) };
      const difference = await check(site, query, plan, report);
      if (difference === undefined) continue;
      const text = `seed ${seed}, ${JSON.stringify(plan)}: ${query.sql}\n    ${difference}`;
      report.differences.push(text);
      onDifference?.(text);
    }
  } finally {
    await site.close();
  }
}

/** @returns what differs */
async function check(
  site: FuzzSite,
  query: FuzzedQuery,
  plan: PlanOptions,
  report: QueryFuzzReport,
): Promise<string | undefined> {
  const kind = report.kinds.get(query.kind) ?? { queries: 0, withSwitch: 0 };
  report.kinds.set(query.kind, kind);
  report.queries++;
  kind.queries++;
  const [got, wanted] = await Promise.all([failing(site.run(query.sql, plan)), failing(site.alone(query.sql))]);
  if (wanted instanceof Error) {
    report.refused++;
    return got instanceof Error ? undefined : `an answer instead of the error: ${wanted.message}`;
  }
  if (got instanceof Error) return `the error: ${got.message}`;
  if (got.plan.steps.length > 0) {
    report.withSwitch++;
    kind.withSwitch++;
  }
  if (got.statistics.absorbed > 0) report.absorbing++;
  const abandoned = got.notPushed.find((reason) => /abandoned/.test(reason));
  if (abandoned !== undefined) return abandoned;
  if (isSameInPlace(query, got.reader, wanted)) return undefined;
  const difference = differenceOf(query, got.reader, wanted);
  if (query.isOrdered || (difference !== undefined && !query.hasChoice)) return difference;
  const verdict = await verifyAnswer(query.sql, site.tables, got.reader, TOLERANCE.fp64, 'UTC');
  if (verdict.unverifiable !== undefined) report.undecided++;
  return verdict.difference;
}

function failing<T>(work: Promise<T>): Promise<T | Error> {
  return work.catch((error: unknown) => error as Error);
}

export function summary({
  queries,
  withSwitch,
  absorbing,
  refused,
  undecided,
  kinds,
  differences,
}: QueryFuzzReport): string {
  return [
    `${queries} queries, ${withSwitch} of them with a part for the switch, which kept or dropped tuples of ${absorbing}; ${refused} that DuckDB refuses, ${undecided} with a choice that no rule decides`,
    ...[...kinds].map(([kind, counts]) => `  ${kind}: ${counts.queries}, ${counts.withSwitch} with the switch`),
    `differences: ${differences.length}`,
    ...differences.slice(0, SHOWN_DIFFERENCES).map((each) => `  ${each}`),
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      queries: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      sites: { type: 'string', default: '4' },
      only: { type: 'string' },
      show: { type: 'boolean', default: false },
    },
  });
  let reported = Date.now();
  const report = await fuzzQueries({
    queries: wholeNumber('queries', values.queries, 1),
    seed: wholeNumber('seed', values.seed, 0),
    sites: wholeNumber('sites', values.sites, 1, MAX_SITES),
    ...(values.only !== undefined && { only: values.only }),
    onDifference: (text) => void process.stderr.write(`${text}\n`),
    onQuery: (sql, soFar) => {
      if (values.show) process.stdout.write(`${sql}\n`);
      if (Date.now() - reported < REPORT_EVERY_MS) return;
      reported = Date.now();
      process.stderr.write(`${soFar.queries} queries, ${soFar.differences.length} differences\n`);
    },
  });
  process.stdout.write(`${summary(report)}\n`);
  return report.differences.length > 0 ? 1 : 0;
}

await runAsCommand(import.meta.url, main);
