/** The controller's gRPC service by name, and as protobufjs sees it, for who asks a server what it offers. */
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import protobuf from 'protobufjs';

/** A file that ships beside the sources, found from the sources and from `dist/` alike. */
export function shippedFile(relative: string): string {
  for (const up of ['../', '../../']) {
    const path = fileURLToPath(new URL(up + relative, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error(`${relative} is not beside the installed package`);
}

export const SERVICE_NAME = 'fpisa.v1.Controller';

/** A new reflection root of `protocol/proto/fpisa.proto`. */
export function loadService(options: protobuf.IParseOptions = {}): protobuf.Root {
  return new protobuf.Root().loadSync(shippedFile('protocol/proto/fpisa.proto'), options);
}
