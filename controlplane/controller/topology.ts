/** Trees of switches: their structure, and whether a set of configurations forms trees. */
import { counted } from '../../net/count.js';
import { ipv4ToNumber } from '../../net/ipv4.js';
import { macToBigint } from '../../net/mac.js';
import { choices, SwitchConfigError } from '../errors.js';
import { frontPanelRanges, isFrontPanelPort, pipeOf } from '../tofino/ports.js';
import type { SwitchConfig } from './state.js';

export type Switches = Readonly<Record<string, SwitchConfig>>;

/** Switches without a parent, by name. */
export function rootsOf(switches: Switches): string[] {
  return names(Object.values(switches).filter(({ parent }) => parent === undefined));
}

export function childrenOf(switches: Switches, name: string): SwitchConfig[] {
  const children = Object.values(switches).filter(({ parent }) => parent?.switch === name);
  return children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The switch `root` and all below it: parents before their children. */
export function treeBelow(switches: Switches, root: string): string[] {
  const tree = [root];
  for (const name of tree) tree.push(...names(childrenOf(switches, name)));
  return tree;
}

/**
 * Checks that parents exist, that there are no cycles, that every port is used once, and that the switches of a tree
 * have different addresses and the same build.
 * @throws SwitchConfigError naming the switch, what is wrong and what would be right
 */
export function checkTopology(switches: Switches): void {
  for (const config of Object.values(switches)) checkParent(switches, config);
  for (const config of Object.values(switches)) checkPorts(switches, config);
  for (const config of Object.values(switches)) checkPipes(switches, config);
  for (const root of rootsOf(switches)) checkTree(treeBelow(switches, root).map((name) => switches[name]!));
}

function checkParent(switches: Switches, config: SwitchConfig): void {
  const path = [config.name];
  for (let { parent } = config; parent !== undefined;) {
    const next = Object.hasOwn(switches, parent.switch) ? switches[parent.switch] : undefined;
    const child = path.at(-1)!;
    if (next === undefined)
      throw wrong(child, `its parent "${parent.switch}" does not exist (switches: ${choices(Object.keys(switches))})`);
    if (path.includes(next.name)) {
      throw wrong(
        child,
        `its parents lead back to itself (${[...path.slice(path.indexOf(next.name)), next.name].join(' -> ')}); the top switch of a tree has no parent`,
      );
    }
    if (child === config.name) checkLinkAtParent(config, next);
    path.push(next.name);
    ({ parent } = next);
  }
}

function checkLinkAtParent({ name, parent }: SwitchConfig, { name: parentName, target = 'bmv2' }: SwitchConfig): void {
  const port = parent!.parentPort;
  if (target === 'bmv2' || isFrontPanelPort(target, port)) return;
  throw wrong(
    name,
    `parentPort is ${port}, not a front-panel port of switch "${parentName}" as ${target} numbers them: ${frontPanelRanges(target).join(', ')}`,
  );
}

/** A job uses all switches below its top one, and pipes do not share registers. */
function checkPipes(switches: Switches, { name, target = 'bmv2' }: SwitchConfig): void {
  if (target === 'bmv2') return;
  const [first, ...others] = childrenOf(switches, name);
  const other = others.find(({ parent }) => pipeOf(parent!.parentPort) !== pipeOf(first!.parent!.parentPort));
  if (other === undefined) return;
  const [one, two] = [first!, other].map((child) => `"${child.name}" at port ${child.parent!.parentPort}`);
  throw wrong(
    name,
    `switches below it are in different pipes (${one}, ${two}), which do not share registers; connect them to ports of one pipe (port / 128)`,
  );
}

/** A packet is interpreted by its ingress port, so a port has exactly one use. */
function checkPorts(switches: Switches, config: SwitchConfig): void {
  const uses: [port: number, use: string][] = [
    ...Object.keys(config.ports).map((port): [number, string] => [Number(port), 'a port for workers']),
    ...(config.parent === undefined
      ? []
      : [[config.parent.port, `the uplink to "${config.parent.switch}"`] as [number, string]]),
    ...childrenOf(switches, config.name).map((child): [number, string] => [
      child.parent!.parentPort,
      `the link to "${child.name}"`,
    ]),
  ];
  const used = new Map<number, string>();
  for (const [port, use] of uses) {
    const other = used.get(port);
    if (other !== undefined)
      throw wrong(
        config.name,
        `port ${port} is ${other}, and ${use} as well; a port has one use (ports in use: ${choices([...used.keys()].sort((a, b) => a - b))})`,
      );
    used.set(port, use);
  }
}

function checkTree(tree: readonly SwitchConfig[]): void {
  const kinds: [what: string, of: (config: SwitchConfig) => string, key: (text: string) => unknown][] = [
    ['service address', ({ serviceIp }) => serviceIp, ipv4ToNumber],
    ['service MAC address', ({ serviceMac }) => serviceMac, macToBigint],
  ];
  for (const [what, of, key] of kinds) {
    const owners = new Map<unknown, string>();
    for (const config of tree) {
      const other = owners.get(key(of(config)));
      if (other !== undefined)
        throw wrong(
          config.name,
          `${what} ${of(config)} is that of switch "${other}" of the same tree; each switch needs its own`,
        );
      owners.set(key(of(config)), config.name);
    }
  }
  const root = tree[0]!;
  for (const { name, valuesPerPacket } of tree) {
    if (valuesPerPacket !== root.valuesPerPacket) {
      throw wrong(
        name,
        `it has ${counted(valuesPerPacket, 'value')} per packet, switch "${root.name}" of the same tree ${root.valuesPerPacket}; a tree runs one build`,
      );
    }
  }
}

function wrong(name: string, what: string): SwitchConfigError {
  return new SwitchConfigError(`switch "${name}": ${what}`);
}

function names(configs: readonly SwitchConfig[]): string[] {
  return configs.map(({ name }) => name);
}
