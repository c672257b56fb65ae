/** The service between a query's master and its workers, for grpc-js on both sides. */
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { shippedFile } from '../../net/package-files.js';
import type { MasterMessage, WorkerMessage } from './messages.js';

export const QUERY_SERVICE = 'fpisa.query.v1.QueryMaster';
const PACKAGE = 'fpisa.query.v1';

interface Codec<T> {
  write(message: T): Buffer;
  read(bytes: Buffer): T;
}

function codecOf<T>(root: protobuf.Root, name: string): Codec<T> {
  const type = root.lookupType(`${PACKAGE}.${name}`);
  return {
    write: (message) => Buffer.from(type.encode(type.fromObject(message as Record<string, unknown>)).finish()),
    // Fields that are not set are there with their defaults; of a oneof only the one that is set.
    read: (bytes) =>
      type.toObject(type.decode(bytes), { defaults: true, arrays: true, longs: Number, oneofs: false }) as T,
  };
}

/** A new definition; the types are read from protocol/proto/fpisa-query.proto each time. */
export function queryService(): { readonly Attach: MethodDefinition<WorkerMessage, MasterMessage> } {
  const root = new protobuf.Root().loadSync(shippedFile('protocol/proto/fpisa-query.proto'));
  const request = codecOf<WorkerMessage>(root, 'WorkerMessage');
  const response = codecOf<MasterMessage>(root, 'MasterMessage');
  return {
    Attach: {
      path: `/${QUERY_SERVICE}/Attach`,
      requestStream: true,
      responseStream: true,
      requestSerialize: request.write,
      requestDeserialize: request.read,
      responseSerialize: response.write,
      responseDeserialize: response.read,
      originalName: 'attach',
    },
  };
}
