/** What this machine must have before a network can be built on it; each check says how to get what is missing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RequirementError } from '../errors.js';

export const SWITCHES = ['bmv2', 'emulator'] as const;
export type SwitchKind = (typeof SWITCHES)[number];

/** Debian's package is for the distribution's own Python, which need not be the first on PATH. */
const PYTHONS = ['/usr/bin/python3', 'python3'];

/** What Mininet and the topology call, and Debian's package of each. */
const TOOLS = {
  mnexec: 'mininet',
  ifconfig: 'net-tools',
  ip: 'iproute2',
  tc: 'iproute2',
  ethtool: 'ethtool',
  unshare: 'util-linux',
};

/** Namespaces that a network is built in, as options of unshare(1); {@link runInNamespaces} says why. */
export const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/**
 * @param delay whether links are to delay packets
 * @returns the Python that has Mininet
 * @throws RequirementError
 */
export function checkRequirements(kind: SwitchKind, delay: boolean): string {
  if (process.platform !== 'linux')
    throw new RequirementError(
      `Mininet runs on Linux only, and this is ${process.platform}; "fpisa demo" runs everywhere`,
    );
  if (process.getuid!() !== 0)
    throw new RequirementError(
      'Mininet needs root, since it creates network interfaces: run this as root, for example with sudo',
    );
  const python = PYTHONS.find((each) => succeeds(each, ['-c', 'import mininet.net']));
  if (python === undefined)
    throw new RequirementError(
      'Mininet is not installed: install it (Debian and Ubuntu: apt-get install mininet ethtool)',
    );
  for (const [tool, from] of Object.entries(TOOLS)) {
    if (!onPath(tool))
      throw new RequirementError(`${tool} is not on PATH: install it (Debian and Ubuntu: apt-get install ${from})`);
  }
  if (kind === 'bmv2' && !onPath('simple_switch_grpc')) {
    throw new RequirementError(
      "simple_switch_grpc is not on PATH: install BMv2 (on Ubuntu the package p4lang-bmv2 of p4lang's repository, see docs/mininet.md), or use --switch emulator, which needs nothing else",
    );
  }
  const trial = spawnSync('unshare', [...NAMESPACES, 'true'], { encoding: 'utf8' });
  if (trial.status !== 0) {
    throw new RequirementError(
      `this machine does not let root create network namespaces (${trial.stderr.trim()}): run in a virtual machine, or in a container that is started with --privileged`,
    );
  }
  if (delay && !succeeds('unshare', ['--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem'])) {
    throw new RequirementError(
      'this kernel cannot delay packets, because it lacks the queueing discipline netem: load its module sch_netem, or omit --delay (--loss and --bw work without it)',
    );
  }
  return python;
}

/** @returns whether `program` is an executable in a folder of PATH */
export function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
