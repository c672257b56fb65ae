/** Server reflection, so that grpcurl and similar tools need no .proto file. */
import { ReflectionService } from '@grpc/reflection';
import type protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { loadService, CONTROLLER_SERVICE } from '../../protocol/service.js';

/** protobufjs adds this method when its descriptor extension is loaded, without a type. */
interface Descriptive {
  toDescriptor(syntax: 'proto3'): protobuf.Message & { file: protobuf.Message[] };
}

export function reflection(): ReflectionService {
  // The wire's names, unlike the camel case that the service itself uses.
  const root = loadService({ keepCase: true });
  root.resolveAll();
  const { file } = (root as unknown as Descriptive).toDescriptor('proto3');
  const fileDescriptorProtos = file.map((each) => Buffer.from(descriptor.FileDescriptorProto.encode(each).finish()));
  // The service reads only the file descriptors of a package definition.
  const definition = { [CONTROLLER_SERVICE]: { fileDescriptorProtos } } as unknown as ConstructorParameters<
    typeof ReflectionService
  >[0];
  return new ReflectionService(definition);
}
