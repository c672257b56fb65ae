/** `fpisa switch` with UDP ports. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Command, onEnd } from '../../cli/support/command.js';
import { SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import { DEVICE_ID, EgressQueue, PORTS, SERVICE_MAC, type Target } from './target.js';

interface Ready {
  readonly p4runtime: string;
  readonly ports: Record<string, string>;
}

/** An address of this machine on which nothing else has the service's port, and a socket there. */
async function receiver(): Promise<{ address: string; socket: Socket }> {
  for (;;) {
    const address = `127.${1 + Math.floor(Math.random() * 254)}.${Math.floor(Math.random() * 256)}.254`;
    const socket = createSocket('udp4');
    try {
      socket.bind({ address, port: SERVICE_UDP_PORT, exclusive: true });
      await once(socket, 'listening');
      return { address, socket };
    } catch {
      socket.close();
    }
  }
}

/** The packets that come in are addressed to a socket here, so that those the switch forwards arrive in it. */
export async function startEmulator(...args: readonly string[]): Promise<Target> {
  const { address: service, socket } = await receiver();
  const queue = new EgressQueue();
  const command = new Command([
    'switch',
    '--json',
    '--p4runtime',
    '127.0.0.1:0',
    '--device-id',
    String(DEVICE_ID),
    '--ports',
    String(PORTS),
    '--service-ip',
    service,
    '--service-mac',
    SERVICE_MAC,
    ...args,
  ]);
  const { p4runtime, ports } = (await command.line(({ ready }) => ready === true)) as unknown as Ready;
  const udpPorts = new Map(
    Object.entries(ports).map(([number, place]) => [Number(number), Number(place.split(':')[1])]),
  );
  socket.on('message', (payload, from) => {
    for (const [port, udpPort] of udpPorts) if (udpPort === from.port) queue.push({ port, payload });
  });
  const senders = new Map<number, Socket>();
  onEnd(() => {
    for (const each of [socket, ...senders.values()]) each.close();
  });
  return {
    address: p4runtime,
    deviceId: DEVICE_ID,
    inject(port, sender, payload) {
      const from = senders.get(sender) ?? createSocket('udp4').bind({ address: `127.0.0.${sender}` });
      senders.set(sender, from);
      from.send(payload, udpPorts.get(port)!, '127.0.0.1');
    },
    egress: (count) => queue.take(count),
  };
}
