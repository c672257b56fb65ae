/** Options of Node that describe the main program, which comes from the command line, and not how code runs. */
const OF_THE_PROGRAM = [
  '--input-type',
  '--experimental-default-type',
  '-e',
  '--eval',
  '-p',
  '-pe',
  '--print',
  '-c',
  '--check',
];
const WITH_VALUE = ['--input-type', '--experimental-default-type', '-e', '--eval', '-p', '-pe', '--print'];

/**
 * The options of this process that a thread of ours, whose program is a file, can have as well: Node refuses a file together
 * with `--input-type`, so no thread would start in a process that was started with `node --input-type=module --eval …`.
 */
export function threadArguments(options: readonly string[] = process.execArgv): string[] {
  const kept: string[] = [];
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    const [name] = option.split('=', 1);
    if (!OF_THE_PROGRAM.includes(name!)) kept.push(option);
    else if (name === option && WITH_VALUE.includes(option)) i++;
  }
  return kept;
}
