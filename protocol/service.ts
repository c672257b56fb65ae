/** The controller's gRPC service by name, and as a protobufjs root, for server reflection. */
import protobuf from 'protobufjs';
import { shippedFile } from '../net/package-files.js';

export const CONTROLLER_SERVICE = 'fpisa.v1.Controller';

/** A new reflection root of `protocol/proto/fpisa.proto`. */
export function loadService(options: protobuf.IParseOptions = {}): protobuf.Root {
  return new protobuf.Root().loadSync(shippedFile('protocol/proto/fpisa.proto'), options);
}
