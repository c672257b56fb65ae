/** Channel credentials from files or bytes: none, TLS, or TLS with a client certificate. */
import { readFileSync } from 'node:fs';
import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { EntityError } from './errors.js';

export interface TlsOptions {
  /** PEM of the certificate authority, or a path to it; absent: those of the system. */
  readonly ca?: string | Uint8Array;
  /** Of this client, for mutual TLS: both or neither. */
  readonly certificate?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Name to expect in the server's certificate, when it is not the host of the address. */
  readonly serverName?: string;
}

/** @throws EntityError when one half of the client certificate is missing, or a file cannot be read */
export function channelCredentials(tls: TlsOptions | undefined): {
  credentials: ChannelCredentials;
  options: ChannelOptions;
} {
  if (tls === undefined) return { credentials: credentials.createInsecure(), options: {} };
  if ((tls.certificate === undefined) !== (tls.key === undefined)) {
    throw new EntityError('mutual TLS needs both certificate and key of the client');
  }
  const options =
    tls.serverName === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': tls.serverName, 'grpc.default_authority': tls.serverName };
  return { credentials: credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate)), options };
}

function pem(source: string | Uint8Array | undefined): Buffer | null {
  if (source === undefined) return null;
  if (typeof source !== 'string') return Buffer.from(source);
  if (source.includes('-----BEGIN')) return Buffer.from(source);
  try {
    return readFileSync(source);
  } catch (error) {
    throw new EntityError(`cannot read the PEM file ${source}: ${(error as Error).message}`);
  }
}
