/** The `fpisa` command. Every part of the project is known here, and nothing depends on it. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { FpisaError } from '../../protocol/errors.js';
import { shippedFile } from '../../protocol/service.js';
import { allreduceCommand } from './commands/allreduce.js';
import { controllerCommand } from './commands/controller.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { jobCommand } from './commands/job.js';
import { switchCommand } from './commands/switch.js';
import { EXIT_CODES_HELP, ExitCode, exitCodeOf } from './exit-codes.js';

export function program(): Command {
  const { version } = JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { version: string };
  const command = new Command('fpisa')
    .description('Floating-point aggregation inside a programmable switch')
    .version(version)
    .showSuggestionAfterError()
    .addHelpText('after', '\nStart with "fpisa demo": it needs nothing else.')
    .addCommand(demoCommand())
    .addCommand(switchCommand())
    .addCommand(controllerCommand())
    .addCommand(jobCommand())
    .addCommand(allreduceCommand())
    .addCommand(doctorCommand());
  forEach(command, (each) => each.exitOverride().configureHelp({ sortOptions: false }).addHelpText('after', EXIT_CODES_HELP));
  return command;
}

export async function main(argv: readonly string[]): Promise<void> {
  leaveWithParent();
  try {
    await program().parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error, argv.includes('--json'));
  }
}

function forEach(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEach(child, visit);
}

/** Processes that the demonstration forks must not outlive it, however it ends. */
function leaveWithParent(): void {
  if (!process.connected) return;
  process.once('disconnect', () => process.exit(ExitCode.INTERRUPTED));
  process.channel?.unref();
}

function report(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed it already; help and version are not failures.
    return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
  }
  const known = error instanceof FpisaError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: { code: known?.code ?? 'FPISA_INTERNAL', message } })}\n`);
  else process.stderr.write(`fpisa: ${message}\n`);
  if (known !== undefined) return exitCodeOf(known.code);
  if (process.env['FPISA_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return ExitCode.FAILED;
}
