/** `fpisa query`: SQL over files, aggregated and pruned in the network. */
import { Command, Option } from 'commander';
import { counted } from '../../net/count.js';
import type { QueryPlan } from '../../query/plan/plan.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import {
  collect,
  DEFAULT_P4RUNTIME,
  EXAMPLE_MASTER,
  faultOptions,
  integer,
  ipv4Address,
  jsonOption,
  listenAddress,
  macAddress,
  peerAddress,
  placeOptions,
  portAssignment,
  type FaultFlags,
  type PlaceFlags,
} from '../options.js';
import { Output } from '../output.js';
import { progressBar } from '../progress.js';
import type { AnswerMessage } from './answer.js';
import { answerOf, csvLines, tableLines } from './format.js';
import { explain, runQuery, type QueryRunResult } from './run.js';
import { interruption } from '../signals.js';
import { packageVersion } from '../../net/package-files.js';
import { queryWorkerCommand } from './worker-command.js';

interface Flags extends FaultFlags, PlaceFlags {
  data: string[];
  sample?: boolean;
  workers: number;
  explain?: boolean;
  verify?: boolean;
  combine: boolean;
  sums: 'fp64' | 'fp32';
  groupSlots?: number;
  csv?: boolean;
  p4runtime?: string;
  deviceId: number;
  port: Map<number, string>;
  serviceIp?: string;
  serviceMac?: string;
  listen?: string;
  wait: number;
  json?: boolean;
}

const MAX_WORKERS = 64;
const DEFAULT_WORKERS = 2;

export function queryCommand(): Command {
  const command = new Command('query')
    .description(
      'answer SQL over Parquet and CSV files: workers scan, the switch aggregates and prunes, the master finishes',
    )
    // Options after "worker" are the worker's, which has some of the same names.
    .enablePositionalOptions()
    .argument('[sql]', 'one SELECT statement')
    .addOption(
      new Option('-d, --data <pattern>', 'files of a table, such as lineitem*.parquet or NAME=PATTERN; repeatable')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--sample', 'also a small table sample(k, v), for a first try')
    .addOption(
      new Option('-w, --workers <number>', 'how many workers share the files')
        .argParser(integer(1, MAX_WORKERS))
        .default(DEFAULT_WORKERS),
    )
    .option('--explain', 'only print what workers, switch and master would do')
    .option('--verify', "compare the answer with DuckDB's alone")
    .option('--no-combine', 'workers send every row, and do not combine rows of a group first')
    .addOption(
      new Option('--sums <format>', 'how the switch adds floating-point values')
        .choices(['fp64', 'fp32'])
        .default('fp64'),
    )
    .addOption(
      new Option('--group-slots <number>', 'maximum number of groups that the switch keeps').argParser(
        integer(1, 65_536),
      ),
    )
    .option('--csv', 'print the answer as CSV')
    .addOption(
      new Option('--p4runtime <host:port>', 'a switch that is already running; by default one is started').argParser(
        peerAddress(DEFAULT_P4RUNTIME),
      ),
    )
    .addOption(
      new Option('--device-id <number>', 'its P4Runtime device id')
        .argParser(integer(0, Number.MAX_SAFE_INTEGER))
        .default(0),
    )
    .addOption(
      new Option(
        '--port <port=host:udpport>',
        "a port of that switch that is a UDP socket, the workers' first; repeatable",
      )
        .argParser(portAssignment)
        .default(new Map(), 'none'),
    )
    .addOption(new Option('--service-ip <address>', 'IPv4 address of the service on the switch').argParser(ipv4Address))
    .addOption(new Option('--service-mac <address>', 'its MAC address').argParser(macAddress))
    .addOption(
      new Option(
        '--listen <host:port>',
        'wait here for workers that are started elsewhere, with "fpisa query worker"',
      ).argParser(listenAddress(EXAMPLE_MASTER)),
    )
    .addOption(
      new Option('--wait <seconds>', 'how long to wait for workers').argParser(integer(1, 86_400)).default(60),
    );
  for (const option of [...placeOptions('the master'), ...faultOptions()]) command.addOption(option);
  return command
    .addOption(jsonOption())
    .addCommand(queryWorkerCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa query "SELECT k, sum(v), count(*) FROM sample GROUP BY k" --sample --verify
  $ fpisa query "SELECT l_returnflag, sum(l_quantity) FROM lineitem GROUP BY ALL" --data 'lineitem*.parquet' --workers 4
  $ fpisa query "SELECT * FROM orders ORDER BY o_totalprice DESC LIMIT 10" --data 'orders*.parquet' --explain`,
    )
    .action(run);
}

async function run(sql: string | undefined, flags: Flags, command: Command): Promise<void> {
  if (sql === undefined || sql.trim() === '')
    throw new UsageError(
      '"fpisa query" needs a SELECT statement in quotes, or the command worker; "fpisa query --help" has examples',
    );
  if (flags.csv && flags.json)
    throw new UsageError('--csv and --json both choose what the answer looks like: give one of them');
  if (
    flags.p4runtime === undefined &&
    (flags.port.size > 0 || flags.switchPort !== undefined || command.getOptionValueSource('deviceId') === 'cli')
  )
    throw new UsageError(
      '--port, --switch-port and --device-id describe a switch that is already running: name it with --p4runtime',
    );
  if (flags.p4runtime !== undefined && (flags.loss > 0 || flags.duplicate > 0 || flags.reorder > 0 || flags.delay > 0))
    throw new UsageError(
      'faults are injected by a switch that is started here: omit --p4runtime, or start that switch with them',
    );
  const output = new Output(flags.json ?? false);
  const sample = flags.sample ?? false;
  if (flags.explain) {
    printPlan(output, await explain({ ...flags, sql, sample }));
    return;
  }
  const bar = progressBar('querying', flags.json ?? false);
  const note = (text: string): void => {
    if (process.stderr.isTTY && !output.json) process.stderr.write(`${text}\n`);
  };
  try {
    const result = await runQuery({
      ...flags,
      sql,
      sample,
      verify: flags.verify ?? false,
      version: packageVersion(),
      signal: interruption(),
      onStage: note,
      onProgress: (share) => bar.update(share),
    });
    bar.stop();
    print(output, result, flags);
    if (result.verdict?.verified === false) process.exitCode = ExitCode.CHECK_FAILED;
  } finally {
    bar.stop();
  }
}

function print(
  output: Output,
  { reader, texts, statistics, notPushed, verdict }: QueryRunResult,
  { csv, workers }: Flags,
): void {
  output.object({
    ...answerOf(reader),
    ...(verdict !== undefined && {
      verified: verdict.verified,
      ...(verdict.difference !== undefined && { difference: verdict.difference }),
      ...(verdict.unverifiable !== undefined && { unverifiable: verdict.unverifiable }),
    }),
    statistics,
    notPushed,
  } satisfies AnswerMessage);
  for (const line of csv ? csvLines(reader, texts) : tableLines(reader, texts)) output.line(line);
  if (output.json) return;
  const { rowsScanned, tuplesSent, absorbed, toMaster, packets, repeats, time } = statistics;
  const lines = [
    ...notPushed.map((why) => `not pushed: ${why}`),
    `${counted(rowsScanned, 'row')} scanned by ${counted(workers, 'worker')}; ${counted(tuplesSent, 'tuple')} into the switch, of which ${absorbed} stayed there`,
    `to the master: ${counted(toMaster.groups, 'group')}, ${counted(toMaster.tuples, 'tuple')}, ${counted(toMaster.shipped + toMaster.unfit, 'row')}, ${counted(toMaster.bytes, 'byte')}; ${counted(packets, 'packet')}, ${repeats} retransmitted; ${time.total.toFixed(0)} ms`,
    ...(verdict === undefined
      ? []
      : [
          verdict.verified
            ? 'verified: DuckDB alone gives the same answer'
            : verdict.unverifiable !== undefined
              ? `cannot be verified: ${verdict.unverifiable}`
              : `NOT VERIFIED: ${verdict.difference}`,
        ]),
  ];
  for (const line of lines) process.stderr.write(`${line}\n`);
}

function printPlan(output: Output, { explanation, steps, rowSets, masterSql }: QueryPlan): void {
  // Bounds of HAVING are 64-bit numbers.
  const plain = JSON.parse(
    JSON.stringify({ explanation, steps, rowSets, masterSql }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  ) as object;
  output.object(plain);
  const part = (title: string, lines: readonly string[], otherwise: string): void => {
    output.line(title);
    for (const line of lines.length === 0 ? [otherwise] : lines) output.line(`  ${line}`);
  };
  part('Workers', explanation.workers, 'Nothing to read.');
  part('Switch', explanation.switch, 'Nothing.');
  part('Master', [...explanation.master, masterSql], '');
  if (explanation.notPushed.length > 0) part('Not pushed', explanation.notPushed, '');
}
