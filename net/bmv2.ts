/**
 * What `simple_switch_grpc` was built with. Thrift and nanomsg are optional in BMv2, and a build without them ends at
 * once with its usage if it is given their options.
 */
import { spawnSync } from 'node:child_process';

/** Options that some builds lack, with their values. */
export type OptionalOptions = Readonly<Record<`--${string}`, string>>;

/** Those of `options` that the usage names, as arguments. */
export function optionsIn(usage: string, options: OptionalOptions): string[] {
  return Object.entries(options).flatMap(([option, value]) =>
    new RegExp(`^\\s*${option}(\\s|$)`, 'm').test(usage) ? [option, value] : [],
  );
}

/** Those of `options` that `program` of PATH has, as arguments; none if it cannot be run. */
export function supportedOptions(program: string, options: OptionalOptions): string[] {
  const { stdout, stderr } = spawnSync(program, ['--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return optionsIn(`${stdout ?? ''}\n${stderr ?? ''}`, options);
}
