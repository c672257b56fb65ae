import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../controlplane/p4runtime/client-options.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { client } from './client.helpers.js';
import { FakeSwitch } from './fake-switch.helpers.js';
import { onEnd } from './site.helpers.js';

describe('TLS', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fpisa-tls-'));
    const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test CA',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    );
    for (const name of ['switch.test', 'controller']) {
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=DNS:${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      );
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-copy_extensions',
        'copy',
        '-out',
        `${name}.pem`,
      );
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function secure(clientCertificate: boolean): Promise<FakeSwitch> {
    const pair = {
      private_key: readFileSync(file('switch.test.key')),
      cert_chain: readFileSync(file('switch.test.pem')),
    };
    const fake = await new FakeSwitch().start(
      ServerCredentials.createSsl(readFileSync(file('ca.pem')), [pair], clientCertificate),
    );
    onEnd(() => fake.stop());
    return fake;
  }

  test('the server is checked against the authority', async () => {
    const fake = await secure(false);
    const tls = { ca: file('ca.pem'), serverName: 'switch.test' };
    expect(await client(fake, { tls }).connect()).toEqual({ primary: true });
    await expect(
      client(fake, { tls: { ...tls, ca: file('controller.pem') } }).connect({ timeoutMs: 2_000 }),
    ).rejects.toThrow(/no P4Runtime server answered.*certificate/);
    await expect(client(fake).connect({ timeoutMs: 2_000 })).rejects.toThrow(/no P4Runtime server answered/);
  });

  test('mutual TLS', async () => {
    const fake = await secure(true);
    const tls = { ca: file('ca.pem'), serverName: 'switch.test' };
    await expect(client(fake, { tls }).connect({ timeoutMs: 2_000 })).rejects.toThrow(/no P4Runtime server answered/);
    const own = { ...tls, certificate: file('controller.pem'), key: file('controller.key') };
    expect(await client(fake, { tls: own }).connect()).toEqual({ primary: true });
  });

  test('options that cannot be used', () => {
    const make = (tls: ClientOptions['tls']) => () =>
      new P4RuntimeClient({ address: 'h:1', deviceId: 1, ...(tls && { tls }) });
    expect(make({ key: file('controller.key') })).toThrow('mutual TLS needs both certificate and key of the client');
    expect(make({ ca: file('nothing.pem') })).toThrow(/cannot read the PEM file .*nothing\.pem: ENOENT/);
  });
});
