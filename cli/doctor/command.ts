/** `fpisa doctor`: reports each fault in one sentence, and its remedy. */
import { setTimeout } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { counted } from '../../net/count.js';
import { ControllerClient } from '../../controlplane/index.js';
import { diagnose, needsSecondReading } from './diagnose.js';
import { diagnoseMachine } from './machine.js';
import { takeReading, type Interval } from './reading.js';
import { ExitCode } from '../exit-codes.js';
import { controllerOption, integer, jsonOption } from '../options.js';
import { Output } from '../output.js';
import { interruption } from '../signals.js';

interface Flags {
  controller: string;
  job?: string;
  interval: number;
  json?: boolean;
}

/** Workers retransmit a packet after at most a second, so some of them do in this time. */
const INTERVAL_SECONDS = 3;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('find out what does not work: switches, programs, links, firewalls, missing workers, drops')
    .option('--job <name>', 'inspect one job only')
    .addOption(
      new Option('--interval <seconds>', 'while a job runs: how long to watch it')
        .argParser(integer(1, 3600))
        .default(INTERVAL_SECONDS),
    )
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  $ fpisa doctor\n  $ fpisa doctor --controller 10.0.0.100:9600 --job training')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const output = new Output(flags.json ?? false);
  const client = new ControllerClient(flags.controller);
  try {
    const { before, after, seconds } = await watch(client, flags);
    const machine = await diagnoseMachine();
    const findings = [...diagnose({ before, after, seconds }), ...machine.findings];
    const faults = findings.filter(({ level }) => level === 'fault');
    const { switches } = after.status;
    const { transport } = machine;
    output.object({ ok: faults.length === 0, findings, switches, jobs: after.jobs.map(({ job }) => job), transport });
    for (const { level, subject, finding, remedy } of findings)
      output.line(`${level === 'fault' ? 'FAULT' : 'note '}  ${subject}: ${finding}; ${remedy}`);
    const looked = `inspected ${counted(switches.length, 'switch')} and ${counted(after.jobs.length, 'job')}`;
    output.line(faults.length === 0 ? `${looked}: no fault` : `${looked}: ${counted(faults.length, 'fault')}`);
    if (faults.length > 0) process.exitCode = ExitCode.CHECK_FAILED;
  } finally {
    client.close();
  }
}

async function watch(client: ControllerClient, { job, interval }: Flags): Promise<Interval> {
  const before = await takeReading(client, job);
  if (!needsSecondReading(before)) return { before, after: before, seconds: 0 };
  const signal = interruption();
  await setTimeout(interval * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
  return { before, after: await takeReading(client, job), seconds: interval };
}
