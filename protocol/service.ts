/** The controller's gRPC service as protobufjs sees it, for both sides of the wire. */
import protobuf from 'protobufjs';
import { shippedFile } from '../net/package-files.js';

export const SERVICE_NAME = 'fpisa.v1.Controller';

/** A new reflection root of `protocol/proto/fpisa.proto`. */
export function loadService(): protobuf.Root {
  return new protobuf.Root().loadSync(shippedFile('protocol/proto/fpisa.proto'));
}
