import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { P4RuntimeServer } from '../../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../../emulator/p4runtime/switch-device.js';
import { P4RuntimeServiceClient, unary } from '../../../p4runtime/index.js';
import { action, failureOf, frame, l2, TestBed } from './support.js';

/** grpc.health.v1.Health/Check, in which field 1 is the service's name and the status. */
function health(port: number, service: string): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const name = Buffer.from(service);
  const request = Buffer.concat([Buffer.of(10, name.length), name]);
  return new Promise<Buffer>((resolve, reject) =>
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      (error, response) => (error ? reject(error) : resolve(response!)),
    ),
  )
    .then((response) => response[1]!)
    .finally(() => client.close());
}

const SERVING = 1;

describe('the service', () => {
  let bed: TestBed;
  beforeEach(async () => (bed = await TestBed.start()));
  afterEach(() => bed.stop());

  it('says that it is healthy, as a whole and by name', async () => {
    expect(await health(bed.port, '')).toBe(SERVING);
    expect(await health(bed.port, 'p4.v1.P4Runtime')).toBe(SERVING);
    await expect(health(bed.port, 'another')).rejects.toMatchObject({ code: 5 });
  });

  it('ends its streams when it closes', async () => {
    const stream = await bed.primary();
    await bed.server.close();
    expect(await stream.end()).not.toBe('OK');
  });

  it('reports a port that is taken', async () => {
    const second = new P4RuntimeServer(new SwitchDevice());
    await expect(second.listen(`127.0.0.1:${bed.port}`)).rejects.toThrow();
    await second.close();
  });

  it('answers for the device it is told to be', async () => {
    const other = new P4RuntimeServer(new SwitchDevice(), { deviceId: 2n ** 64n - 1n });
    const port = await other.listen('127.0.0.1:0');
    const stub = new P4RuntimeServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      const get = (deviceId: bigint) => unary(stub, 'GetForwardingPipelineConfig', { deviceId, responseType: 'ALL' });
      expect(await get(2n ** 64n - 1n)).toEqual({});
      expect(await failureOf(get(1n))).toMatchObject({
        code: 'NOT_FOUND',
        message: 'There is no device 1; valid: 18446744073709551615.',
      });
    } finally {
      stub.close();
      await other.close();
    }
  });

  it('drops packet-ins for a controller that does not read, and keeps the switch going', async () => {
    const stream = await bed.primary();
    await bed.commit();
    await bed.insert(l2(5n, action('to_cpu')));
    // All in one turn of the event loop, so nothing can be read meanwhile.
    for (let i = 0; i < 10_000; i++) bed.device.receive(1, frame(5n, 1n, 0x1234));
    await bed.insert(l2(6n, action('forward', 1)));
    expect(bed.device.receive(1, frame(6n, 1n, 0x1234)).length).toBe(1);
    stream.arbitrate(1n);
    let packets = 0;
    while ((await stream.next()).packet) packets++;
    expect(packets).toBeGreaterThanOrEqual(4096);
    expect(packets).toBeLessThan(5000);
  });
});

const openssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('TLS (needs openssl on the path)', () => {
  it.skipIf(!openssl)('is used with the credentials given, and clients without it do not get in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'p4runtime-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        certificate,
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
      ],
      { stdio: 'ignore' },
    );
    const pair = { private_key: readFileSync(key), cert_chain: readFileSync(certificate) };
    const server = new P4RuntimeServer(new SwitchDevice());
    const port = await server.listen('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]));
    const override = { 'grpc.ssl_target_name_override': 'localhost' };
    const safe = new P4RuntimeServiceClient(`127.0.0.1:${port}`, credentials.createSsl(pair.cert_chain), override);
    const plain = new P4RuntimeServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      expect(await unary(safe, 'Capabilities', {})).toEqual({ p4runtimeApiVersion: '1.4.1' });
      expect((await failureOf(unary(plain, 'Capabilities', {}))).code).toBe('UNAVAILABLE');
    } finally {
      safe.close();
      plain.close();
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
