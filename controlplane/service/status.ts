/** Errors of the controller as gRPC statuses. */
import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { ControlPlaneError } from '../errors.js';
import { CODE_TRAILER } from './definition.js';

export type ServiceStatus = Error & StatusObject;

/** The status with which a call ends; an unexpected error becomes INTERNAL. */
export function serviceStatus(error: unknown): ServiceStatus {
  const known = error instanceof ControlPlaneError ? error : undefined;
  const details = error instanceof Error ? error.message : String(error);
  const metadata = new Metadata();
  metadata.set(CODE_TRAILER, known?.code ?? 'FPISA_INTERNAL');
  return Object.assign(new Error(details), { code: known?.grpcStatus ?? status.INTERNAL, details, metadata });
}
