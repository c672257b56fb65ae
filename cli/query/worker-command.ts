/** `fpisa query worker`: one worker of a query, also on another machine than the query's master. */
import { Command, Option } from 'commander';
import { runQueryWorker } from '../../query/session/index.js';
import {
  collect,
  EXAMPLE_MASTER,
  integer,
  jsonOption,
  peerAddress,
  placeOptions,
  type PlaceFlags,
} from '../options.js';
import { Output } from '../output.js';
import { interruption } from '../signals.js';
import { packageVersion } from '../../net/package-files.js';

interface Flags extends PlaceFlags {
  master: string;
  rank: number;
  data: string[];
  wait: number;
  json?: boolean;
}

export function queryWorkerCommand(): Command {
  const command = new Command('worker')
    .description('take part in a query as one worker: scan a share of the files, send rows into the switch')
    .addOption(
      new Option('--master <host:port>', "where the query's master listens")
        .argParser(peerAddress(EXAMPLE_MASTER))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('-r, --rank <number>', "which of the query's workers this is, from 0")
        .argParser(integer(0, 65_534))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '-d, --data <pattern>',
        "this worker's own files, NAME=PATTERN, instead of its share of that table; repeatable",
      )
        .argParser(collect)
        .default([], "its share of the master's"),
    );
  for (const option of placeOptions('this worker')) command.addOption(option);
  return command
    .addOption(
      new Option('--wait <seconds>', 'how long to look for the master').argParser(integer(1, 86_400)).default(60),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Example:
  $ fpisa query worker --master ${EXAMPLE_MASTER} --rank 1 --switch-port 2`,
    )
    .action(run);
}

async function run({ wait, ...flags }: Flags): Promise<void> {
  const output = new Output(flags.json ?? false);
  await runQueryWorker({ ...flags, waitMs: wait * 1000, version: packageVersion(), signal: interruption() });
  output.line('the query has ended');
}
