/** Certificates for a test, made with openssl. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scratch } from '../../cli/support/command.js';

interface Pair {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly server: Pair;
  readonly client: Pair;
  /** Signed by itself only. */
  readonly stranger: Pair;
}

export const openssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

export function makeCertificates(): Certificates {
  const folder = scratch();
  const make = (name: string, ...more: string[]): Pair => {
    const pair = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    ];
    execFileSync('openssl', [...args, '-keyout', pair.key, '-out', pair.certificate, ...more], { stdio: 'ignore' });
    return pair;
  };
  const ca = make('authority');
  const leaf = ['-CA', ca.certificate, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE'];
  return {
    ca: ca.certificate,
    server: make('server', ...leaf, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'),
    client: make('client', ...leaf),
    stranger: make('stranger'),
  };
}
