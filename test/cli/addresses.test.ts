/** Every option that takes an address: what is not one is refused before anything is started, with an example. */
import type { Command, Option } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../cli/errors.js';
import { program, report } from '../../cli/main.js';
import { ControllerClient } from '../../controlplane/index.js';

interface AddressOption {
  readonly command: string;
  readonly option: Option;
}

function optionsOf(command: Command, path = ''): AddressOption[] {
  return [
    ...command.options.map((option) => ({ command: path, option })),
    ...command.commands.flatMap((each) => optionsOf(each, `${path} ${each.name()}`.trim())),
  ];
}

const ALL = optionsOf(program());

/** As the option takes it: some begin with a switch port. */
function argument({ option }: AddressOption, address: string): string {
  return /<port/.test(option.flags) ? `1=${address}` : address;
}

/** In one line, as a user sees it. */
async function refusal({ command, option }: AddressOption, value: string): Promise<string> {
  const words = command.split(' ').filter((word) => word !== '');
  const error: unknown = await program()
    .parseAsync(['node', 'fpisa', ...words, option.long!, value])
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(report(error, false)).toBe(2);
  const said = String(write.mock.calls[0]![0]);
  write.mockRestore();
  return said;
}

function named(options: readonly AddressOption[]): [name: string, each: AddressOption][] {
  return options.map((each) => [`${each.command} ${each.option.long}`, each]);
}

afterEach(() => vi.unstubAllEnvs());

describe('an address with a port', () => {
  const addresses = ALL.filter(({ option }) => /host:port|udpport|port=place/.test(option.flags));

  it('is taken by the options that this test knows how to give one', () => {
    expect(new Set(addresses.map(({ option }) => option.long))).toEqual(
      new Set(['--p4runtime', '--port', '--listen', '--switch', '--controller', '--master']),
    );
  });

  it.each(named(addresses))('%s: without one', async (_, each) => {
    for (const wrong of ['127.0.0.1', '127.0.0.1:', '::1', '[::1]:x', 'http://127.0.0.1:9600']) {
      const said = await refusal(each, argument(each, wrong));
      const example = /is not host:port, for example (\S+:\d+); "fpisa [^"]+ --help" has examples\n$/.exec(said)?.[1];
      expect(example, said).toBeDefined();
      expect(said.match(/^fpisa: [^.]*: "/), said).not.toBeNull();
      const parse = each.option.parseArg as (text: string, previous: unknown) => unknown;
      expect(() => parse(argument(each, example!), undefined)).not.toThrow();
    }
  });

  const peers = addresses.filter(({ command, option }) => command !== 'switch' && option.long !== '--listen');
  it.each(named(peers))('%s: port 0, where nothing listens', async (_, each) => {
    expect(await refusal(each, argument(each, '127.0.0.1:0'))).toMatch(
      /"127\.0\.0\.1:0" has port 0, where nothing listens; for example /,
    );
  });

  it('FPISA_CONTROLLER: names the variable', async () => {
    vi.stubEnv('FPISA_CONTROLLER', '10.0.0.1');
    const error: unknown = await program()
      .parseAsync(['node', 'fpisa', 'job', 'list'])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message:
        'FPISA_CONTROLLER: "10.0.0.1" is not host:port, for example 127.0.0.1:9600; "fpisa job list --help" has examples',
    });
  });

  it('of the library, too', () => {
    expect(() => new ControllerClient('127.0.0.1')).toThrow(
      /controller is "127\.0\.0\.1"; the form is host:port, for example 127\.0\.0\.1:9600/,
    );
  });
});

describe('an address alone', () => {
  it.each(named(ALL.filter(({ option }) => /--(service-)?ip\b/.test(option.flags))))('%s', async (_, each) => {
    for (const wrong of ['10.0.0.1:5000', '10.0.0', '10.0.0.01', 'host'])
      expect(await refusal(each, wrong)).toMatch(/is not an IPv4 address, .*for example 10\.0\.0\.1; /);
  });

  it.each(named(ALL.filter(({ option }) => /--(service-)?mac\b/.test(option.flags))))('%s', async (_, each) => {
    expect(await refusal(each, '02:00')).toMatch(/"02:00" is not a MAC address, for example 02:00:00:00:00:01; /);
  });

  it('switch --host', async () => {
    const each = ALL.find(({ command, option }) => command === 'switch' && option.long === '--host')!;
    expect(await refusal(each, '127.0.0.1:47001')).toMatch(
      /"127\.0\.0\.1:47001" is not an IPv4 address or a name, for example 127\.0\.0\.1; --base-port gives the port; /,
    );
  });
});
