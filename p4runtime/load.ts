/**
 * The protobuf types of P4Runtime, from the .proto files in the folder proto/.
 *
 * Names are camelCase in JavaScript (protobufjs' own default). The types are read once per process: they
 * are immutable, and reading them takes about ten milliseconds.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** The folder of the .proto files, found from the sources and from `dist/` alike. */
export function protoFolder(): string {
  for (const up of ['../', '../../']) {
    const path = fileURLToPath(new URL(`${up}p4runtime/proto/`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error('p4runtime/proto is not in the installed package');
}

function load(): protobuf.Root {
  const folder = protoFolder();
  const root = new protobuf.Root();
  // Imports are relative to the folder and not to the importing file; protobufjs knows google/protobuf/any.proto itself.
  root.resolvePath = (_origin, target) => (target.startsWith('google/protobuf/') ? target : folder + target);
  root.loadSync('p4/v1/p4runtime.proto');
  // The Any that protobufjs includes is the only type whose names are not camelCase.
  const any = root.lookupType('google.protobuf.Any');
  any.remove(any.fields['type_url']!);
  any.add(new protobuf.Field('typeUrl', 1, 'string'));
  root.resolveAll();
  return root;
}

let loaded: protobuf.Root | undefined;

/** All types: `p4.v1`, `p4.config.v1`, `google.rpc.Status`, `google.protobuf.Any`. */
export function protobufRoot(): protobuf.Root {
  return (loaded ??= load());
}
