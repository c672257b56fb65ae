/** `fpisa doctor`: says in one sentence each what is wrong, and what mends it. */
import { Command } from 'commander';
import { ControllerClient, type JobMessage, type SlotReportMessage } from '../../index.js';
import { diagnoseJob, diagnoseStatus, type Finding } from '../doctor/diagnose.js';
import { ExitCode } from '../exit-codes.js';
import { controllerOption, jsonOption } from '../options.js';
import { Output } from '../output.js';

interface Flags {
  controller: string;
  job?: string;
  json?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('find out why it does not work: switches, jobs, missing workers, drops')
    .option('--job <name>', 'look at one job only')
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  $ fpisa doctor\n  $ fpisa doctor --controller 10.0.0.100:9600 --job training')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const output = new Output(flags.json ?? false);
  const client = new ControllerClient(flags.controller);
  try {
    const status = await client.getStatus();
    const findings: Finding[] = diagnoseStatus(status);
    const jobs = flags.job === undefined ? await client.listJobs() : [await client.getJob(flags.job)];
    for (const job of jobs) findings.push(...diagnoseJob(job, await probe(client, job)));
    const faults = findings.filter(({ level }) => level === 'fault');
    output.object({ ok: faults.length === 0, findings, switches: status.switches, jobs });
    for (const { level, subject, finding, mend } of findings) output.line(`${level === 'fault' ? 'FAULT' : 'note '}  ${subject}: ${finding}; ${mend}`);
    const looked = `looked at ${status.switches.length} ${status.switches.length === 1 ? 'switch' : 'switches'} and ${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'}`;
    output.line(faults.length === 0 ? `${looked}: no fault` : `${looked}: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
    if (faults.length > 0) process.exitCode = ExitCode.CHECK_FAILED;
  } finally {
    client.close();
  }
}

/** Slots can be looked at only while the switch answers; that it does not is a finding of its own. */
async function probe(client: ControllerClient, job: JobMessage): Promise<SlotReportMessage[] | undefined> {
  try {
    return await client.probeJob(job.name);
  } catch {
    return undefined;
  }
}
