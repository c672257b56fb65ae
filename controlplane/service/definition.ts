/** The controller's gRPC service for grpc-js, for server and client alike. */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { loadService, SERVICE_NAME } from '../../protocol/service.js';
import type {
  ControllerMessage,
  CreateJobRequest,
  JobMessage,
  SlotReportMessage,
  StatusMessage,
  WorkerMessage,
} from '../messages.js';

/** Trailer that carries the stable code of the error beside gRPC's own. */
export const CODE_TRAILER = 'fpisa-code';

/** Numbers for 64-bit counters (exact below 2^53), every field present but members of a oneof. */
const PLAIN: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true };

function method<Request, Response>(root: protobuf.Root, name: string): MethodDefinition<Request, Response> {
  const rpc = root.lookupService(SERVICE_NAME).methods[name]!;
  const codec = <T>(typeName: string): { write: (message: T) => Buffer; read: (bytes: Buffer) => T } => {
    const type = root.lookupType(`fpisa.v1.${typeName}`);
    return {
      write: (message) => Buffer.from(type.encode(type.fromObject(message as Record<string, unknown>)).finish()),
      read: (bytes) => type.toObject(type.decode(bytes), PLAIN) as T,
    };
  };
  const request = codec<Request>(rpc.requestType);
  const response = codec<Response>(rpc.responseType);
  return {
    path: `/${SERVICE_NAME}/${name}`,
    requestStream: rpc.requestStream ?? false,
    responseStream: rpc.responseStream ?? false,
    requestSerialize: request.write,
    requestDeserialize: request.read,
    responseSerialize: response.write,
    responseDeserialize: response.read,
    originalName: name[0]!.toLowerCase() + name.slice(1),
  };
}

/** A new definition; the types are read from protocol/proto/fpisa.proto each time. */
export function controllerService() {
  const root = loadService();
  return {
    Join: method<WorkerMessage, ControllerMessage>(root, 'Join'),
    CreateJob: method<CreateJobRequest, JobMessage>(root, 'CreateJob'),
    ListJobs: method<Record<string, never>, { jobs: JobMessage[] }>(root, 'ListJobs'),
    GetJob: method<{ name: string }, JobMessage>(root, 'GetJob'),
    DeleteJob: method<{ name: string; force?: boolean }, Record<string, never>>(root, 'DeleteJob'),
    GetStatus: method<Record<string, never>, StatusMessage>(root, 'GetStatus'),
    ProbeJob: method<{ name: string }, { slots: SlotReportMessage[] }>(root, 'ProbeJob'),
  } satisfies ServiceDefinition;
}
