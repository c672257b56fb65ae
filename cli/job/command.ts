/** `fpisa job`: create, list, show and delete jobs. */
import { Command, Option } from 'commander';
import { counted } from '../../net/count.js';
import { ALIGNMENTS, PRESETS } from '../../arithmetic/index.js';
import { MAX_WORKERS, POOL_SLOTS } from '../../protocol/constants.js';
import { ControllerClient, type CreateJobRequest, type JobMessage } from '../../controlplane/index.js';
import { controllerOption, elasticity, elasticOptions, integer, jsonOption, type ElasticFlags } from '../options.js';
import { Output } from '../output.js';

interface CommonFlags {
  controller: string;
  json?: boolean;
}

interface CreateFlags extends CommonFlags, ElasticFlags {
  workers: number;
  slots?: number;
  profile: string;
  guard?: number;
  alignment?: string;
  rounding?: string;
  mode?: string;
  leftShiftLimit?: number;
  switch?: string;
}

export function jobCommand(): Command {
  const job = new Command('job')
    .description('manage jobs: groups of workers that reduce together')
    .addHelpText('after', '\nExamples:\n  $ fpisa job create training --workers 8\n  $ fpisa job show training');
  const [elastic, minWorkers] = elasticOptions();
  job
    .command('create <name>')
    .description('reserve slots for a new job')
    .addOption(
      new Option('-w, --workers <number>', 'how many workers reduce together')
        .argParser(integer(1, MAX_WORKERS))
        .makeOptionMandatory(),
    )
    .addOption(elastic!)
    .addOption(minWorkers!)
    .addOption(new Option('--slots <number>', 'chunks that may be in flight').argParser(integer(1, POOL_SLOTS)))
    .addOption(new Option('--profile <preset>', 'how the switch adds').choices([...PRESETS]).default('fpisa'))
    .addOption(new Option('--guard <digits>', 'guard digits below the mantissa').argParser(integer(0, 31)))
    .addOption(new Option('--alignment <mode>', 'rounding at alignment').choices([...ALIGNMENTS]))
    .addOption(new Option('--rounding <mode>', 'rounding on read-out').choices(['truncate', 'nearest-even']))
    .addOption(new Option('--mode <mode>', 'what the switch can do').choices(['full', 'approximate']))
    .addOption(new Option('--left-shift-limit <bits>', 'approximate mode only').argParser(integer(0, 31)))
    .option(
      '--switch <name>',
      'top switch of the job: it spans the tree below; needed when the controller has several trees',
    )
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa job create training --workers 8 --profile fpisa
  $ fpisa job create training --workers 8 --elastic --min-workers 6`,
    )
    .action((name: string, flags: CreateFlags) =>
      withClient(flags, (client, output) => create(client, output, name, flags)),
    );
  job
    .command('list')
    .description('list all jobs')
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ fpisa job list')
    .action((flags: CommonFlags) => withClient(flags, list));
  job
    .command('show <name>')
    .description('show one job: profile, members, event counters')
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ fpisa job show training')
    .action((name: string, flags: CommonFlags) =>
      withClient(flags, async (client, output) => show(output, await client.getJob(name))),
    );
  job
    .command('delete <name>')
    .description('delete a job and free its slots')
    .option('--force', 'even when workers are connected')
    .addOption(controllerOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ fpisa job delete training')
    .action((name: string, flags: CommonFlags & { force?: boolean }) =>
      withClient(flags, async (client, output) => {
        await client.deleteJob(name, { force: flags.force ?? false });
        output.object({ ok: true, deleted: name });
        output.line(`job ${name} deleted`);
      }),
    );
  return job;
}

async function withClient(
  flags: CommonFlags,
  run: (client: ControllerClient, output: Output) => Promise<void>,
): Promise<void> {
  const client = new ControllerClient(flags.controller);
  try {
    await run(client, new Output(flags.json ?? false));
  } finally {
    client.close();
  }
}

async function create(client: ControllerClient, output: Output, name: string, flags: CreateFlags): Promise<void> {
  const request: CreateJobRequest = {
    name,
    workers: flags.workers,
    profile: flags.profile,
    ...elasticity(flags),
    ...(flags.slots !== undefined && { slots: flags.slots }),
    ...(flags.guard !== undefined && { guard: flags.guard }),
    ...(flags.alignment !== undefined && { alignment: flags.alignment }),
    ...(flags.rounding !== undefined && { rounding: flags.rounding }),
    ...(flags.mode !== undefined && { mode: flags.mode }),
    ...(flags.leftShiftLimit !== undefined && { leftShiftLimit: flags.leftShiftLimit }),
    ...(flags.switch !== undefined && { switchName: flags.switch }),
  };
  show(output, await client.createJob(request));
}

async function list(client: ControllerClient, output: Output): Promise<void> {
  const jobs = await client.listJobs();
  output.object({ jobs });
  if (jobs.length === 0) {
    output.line('no jobs; "fpisa job create NAME --workers N" creates one');
    return;
  }
  output.table(
    ['job', 'switch', 'state', 'workers', 'slots', 'profile', 'epoch', 'values'],
    jobs.map((job) => [
      job.name,
      job.switchName,
      job.state,
      `${job.members.filter((member) => member.connected).length}/${job.workers}`,
      job.slots,
      job.profile.name,
      job.epoch,
      packetValues(job),
    ]),
  );
}

function atLeast({ workers, minWorkers }: JobMessage): string {
  return minWorkers < workers ? ` (elastic: at least ${minWorkers})` : '';
}

/** Most values in a packet; `256 of 2048` where a path keeps it below what the program takes. */
function packetValues({ packetValues: values, valuesPerPacket }: JobMessage): string {
  if (values === 0) return '-';
  return values < valuesPerPacket ? `${values} of ${valuesPerPacket}` : String(values);
}

function show(output: Output, job: JobMessage): void {
  output.object(job);
  const { profile } = job;
  output.line(`job ${job.name}: ${job.state}, ${counted(job.workers, 'worker')}${atLeast(job)}, epoch ${job.epoch}`);
  output.line(
    `${job.switches.length > 1 ? `switches ${job.switches.join(', ')}` : `switch ${job.switchName}`}, job number ${job.number}, slots ${job.slotBase} to ${job.slotBase + job.slots - 1}`,
  );
  output.line(
    `profile ${profile.name}: ${profile.format}, ${profile.mode}, ${counted(profile.guard, 'guard digit')}, alignment ${profile.alignment === '' ? 'floor' : profile.alignment}, rounding ${profile.rounding}`,
  );
  output.line(`values per packet: ${job.packetValues === 0 ? `up to ${job.valuesPerPacket}` : packetValues(job)}`);
  if (job.members.length > 0) {
    output.line();
    output.table(
      ['rank', 'address', 'switch', 'port', 'connected', 'path'],
      job.members.map((member) => [
        member.rank,
        `${member.ip}:${member.udpPort}`,
        member.switchName,
        member.switchPort,
        member.connected ? 'yes' : 'no',
        member.packetValues === 0 ? '-' : counted(member.packetValues, 'value'),
      ]),
    );
  }
  const [first, ...others] = job.switchEvents;
  if (first !== undefined) {
    output.line();
    const columns = others.length === 0 ? ['count'] : job.switchEvents.map(({ switchName }) => switchName);
    output.table(
      ['event', ...columns],
      Object.keys(first.events).map((event) => [event, ...job.switchEvents.map(({ events }) => events[event] ?? 0)]),
    );
  }
}
