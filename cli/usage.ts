/** Errors of commander about the arguments, as errors of this command. */
import type { Command, CommanderError } from 'commander';
import { UsageError } from './errors.js';

/** @param command the one whose arguments they are; it provides the valid choices */
export function usageError(command: Command, { code, message }: CommanderError): UsageError {
  const path = pathOf(command);
  if (code === 'commander.help')
    return new UsageError(`"${path}" needs a command${commandsOf(command)}; "${path} --help" explains them`);
  const what = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return new UsageError(`${inOneSentence(what)}${choicesOf(command, code)}; "${path} --help" has examples`);
}

/** Commander names the option and the value, and then appends the reason, which begins with the value again. */
function inOneSentence(what: string): string {
  const match = /^option '(.+?)' (?:argument|value) '(.*?)'(?: from env '(\w+)')? is invalid\. (.*)$/s.exec(what);
  if (match === null) return what;
  const [, option, value, variable, reason] = match;
  const where = variable ?? `option '${option}'`;
  if (reason!.startsWith(`"${value}"`)) return `${where}: ${reason}`;
  return `${where}: "${value}" is invalid: ${reason!.charAt(0).toLowerCase()}${reason!.slice(1)}`;
}

function choicesOf(command: Command, code: string): string {
  if (code === 'commander.unknownCommand') return commandsOf(command);
  if (code === 'commander.unknownOption')
    return ` (options: ${[...command.options.filter(({ hidden }) => !hidden).map(({ long }) => long), '--help'].join(', ')})`;
  return '';
}

function commandsOf(command: Command): string {
  return ` (commands: ${command.commands.map((each) => each.name()).join(', ')})`;
}

/** As it is typed: `fpisa job create`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
