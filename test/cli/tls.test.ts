/** P4Runtime over TLS, between the commands. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeCertificates, openssl, type Certificates } from '../clients/support/certificates.js';
import { Command, expectFailure, fpisa, onlyJson, scratch } from './support/command.js';

const missing = openssl ? undefined : 'openssl is missing';

interface Verdict {
  readonly ok: boolean;
  readonly findings: readonly { readonly subject: string; readonly finding: string }[];
}

async function device(...args: string[]): Promise<string> {
  const { p4runtime } = await new Command([
    'switch',
    '--json',
    '--p4runtime',
    '127.0.0.1:0',
    '--ports',
    '1',
    ...args,
  ]).line();
  return p4runtime as string;
}

/** The doctor's finding on the switch after the controller has tried to reach it. */
async function finding(address: string, ...args: string[]): Promise<string> {
  const keeper = new Command([
    'controller',
    '--json',
    '--listen',
    '127.0.0.1:0',
    '--switch',
    address,
    '--ports',
    '1',
    ...args,
  ]);
  const { controller } = await keeper.line();
  for (;;) {
    const verdict = onlyJson<Verdict>(await fpisa('doctor', '--json', '--controller', controller as string));
    if (verdict.ok) return 'well';
    if (!verdict.findings[0]!.finding.startsWith('connecting')) return verdict.findings[0]!.finding;
  }
}

const own = ({ client }: Certificates): string[] => ['--tls-cert', client.certificate, '--tls-key', client.key];

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'P4Runtime over TLS' : `P4Runtime over TLS (${missing})`,
  () => {
    it('is for controllers that trust its authority', async () => {
      const made = makeCertificates();
      const address = await device('--tls-cert', made.server.certificate, '--tls-key', made.server.key);
      expect(await finding(address, '--tls-ca', made.ca)).toBe('well');
      expect(await finding(address, '--tls-ca', made.stranger.certificate)).toMatch(/^unreachable/);
      expect(await finding(address)).toMatch(/^unreachable/);
    });

    it('asks controllers for certificates, if it has an authority for them', async () => {
      const made = makeCertificates();
      const address = await device(
        '--tls-cert',
        made.server.certificate,
        '--tls-key',
        made.server.key,
        '--tls-ca',
        made.ca,
      );
      expect(await finding(address, '--tls-ca', made.ca, ...own(made))).toBe('well');
      expect(await finding(address, '--tls-ca', made.ca)).toMatch(/^unreachable/);
      const { stranger } = made;
      expect(
        await finding(address, '--tls-ca', made.ca, '--tls-cert', stranger.certificate, '--tls-key', stranger.key),
      ).toMatch(/^unreachable/);
    });

    it('shows the certificate it was given', async () => {
      const made = makeCertificates();
      const address = await device('--tls-cert', made.server.certificate, '--tls-key', made.server.key);
      const socket = connect({
        port: Number(address.split(':')[1]),
        host: '127.0.0.1',
        ca: readFileSync(made.ca),
        ALPNProtocols: ['h2'],
      });
      const name = await new Promise((resolve, reject) => {
        socket.once('secureConnect', () => resolve(socket.getPeerCertificate().subject.CN));
        socket.once('error', reject);
      });
      socket.destroy();
      expect(name).toBe('server');
    });

    it('with files that are none is refused', async () => {
      const { server } = makeCertificates();
      const text = `${scratch()}/text.pem`;
      writeFileSync(text, 'no certificate');
      const start = ['switch', '--ports', '1', '--p4runtime', '127.0.0.1:0'];
      expectFailure(
        await fpisa(...start, '--tls-cert', text, '--tls-key', server.key),
        5,
        /text\.pem and .*server\.key are not a certificate and its key/,
      );
      expectFailure(
        await fpisa(...start, '--tls-cert', `${text}x`, '--tls-key', server.key),
        5,
        /text\.pemx cannot be read/,
      );
      expectFailure(
        await fpisa('controller', '--listen', '127.0.0.1:0', '--tls-cert', text, '--tls-key', server.key),
        5,
        /text\.pem and .*server\.key are not a certificate and its key/,
      );
      expectFailure(
        await fpisa('controller', '--listen', '127.0.0.1:0', '--tls-ca', `${text}x`),
        5,
        /text\.pemx cannot be read/,
      );
    });
  },
);

describe('options of TLS that do not go together', () => {
  it.each([
    [['switch', '--ports', '1', '--tls-cert', 'x.pem'], /--tls-cert and --tls-key go together/],
    [['switch', '--ports', '1', '--tls-ca', 'x.pem'], /--tls-ca of a switch needs --tls-cert and --tls-key/],
    [['controller', '--tls-key', 'x.key'], /--tls-cert and --tls-key go together/],
  ])('%s', async (args, message) => {
    expectFailure(await fpisa(...args), 2, message);
  });
});
