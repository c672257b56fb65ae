/** `fpisa demo`: the main job, end to end, on this machine alone. */
import { Command, Option } from 'commander';
import { BUILDS, LARGEST_BUILD } from '../../protocol/constants.js';
import { runDemo } from './run.js';
import { exitCodeOfReport, printReport } from '../reduction-report.js';
import { buildOf, faultOptions, integer, jsonOption, type FaultFlags } from '../options.js';
import { Output } from '../output.js';
import { progressBar } from '../progress.js';
import { interruption } from '../signals.js';

interface Flags extends FaultFlags {
  workers: number;
  values: number;
  profile: string;
  json?: boolean;
}

/** Workers from which the gradients were recorded. */
const RECORDED_WORKERS = 8;

/** Presets that add floats: the recorded gradients are not quantised. */
const FLOAT_PRESETS = ['fpisa', 'fpisa-paper', 'fpisa-a'];

export function demoCommand(): Command {
  const command = new Command('demo')
    .description('reduce recorded gradients over an embedded switch, with every part as a process on this machine')
    .addOption(
      new Option('-w, --workers <number>', 'how many of the recorded workers take part')
        .argParser(integer(2, RECORDED_WORKERS))
        .default(RECORDED_WORKERS),
    )
    .addOption(
      new Option('--values <number>', `values per packet: ${BUILDS.join(', ')}`)
        .default(LARGEST_BUILD)
        .argParser(buildOf),
    )
    .addOption(new Option('--profile <preset>', 'how the switch adds').choices(FLOAT_PRESETS).default('fpisa'));
  for (const option of faultOptions()) command.addOption(option);
  return command
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa demo
  $ fpisa demo --loss 0.05
  $ fpisa demo --workers 4 --profile fpisa-a --json`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const output = new Output(flags.json ?? false);
  const bar = progressBar('reducing', output.json);
  try {
    const report = await runDemo({
      ...flags,
      signal: interruption(),
      onStage: (text) => output.line(text),
      onProgress: (share) => bar.update(share),
    });
    bar.stop();
    printReport(output, report);
    process.exitCode = exitCodeOfReport(report);
  } finally {
    bar.stop();
  }
}
