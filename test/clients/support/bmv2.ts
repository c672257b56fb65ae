/** simple_switch_grpc, where it is installed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { supportedOptions } from '../../../net/bmv2.js';
import { decapsulate, encapsulate } from '../../../net/frames.js';
import { macOfIpv4, macToBytes } from '../../../net/mac.js';
import { CPU_PORT, SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import { freePorts } from '../../support/free-ports.js';
import { onEnd } from '../../cli/support/command.js';
import { DataplaneClient } from '../../differential/bmv2/dataplane.js';
import { DEVICE_ID, EgressQueue, SERVICE_MAC, type Target } from './target.js';

/** @param tls PEM files of the server; with a CA, clients must have a certificate of it. */
export async function startBmv2(tls?: {
  readonly certificate: string;
  readonly key: string;
  readonly ca?: string;
}): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-clients-'));
  const dataplane = `unix:${join(folder, 'dataplane')}`;
  // Its own socket cannot be taken by another process; but the name in a certificate can only be that of a host.
  const address = tls ? `127.0.0.1:${(await freePorts(1))[0]}` : `unix:${join(folder, 'p4runtime')}`;
  const child = spawn(
    'simple_switch_grpc',
    [
      ...['--no-p4', '--device-id', String(DEVICE_ID)],
      ...supportedOptions('simple_switch_grpc', { '--thrift-port': '0' }),
      ...['--log-file', join(folder, 'log'), '--log-level', 'warn', '--log-flush'],
      ...['--', '--cpu-port', String(CPU_PORT), '--grpc-server-addr', address, '--dp-grpc-server-addr', dataplane],
      ...(tls ? ['--grpc-server-ssl', '--grpc-server-cert', tls.certificate, '--grpc-server-key', tls.key] : []),
      ...(tls?.ca === undefined ? [] : ['--grpc-server-cacert', tls.ca, '--grpc-server-with-client-auth']),
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const client = new DataplaneClient(dataplane, credentials.createInsecure());
  onEnd(async () => {
    client.close();
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  await Promise.race([
    new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 60_000, (error) => (error ? reject(error) : resolve())),
    ),
    ended.then(() =>
      Promise.reject(
        new Error(`simple_switch_grpc ended:\n${readFileSync(join(folder, 'log.txt'), 'utf8').slice(-2_000)}`),
      ),
    ),
  ]);
  const queue = new EgressQueue();
  let stream: ReturnType<typeof client.PacketStream> | undefined;
  /** It takes packets only once there is a pipeline. */
  const dataplaneStream = () => {
    if (stream) return stream;
    stream = client.PacketStream();
    // When the client closes; before, packets would be missed.
    stream.on('error', () => undefined);
    stream.on('data', ({ port, packet }: { port: number; packet: Uint8Array }) => {
      const datagram = decapsulate(packet);
      if (datagram) queue.push({ port, payload: datagram.payload });
    });
    return stream;
  };
  let id = 0;
  return {
    address,
    deviceId: DEVICE_ID,
    inject(port, sender, payload) {
      const source = Uint8Array.of(127, 0, 0, sender);
      const from = { mac: macOfIpv4(source), ip: source, udpPort: 40_000 + sender };
      const to = { mac: macToBytes(SERVICE_MAC)!, ip: Uint8Array.of(10, 0, 0, 254), udpPort: SERVICE_UDP_PORT };
      dataplaneStream().write({ id: ++id, deviceId: DEVICE_ID, port, packet: encapsulate(from, to, payload) });
    },
    egress: (count) => queue.take(count),
  };
}
