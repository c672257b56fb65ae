/** The `fpisa` command. It may use every part of the project, and no part depends on it. */
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { Command, CommanderError } from 'commander';
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
import { isFileProblem } from '../net/file-problem.js';
import { FileError } from './errors.js';
import { EXIT_CODES_HELP, ExitCode, exitCodeOf } from './exit-codes.js';
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
  const reader = leaveWithReader();
  // gRPC's log would only repeat the error that is reported anyway.
  if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (!reader.hasLeft) process.exitCode = report(error, argv.includes('--json'));
  }
  if (reader.hasLeft) process.exitCode = ExitCode.INTERRUPTED;
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

/** A reader that closes its end of a pipe, as `head` does, has seen enough: the command then ends as at Ctrl-C, without a message. */
function leaveWithReader(): { readonly hasLeft: boolean } {
  const reader = { hasLeft: false };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (reader.hasLeft) return;
    reader.hasLeft = true;
    process.exitCode = ExitCode.INTERRUPTED;
    // Commands that clean up listen to it.
    if (!process.emit('SIGINT')) process.exit();
  });
  return reader;
}

/** Bases of the errors with a stable code (docs/errors.md); all have `code`. */
const FAMILIES = [FpisaError, ArithmeticError, P4RuntimeError, EmulatorError];

/** Reports an error as text or JSON, and returns the exit code. */
export function report(thrown: unknown, json: boolean): ExitCode {
  const error = isFileProblem(thrown) ? FileError.of(thrown) : thrown;
  // Help and version are not failures, and have been printed.
  if (error instanceof CommanderError) return ExitCode.OK;
  const code = FAMILIES.some((family) => error instanceof family) ? (error as { code: string }).code : undefined;
  const message = (error instanceof Error ? error.message : String(error)) + hint(code);
  if (json)
    process.stdout.write(`${JSON.stringify({ ok: false, error: { code: code ?? 'FPISA_INTERNAL', message } })}\n`);
  else process.stderr.write(`fpisa: ${message}\n`);
  if (error instanceof FpisaError) return exitCodeOf(error.code);
  // Errors of parts that know nothing of fpisa should have been translated into errors of this command.
  if (process.env['FPISA_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return code === undefined ? ExitCode.FAILED : exitCodeOf(code);
}

/** Remedy for an error that comes from parts that do not know the command line. */
function hint(code: string | undefined): string {
  if (code !== 'FPISA_CONTROLLER_UNREACHABLE') return '';
  return '; start one with "fpisa controller", or name another with --controller';
}
