/** The `fpisa` command. It may use every part of the project, and no part depends on it. */
import { setImmediate } from 'node:timers/promises';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { Command, CommanderError } from 'commander';
import { environment } from '../net/environment.js';
import { ArithmeticError } from '../arithmetic/errors.js';
import { EmulatorError } from '../emulator/errors.js';
import { P4RuntimeError } from '../p4runtime/errors.js';
import { FpisaError } from '../protocol/errors.js';
import { packageVersion } from '../net/package-files.js';
import { allreduceCommand } from './allreduce/command.js';
import { controllerCommand } from './controller/command.js';
import { demoCommand } from './demo/command.js';
import { doctorCommand } from './doctor/command.js';
import { jobCommand } from './job/command.js';
import { mininetCommand } from './mininet/command.js';
import { queryCommand } from './query/command.js';
import { stfCommand } from './stf/command.js';
import { switchCommand } from './switch/command.js';
import { InterruptedError } from './errors.js';
import { EXIT_CODES_HELP, ExitCode, exitCodeOf } from './exit-codes.js';
import { watchStandardStreams } from './standard-streams.js';
import { usageError } from './usage.js';

export function program(): Command {
  const command = new Command('fpisa')
    .description('Floating-point aggregation inside a programmable switch')
    .version(packageVersion())
    .showSuggestionAfterError()
    // So that a subcommand may have options of the same names.
    .enablePositionalOptions()
    .addHelpText('after', '\nExample that needs nothing else:\n  $ fpisa demo')
    .addCommand(demoCommand())
    .addCommand(switchCommand())
    .addCommand(controllerCommand())
    .addCommand(jobCommand())
    .addCommand(allreduceCommand())
    .addCommand(queryCommand())
    .addCommand(mininetCommand())
    .addCommand(stfCommand())
    .addCommand(doctorCommand());
  forEach(command, (each) => {
    if (each !== command) acceptVersion(each);
    each
      .exitOverride((error) => {
        throw error.exitCode === 0 ? error : usageError(each, error);
      })
      // Errors are printed in one place, as text or JSON.
      .configureOutput({ outputError: () => undefined })
      .configureHelp({ sortOptions: false })
      .addHelpText('after', EXIT_CODES_HELP);
  });
  return command;
}

export async function main(argv: readonly string[]): Promise<void> {
  leaveWithParent();
  const streams = watchStandardStreams();
  // gRPC's log would only repeat the error that is reported anyway.
  if (environment('GRPC_VERBOSITY') === undefined) setLogVerbosity(logVerbosity.NONE);
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (streams.readerHasLeft && error instanceof InterruptedError) process.exitCode = ExitCode.INTERRUPTED;
    else process.exitCode = report(error, argv.includes('--json') && !streams.readerHasLeft);
  }
  // Errors of streams arrive after the write that had them.
  await setImmediate();
  if (streams.failure !== undefined) process.exitCode = report(streams.failure, false);
}

/** `fpisa demo --version` is as clear as `fpisa --version`; one of them in the help is enough. */
function acceptVersion(command: Command): void {
  command.version(packageVersion());
  command.options.at(-1)!.hideHelp();
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

/** Bases of the errors with a stable code (docs/errors.md); all have `code`. */
const FAMILIES = [FpisaError, ArithmeticError, P4RuntimeError, EmulatorError];

/** Reports an error as text or JSON, and returns the exit code. */
export function report(error: unknown, json: boolean): ExitCode {
  // Help and version are not failures, and have been printed.
  if (error instanceof CommanderError) return ExitCode.OK;
  const code = FAMILIES.some((family) => error instanceof family) ? (error as { code: string }).code : undefined;
  const message = (error instanceof Error ? error.message : String(error)) + hint(code);
  if (json)
    process.stdout.write(`${JSON.stringify({ ok: false, error: { code: code ?? 'FPISA_INTERNAL', message } })}\n`);
  else process.stderr.write(`fpisa: ${message}\n`);
  if (error instanceof FpisaError) return exitCodeOf(error.code);
  // Errors of parts that know nothing of fpisa should have been translated into errors of this command.
  if (environment('FPISA_DEBUG') !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return code === undefined ? ExitCode.FAILED : exitCodeOf(code);
}

const HINTS: Readonly<Record<string, string>> = {
  FPISA_CONTROLLER_UNREACHABLE: '; start one with "fpisa controller", or name another with --controller',
  FPISA_QUERY_MASTER_UNREACHABLE: '; start one there with "fpisa query SQL --listen HOST:PORT", or correct --master',
  FPISA_QUERY_WORKERS_MISSING:
    '; start each with "fpisa query worker --master HOST:PORT --rank NUMBER", or wait longer with --wait SECONDS',
};

/** Remedy for an error that comes from parts that do not know the command line. */
function hint(code: string | undefined): string {
  return (code !== undefined && HINTS[code]) || '';
}
