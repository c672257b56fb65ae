import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../cli/main.js';
import { ROOT } from './support/built.js';
import { expectFailure, fpisa, onlyJson } from './support/command.js';

/** As they are typed; the first is the command itself. */
function commands(command: Command, path = ''): string[] {
  return [path, ...command.commands.flatMap((each) => commands(each, `${path} ${each.name()}`.trim()))];
}

const NAMES = commands(program());

function words(line: string): string[] {
  return line.split(' ').filter((word) => word !== '');
}

describe('help', () => {
  it.each(NAMES)('of "fpisa %s" has an example and the exit codes', async (command) => {
    const { code, stdout, stderr } = await fpisa(...words(command), '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: fpisa/);
    expect(stdout).toMatch(new RegExp(`^  \\$ (sudo )?fpisa ${command}`, 'm'));
    expect(stdout).toMatch(/Exit codes: 0 done, 1 .*2 wrong arguments.*130 interrupted/s);
  });

  it('is there for the commands that the documentation describes', async () => {
    const page = await readFile(join(ROOT, 'docs/cli.md'), 'utf8');
    const described = [...page.matchAll(/^\| `fpisa (\w+)/gm)].map((match) => match[1]!);
    expect(described).toContain('demo');
    expect(NAMES).toEqual(expect.arrayContaining(described));
  });
});

describe('--version', () => {
  it.each(['--version', 'demo --version', 'job create -V'])('fpisa %s', async (line) => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await fpisa(...words(line))).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('wrong arguments', () => {
  it.each<[line: string, message: RegExp]>([
    [
      'dmo',
      /unknown command 'dmo' .*Did you mean demo\?.*\(commands: demo, switch, controller, job, allreduce, .*doctor.*\)/,
    ],
    ['job remove x', /unknown command 'remove' .*\(commands: create, list, show, delete\); "fpisa job --help"/],
    ['demo --worker 4', /unknown option '--worker' .*--workers, --values, --profile, --loss/],
    [
      'demo --workers 99',
      /^fpisa: option '-w, --workers <number>': "99" is not a whole number from 2 to 8; "fpisa demo --help" has examples\n$/,
    ],
    ['demo --workers 1', /from 2 to 8/],
    ['demo --workers 2.5', /from 2 to 8/],
    ['demo --workers', /'-w, --workers <number>' argument missing/],
    ['demo --loss 2', /"2" is not a probability: a number from 0 up to, but not including, 1/],
    ['demo --loss -0.1', /not a probability/],
    ['demo --loss 1', /not a probability/],
    ['demo --loss abc', /not a probability/],
    ['demo --delay soon', /not a number of milliseconds/],
    ['demo --values 7', /"7" is not a build: 16, 64, 256/],
    ['demo --profile int32', /choices are fpisa, fpisa-paper, fpisa-a/],
    ['demo again', /too many arguments for 'demo'/],
    ['switch', /a switch needs ports: give --ports COUNT, or --port NUMBER=HOST:UDPPORT/],
    ['switch --ports 0', /from 1 to 509/],
    ['switch --port 510=127.0.0.1:1', /a switch port from 1 to 509, for example 1=127.0.0.1:47001/],
    ['switch --ports 1 --p4runtime here', /"here" is not host:port, for example/],
    ['switch --ports 1 --p4runtime 127.0.0.1:0 --program nowhere.json', /--program needs --p4info/],
    ['controller --listen 127.0.0.1:99999', /is not host:port/],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1',
      /a switch needs ports for its workers: give --ports COUNT, or --port/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --port 1=host:5',
      /"host:5", expected a dotted IPv4 address and a UDP port such as/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --build fpisa-b --ports 2',
      /"fpisa-b" is not a build: fpisa-n16, .*fpisa-a-n16/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --build fpisa-a-n16 --values 64 --ports 2',
      /build "fpisa-a-n16" has 16 values per packet, not 64/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --values 7 --ports 2',
      /there is no build with 7 values per packet \(builds: fpisa-n16, /,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --build-dir . --build fpisa-n16 --values 8 --port 132',
      /give one of them/,
    ],
    [
      'controller --listen 127.0.0.1:0 --build-dir .',
      /--build-dir describe the switch that --switch names; in a configuration they are "buildDir"/,
    ],
    ['job create --workers 2', /missing required argument 'name'/],
    ['job create training', /required option '-w, --workers <number>' not specified/],
    ['job create training --workers 33', /"33" is not a whole number from 1 to 32/],
    ['job create training --workers 4 --profile best', /choices are fpisa, fpisa-paper, fpisa-a, int32/],
    ['job create training --workers 4 --rounding up', /choices are truncate, nearest-even/],
    ['job create training --workers 4 --alignment up', /choices are floor, nearest-even/],
    ['allreduce --rank 0 --in a.npy --out b.npy', /required option '-j, --job <name>'/],
    ['allreduce --job a --rank 0 --out b.npy', /required option '-i, --in <file>'/],
    ['allreduce --job a --rank one --in a.npy --out b.npy', /"one" is not a whole number from 0/],
    ['allreduce --job a --rank 0 --in a.npy --in c.npy --out b.npy', /2 --in files need as many --out files, not 1/],
    ['allreduce --job a --rank 0 --in a.npy --out b.npy --op max', /choices are sum, mean/],
    ['doctor --controller nowhere', /"nowhere" is not host:port/],
    [
      'allreduce --job a --rank 0 --in a.npy --in c.npy --out b.npy --out ./b.npy',
      /--out b\.npy and --out \.\/b\.npy are one file, of which only the last result would remain: give each --in an --out of its own/,
    ],
    ['allreduce --job a --rank 0 --in a.npy --out b.npy --events', /--events needs --json/],
    ['mininet --events', /--events needs --json/],
    ['mininet --no-combine', /--no-combine is about a query: give --query "SELECT …"/],
    ['switch --port 1=127.0.0.1:0 --port 1=127.0.0.1:0', /port 1 is given twice; each port has one place/],
    ['switch --ports 2 --port 2=veth1', /port 2 is given twice, by --ports 2 and by --port/],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --ports 2 --port 1=127.0.0.1:4',
      /port 1 is given twice, by --ports 2 and by --port; --ports gives ports 1 to 2, --port others/,
    ],
    ['switch --ports 1 --p4info nowhere.txt', /--p4info needs --program/],
    ['switch --port 1=127.0.0.1:0 --base-port 47001', /--base-port is about the ports of --ports/],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --port 1=127.0.0.1:4 --port 01',
      /port 1 is given twice; each port has one place/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --switch 127.0.0.1:2 --ports 2',
      /--switch is given twice; several switches are described in a file: --config FILE/,
    ],
    [
      'controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --ports 2 --config nowhere.json',
      /--config and --switch both say which switches there are: give one of them/,
    ],
    [
      'controller --listen 127.0.0.1:0 --config nowhere.json --ports 2 --device-id 0',
      /--device-id, --ports describe the switch that --switch names; in a configuration they are "deviceId", "ports"/,
    ],
    [
      'query SELECT --sample --p4runtime 127.0.0.1:1 --port 1=127.0.0.1:4 --port 1=127.0.0.1:5',
      /port 1 is given twice/,
    ],
    ['query SELECT --sample --device-id 3', /describe a switch that is already running: name it with --p4runtime/],
  ])('fpisa %s', async (line, message) => {
    expectFailure(await fpisa(...words(line)), 2, message);
  });

  it('a directory without a build', async () => {
    expectFailure(
      await fpisa(
        ...words('controller --listen 127.0.0.1:0 --switch 127.0.0.1:1 --build-dir bench --values 8 --port 132'),
      ),
      5,
      /build directory .*bench has neither manifest\.json nor a \.conf file; expected what p4c --target tofino /,
    );
  });

  it.each(['', 'job'])('none at all: "fpisa %s" shows what there is', async (line) => {
    const { code, stderr } = await fpisa(...words(line));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: fpisa.*Commands:/s);
    expect(stderr).toMatch(/^fpisa: "fpisa.*" needs a command \(commands: .*\)/m);
  });

  it('are one JSON object, too', async () => {
    const ended = await fpisa('demo', '--json', '--workers', '99');
    expect(ended).toMatchObject({ code: 2, stderr: '' });
    expect(onlyJson(ended)).toEqual({
      ok: false,
      error: { code: 'FPISA_USAGE', message: expect.stringMatching(/from 2 to 8/) as string },
    });
  });
});
