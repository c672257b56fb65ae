/** Whether a switch's configuration can be used by itself; topology.ts looks at several together. */
import { BUILDS } from '../../protocol/constants.js';
import { ipv4ToNumber, isUdpPort, macToBigint, parseEndpoint } from '../address.js';
import { choices, SwitchConfigError } from '../errors.js';
import type { SwitchConfig } from './state.js';

/** Ports are bit<9>; 510 is the CPU port and 511 means "drop". */
const MAX_PORT = 509;

/** @throws SwitchConfigError naming the switch, what is wrong and what would be right */
export function checkSwitchConfig(config: SwitchConfig): void {
  const wrong = (what: string): never => {
    throw new SwitchConfigError(`switch "${config.name}": ${what}`);
  };
  if (config.name === '') wrong('the name is empty');
  if (!/^.+:\d+$/.test(config.address)) wrong(`address "${config.address}" is not host:port`);
  if (!Number.isSafeInteger(config.deviceId) || config.deviceId < 0) wrong(`device id ${config.deviceId} is not a whole number`);
  if (ipv4ToNumber(config.serviceIp) === undefined) wrong(`service address "${config.serviceIp}" is not dotted IPv4`);
  if (macToBigint(config.serviceMac) === undefined) wrong(`service MAC address "${config.serviceMac}" is not six hex pairs`);
  if (!isUdpPort(config.serviceUdpPort)) wrong(`service UDP port ${config.serviceUdpPort} is not one of 1 to 65535`);
  if (!BUILDS.some((n) => n === config.valuesPerPacket)) {
    wrong(`there is no build with ${config.valuesPerPacket} values per packet (builds: ${choices(BUILDS)})`);
  }
  for (const [port, endpoint] of Object.entries(config.ports)) {
    if (!isPort(Number(port))) wrong(`port ${port} is not one of 1 to ${MAX_PORT}`);
    if (endpoint !== null && endpoint !== undefined) parseEndpoint(endpoint, `endpoint of port ${port} of switch "${config.name}"`);
  }
  if (config.parent !== undefined) {
    const { switch: name, port, parentPort } = config.parent;
    if (typeof name !== 'string' || name === '') wrong('parent needs the name of a switch: {"switch": NAME, "port": NUMBER, "parentPort": NUMBER}');
    for (const [field, number] of Object.entries({ port, parentPort })) {
      if (!isPort(number)) wrong(`${field} of its parent is ${String(number)}, not one of 1 to ${MAX_PORT}`);
    }
  }
  for (const { prefix, mac } of config.routes ?? []) {
    const match = /^(.+)\/(\d+)$/.exec(prefix);
    if (match === null || ipv4ToNumber(match[1]!) === undefined || Number(match[2]) > 32) wrong(`route "${prefix}" is not of the form 10.0.0.0/8`);
    if (macToBigint(mac) === undefined) wrong(`MAC address "${mac}" of route ${prefix} is not six hex pairs`);
  }
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= MAX_PORT;
}
