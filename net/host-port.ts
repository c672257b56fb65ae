/** `host:port`, as used in arguments and configurations. */

export interface HostPort {
  /** A name or an address; a prefix, such as the scheme of a gRPC target, is part of it. */
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;
const FORM = /^(\S+):(0|[1-9]\d{0,4})$/;
/** An IPv6 address stands in brackets: without them its last group would be taken for a port. */
const HOST = /^(?:(?:dns|ipv4|ipv6):\/*)?(?:[^:[\]]+|\[[^\s[\]]+\])$/;

/**
 * The port is decimal without leading zeros, and may be 0, for "any free one".
 * @returns undefined when `text` is not of this form
 */
export function parseHostPort(text: string): HostPort | undefined {
  const [, host, port] = FORM.exec(text) ?? [];
  return host === undefined || !HOST.test(host) || Number(port) > MAX_PORT ? undefined : { host, port: Number(port) };
}

/** Whether packets can be sent to it. */
export function isUdpPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= MAX_PORT;
}
