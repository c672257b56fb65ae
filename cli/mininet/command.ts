/** `fpisa mininet`: the main job on a Mininet network, with BMv2 or the embedded switch. */
import { Command, Option } from 'commander';
import { BUILDS } from '../../protocol/constants.js';
import { ExitCode } from '../exit-codes.js';
import { framed } from '../framed-table.js';
import { exitCodeOfReport, printReport } from '../reduction-report.js';
import { InterruptedError, UsageError } from '../errors.js';
import { INSIDE, runInNamespaces, interruptionFromOutside } from './namespaces.js';
import type { MininetReport } from './report.js';
import { runMininetQuery } from './query.js';
import { checkRequirements, SWITCHES, type SwitchKind } from './requirements.js';
import { runMininet, type MininetEvent } from './run.js';
import {
  buildOf,
  checkEvents,
  collect,
  elasticity,
  elasticOptions,
  integer,
  jsonOption,
  milliseconds,
  lossShare,
  type ElasticFlags,
} from '../options.js';
import { Output } from '../output.js';
import { progressBar, type ProgressBar } from '../progress.js';
import { interruption } from '../signals.js';

interface Flags extends ElasticFlags {
  switch: SwitchKind;
  workers?: number;
  tree?: boolean;
  loss: number;
  delay: number;
  bw?: number;
  in?: string;
  values: number;
  profile: string;
  custom?: string;
  topo?: string;
  keep?: string;
  cli?: boolean;
  control?: boolean;
  events?: boolean;
  json?: boolean;
  inside?: boolean;
  query?: string;
  data: string[];
  sample?: boolean;
  combine: boolean;
}

/** As many as a switch's bitmap has bits. */
const MAX_WORKERS = 32;
const DEFAULT_WORKERS = 4;
const MAX_MBIT = 1000;
/** Presets that add floats. */
const FLOAT_PRESETS = ['fpisa', 'fpisa-paper', 'fpisa-a'];

export function mininetCommand(): Command {
  const [elastic, minWorkers] = elasticOptions();
  return new Command('mininet')
    .description(
      'reduce gradients, or answer a query, over switches on a Mininet network: BMv2, or the embedded switch on real interfaces',
    )
    .addOption(new Option('--switch <kind>', 'what the switches run').choices(SWITCHES).default('bmv2'))
    .addOption(
      new Option('-w, --workers <number>', `hosts, with one worker on each (default: ${DEFAULT_WORKERS})`).argParser(
        integer(2, MAX_WORKERS),
      ),
    )
    .option('--tree', 'two leaf switches under a spine, the workers spread over the leaves')
    .addOption(
      new Option('--loss <share>', 'links lose packets, in each direction: 0.1 or 10%').argParser(lossShare).default(0),
    )
    .addOption(new Option('--delay <ms>', 'links delay packets').argParser(milliseconds).default(0))
    .addOption(new Option('--bw <mbit>', 'bandwidth of links in Mbit/s').argParser(integer(1, MAX_MBIT)))
    .option('-i, --in <pattern>', 'files to reduce, such as grad-{rank}.safetensors; default: recorded gradients')
    .addOption(
      new Option('--values <number>', `values per packet: ${BUILDS.join(', ')}`).default(256).argParser(buildOf),
    )
    .addOption(new Option('--profile <preset>', 'how the switches add').choices(FLOAT_PRESETS).default('fpisa'))
    .addOption(elastic!)
    .addOption(minWorkers!)
    .option('--query <sql>', 'answer a query instead (fpisa query): the workers are hosts, and so is its master')
    .addOption(
      new Option('-d, --data <pattern>', 'with --query: files of a table; repeatable')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--sample', 'with --query: also a small table sample(k, v)')
    .option('--no-combine', 'with --query: workers send every row')
    .option('--custom <file>', 'Python file with topologies of your own (docs/mininet.md)')
    .option('--topo <name,arguments>', 'which topology, in the form of "mn --topo"')
    .option('--keep <folder>', 'leave configuration, switch logs and sums there')
    .option('--cli', "stay at Mininet's prompt instead")
    .option(
      '--control',
      'take commands from standard input, one JSON object a line: {"kill":"worker","rank":2}, {"restart":"s1"}',
    )
    .option('--events', 'with --json: also print events, one JSON object a line')
    .addOption(jsonOption())
    .addOption(new Option(INSIDE).hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  $ sudo fpisa mininet
  $ sudo fpisa mininet --switch emulator --workers 8 --loss 0.1
  $ sudo fpisa mininet --in 'grad-{rank}.safetensors' --bw 100 --json
  $ sudo fpisa mininet --query "SELECT k, sum(v) FROM sample GROUP BY k" --sample
  $ sudo fpisa mininet --cli`,
    )
    .action((flags: Flags) => run(flags));
}

async function run(flags: Flags): Promise<void> {
  if (flags.cli && (flags.json || flags.control))
    throw new UsageError('--cli is for people: it cannot be combined with --json or --control');
  if (flags.tree && flags.topo !== undefined)
    throw new UsageError('--tree and --topo both choose a topology: give one of them');
  if (flags.workers !== undefined && flags.topo !== undefined)
    throw new UsageError(
      `--workers is for the topologies of this command: pass the number to yours with --topo ${flags.topo.split(',')[0]},NUMBER, or omit --workers`,
    );
  if (flags.custom !== undefined && flags.topo === undefined)
    throw new UsageError("--custom needs --topo NAME: which of the file's topologies to build");
  if (flags.query === undefined && (flags.data.length > 0 || flags.sample))
    throw new UsageError('--data and --sample are tables of a query: give --query "SELECT …"');
  if (flags.query === undefined && !flags.combine)
    throw new UsageError('--no-combine is about a query: give --query "SELECT …"');
  checkEvents(flags);
  if (flags.query !== undefined) {
    const other = [
      flags.tree && '--tree',
      flags.topo && '--topo',
      flags.in && '--in',
      flags.cli && '--cli',
      flags.control && '--control',
      flags.elastic && '--elastic',
    ].find((each) => each);
    if (other)
      throw new UsageError(`${other} applies to allreduce: a query runs on one switch, and cannot be combined with it`);
    if (flags.data.length === 0 && !flags.sample)
      throw new UsageError('--query needs tables: give --data FILES for each, or --sample');
  }
  const python = checkRequirements(flags.switch, flags.delay > 0);
  if (!flags.inside) {
    process.exitCode = await runInNamespaces(flags.cli ?? false);
    return;
  }
  // Ctrl-C at Mininet's prompt is only for what runs in its foreground.
  if (flags.cli) process.on('SIGINT', () => undefined);
  const output = new Output(flags.json ?? false);
  if (flags.query !== undefined) {
    await runQuery(flags.query, flags, python, output);
    return;
  }
  // Only while workers reduce: other output, and the prompt, would be mixed up with it.
  let bar: ProgressBar | undefined;
  const stopBar = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const emit = (event: MininetEvent): void => {
    if (flags.events) output.object(event);
  };
  const {
    tree,
    topo: own,
    workers = own === undefined ? DEFAULT_WORKERS : undefined,
    cli = false,
    control = false,
    elastic,
    minWorkers,
    ...rest
  } = flags;
  try {
    const report = await runMininet({
      ...rest,
      python,
      topo: own ?? `${tree ? 'fpisatree' : 'fpisa'},${workers}`,
      ...(workers !== undefined && { workers }),
      cli,
      control,
      ...elasticity({ ...(elastic && { elastic }), ...(minWorkers !== undefined && { minWorkers }) }),
      signal: interruptionFromOutside(
        cli ? new AbortController().signal : interruption(),
        () => new InterruptedError(),
      ),
      onStage: (text) => {
        stopBar();
        output.line(text);
      },
      onEvent: emit,
      onProgress: (share) => {
        bar ??= progressBar('reducing', output.json);
        bar.update(share);
        emit({ event: 'progress', share });
      },
      onReport: (each) => print(output, each),
    });
    if (report === undefined) return;
    print(output, report);
    process.exitCode = exitCodeOfReport(report);
  } finally {
    stopBar();
  }
}

async function runQuery(
  query: string,
  { workers = DEFAULT_WORKERS, sample = false, ...flags }: Flags,
  python: string,
  output: Output,
): Promise<void> {
  const report = await runMininetQuery({
    ...flags,
    query,
    workers,
    sample,
    python,
    signal: interruptionFromOutside(interruption(), () => new InterruptedError()),
    onStage: (text) => output.line(text),
  });
  output.object({ ...report, switch: flags.switch, workers });
  for (const line of framed(
    report.columns,
    report.rows.map((row) =>
      row.map((value) => (value === null ? 'NULL' : typeof value === 'object' ? JSON.stringify(value) : String(value))),
    ),
  ))
    output.line(line);
  for (const why of report.notPushed) output.line(`not pushed: ${why}`);
  output.line(report.verified ? 'verified: DuckDB alone gives the same answer' : `NOT VERIFIED: ${report.difference}`);
  process.exitCode = report.verified ? ExitCode.OK : ExitCode.CHECK_FAILED;
}

function print(output: Output, report: MininetReport): void {
  printReport(output, report);
  if (report.lost.length > 0) output.line(`killed during the run: ${report.lost.join(', ')}`);
  if (report.partial !== undefined) output.line(report.partial);
}
