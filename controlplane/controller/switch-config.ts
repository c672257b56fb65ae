/** Checks one switch's configuration by itself; topology.ts checks several together. */
import { counted } from '../../net/count.js';
import { BUILD_DESCRIPTORS, wantedBuild, type BuildTarget } from '../../protocol/builds.js';
import { isUdpPort, parseHostPort } from '../../net/host-port.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import { parseEndpoint } from '../endpoint.js';
import { choices, SwitchConfigError } from '../errors.js';
import { CHIPS, frontPanelRanges, isFrontPanelPort, type Chip } from '../tofino/ports.js';
import type { SwitchConfig } from './state.js';

const TARGETS: readonly BuildTarget[] = ['bmv2', ...CHIPS];
/** Ports are bit<9>; in v1model, 510 is the CPU port and 511 means "drop". */
const MAX_PORT = 509;
/** A header's count of values is 16 bits, but a packet with more than this is larger than any link carries. */
const MAX_VALUES = 2048;

type Wrong = (what: string) => never;

/** @throws SwitchConfigError naming the switch, what is wrong and what would be right */
export function checkSwitchConfig(config: SwitchConfig): void {
  const wrong: Wrong = (what) => {
    throw new SwitchConfigError(`switch "${config.name}": ${what}`);
  };
  if (config.name === '') wrong('the name is empty');
  if (parseHostPort(config.address) === undefined)
    wrong(`address "${config.address}" is not host:port, for example 127.0.0.1:9559`);
  if (!Number.isSafeInteger(config.deviceId) || config.deviceId < 0)
    wrong(`device id ${config.deviceId} is not a whole number`);
  if (ipv4ToBytes(config.serviceIp) === undefined)
    wrong(`service address "${config.serviceIp}" is not dotted IPv4 without leading zeros`);
  if (macToBytes(config.serviceMac) === undefined)
    wrong(`service MAC address "${config.serviceMac}" is not six hex pairs`);
  if (!isUdpPort(config.serviceUdpPort))
    wrong(`service UDP port ${config.serviceUdpPort} is not in the range 1 to 65535`);
  const chip = checkTarget(config, wrong);
  checkPorts(config, chip, wrong);
  for (const { prefix, mac } of config.routes ?? []) {
    const match = /^(.+)\/(\d+)$/.exec(prefix);
    if (match === null || ipv4ToBytes(match[1]!) === undefined || Number(match[2]) > 32)
      wrong(`route "${prefix}" is not of the form 10.0.0.0/8`);
    if (macToBytes(mac) === undefined) wrong(`MAC address "${mac}" of route ${prefix} is not six hex pairs`);
  }
}

/** @returns the chip of a Tofino; undefined for BMv2 */
function checkTarget(config: SwitchConfig, wrong: Wrong): Chip | undefined {
  const { target = 'bmv2', build, buildDir, valuesPerPacket, deviceId } = config;
  if (!TARGETS.includes(target)) wrong(`target "${String(target)}" is not one of ${choices(TARGETS)}`);
  if (target === 'bmv2') {
    if (buildDir !== undefined)
      wrong(`buildDir is for a Tofino: give the target (${choices(CHIPS)}), or leave buildDir out`);
    const known = BUILD_DESCRIPTORS.map(({ name }) => name);
    const wanted = wantedBuild(config);
    if (wanted === undefined)
      wrong(
        build === undefined
          ? `there is no build with ${counted(valuesPerPacket, 'value')} per packet (builds: ${choices(known)})`
          : `there is no build "${build}" (builds: ${choices(known)})`,
      );
    else if (wanted.valuesPerPacket !== valuesPerPacket)
      wrong(
        `build "${wanted.name}" has ${counted(wanted.valuesPerPacket, 'value')} per packet, not ${valuesPerPacket}`,
      );
    return undefined;
  }
  if (build !== undefined) wrong(`build "${build}" is for BMv2: for a Tofino, buildDir contains the build`);
  if (typeof buildDir !== 'string' || buildDir === '')
    wrong(`target ${target} needs buildDir, the directory into which p4c compiled the program for it`);
  if (!Number.isInteger(valuesPerPacket) || valuesPerPacket < 1 || valuesPerPacket > MAX_VALUES) {
    wrong(
      `valuesPerPacket is ${String(valuesPerPacket)}, not the number for which the program in buildDir was compiled: 1 to ${MAX_VALUES}`,
    );
  }
  // Stratum's node ids begin at 1, and it treats 0 as a missing device id.
  if (deviceId === 0)
    wrong(
      'device id 0 means "no device" to Stratum: use the id of the node in its chassis configuration, for example 1',
    );
  return target;
}

function checkPorts(config: SwitchConfig, chip: Chip | undefined, wrong: Wrong): void {
  const check = (port: number, what: string): void => {
    if (chip !== undefined && !isFrontPanelPort(chip, port))
      wrong(
        `${what} ${String(port)}, not a front-panel port as ${chip} numbers them: ${frontPanelRanges(chip).join(', ')}`,
      );
    if (chip === undefined && !isPort(port)) wrong(`${what} ${String(port)}, not in the range 1 to ${MAX_PORT}`);
  };
  const ports: unknown = config.ports;
  if (typeof ports !== 'object' || ports === null || Array.isArray(ports))
    wrong(
      'ports is not an object of ports for workers: {"1": null} where they send to the service address, {"1": "IP:UDPPORT"} where they have a socket',
    );
  for (const [port, endpoint] of Object.entries(config.ports)) {
    check(Number(port), 'a port is');
    if (endpoint === null || endpoint === undefined) continue;
    if (chip !== undefined)
      wrong(`port ${port} has the endpoint "${endpoint}", which only the embedded switch has: use null`);
    parseEndpoint(endpoint, `endpoint of port ${port} of switch "${config.name}"`);
  }
  for (const { port } of config.routes ?? []) check(port, 'the port of a route is');
  if (config.parent === undefined) return;
  const { switch: name, port, parentPort } = config.parent;
  if (typeof name !== 'string' || name === '')
    wrong('parent needs the name of a switch: {"switch": NAME, "port": NUMBER, "parentPort": NUMBER}');
  check(port, 'the port to its parent is');
  // The parent may be a different chip: here only the general range of ports can be checked.
  if (!isPort(parentPort)) wrong(`parentPort is ${String(parentPort)}, not in the range 1 to ${MAX_PORT}`);
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= MAX_PORT;
}
