/** TLS of P4Runtime: options of the switch that serves it and of the controller that uses it. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { Option } from 'commander';
import type { TlsOptions } from '../controlplane/p4runtime/credentials.js';
import { fileProblem } from '../net/file-problem.js';
import { FileError, UsageError } from './errors.js';

export interface TlsFlags {
  tlsCert?: string;
  tlsKey?: string;
  tlsCa?: string;
}

export function serverTlsOptions(): Option[] {
  return [
    new Option('--tls-cert <file>', 'PEM of the certificate with which P4Runtime is served over TLS; needs --tls-key'),
    new Option('--tls-key <file>', 'PEM of its private key'),
    new Option(
      '--tls-ca <file>',
      'PEM of the authority that must have signed the certificate of every client; otherwise any client may connect',
    ),
  ];
}

export function clientTlsOptions(): Option[] {
  return [
    new Option(
      '--tls-ca <file>',
      'PEM of the authority that signed the certificates of the switches; P4Runtime then runs over TLS',
    ),
    new Option('--tls-cert <file>', 'PEM of the certificate to present to switches that request one; needs --tls-key'),
    new Option('--tls-key <file>', 'PEM of its private key'),
  ];
}

/** Undefined without any of the options: P4Runtime is served in plain text. @throws UsageError, FileError */
export function serverCredentials(flags: TlsFlags): ServerCredentials | undefined {
  const { tlsCert, tlsKey, tlsCa } = flags;
  mustBePair(flags);
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsCa !== undefined)
      throw new UsageError(
        '--tls-ca of a switch needs --tls-cert and --tls-key, as there are no client certificates without TLS',
      );
    return undefined;
  }
  const ca = tlsCa === undefined ? null : pem(tlsCa);
  const pair = { cert_chain: pem(tlsCert), private_key: pem(tlsKey) };
  usable(flags, { cert: pair.cert_chain, key: pair.private_key });
  return ServerCredentials.createSsl(ca, [pair], ca !== null);
}

/** Undefined without any of the options. @throws UsageError, FileError */
export function clientTls(flags: TlsFlags): TlsOptions | undefined {
  const { tlsCert, tlsKey, tlsCa } = flags;
  mustBePair(flags);
  if (tlsCert === undefined && tlsCa === undefined) return undefined;
  const ca = tlsCa === undefined ? {} : { ca: pem(tlsCa) };
  if (tlsCert === undefined || tlsKey === undefined) return ca;
  const [certificate, key] = [pem(tlsCert), pem(tlsKey)];
  usable(flags, { cert: certificate, key });
  return { ...ca, certificate, key };
}

/** grpc-js would report it only when a client connects. */
function usable({ tlsCert, tlsKey }: TlsFlags, pair: { readonly cert: Buffer; readonly key: Buffer }): void {
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new FileError(`${tlsCert} and ${tlsKey} are not a certificate and its key: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function mustBePair({ tlsCert, tlsKey }: TlsFlags): void {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key go together: give both or neither');
}

function pem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FileError(`${path} cannot be read: ${fileProblem(error)}`, { cause: error });
  }
}
