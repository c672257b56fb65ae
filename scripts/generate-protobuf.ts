/**
 * Writes the `generated/` folders: types, encoders, decoders and gRPC services from the .proto files, by ts-proto
 * (docs/decisions/generated-protobuf.md). `npm run generate`; a test checks that the committed files are current.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { shippedFile } from '../net/package-files.js';
import { runAsCommand } from './arguments.js';

const require = createRequire(import.meta.url);

/** Options of both folders: flat oneofs, absent keys for unset fields, and no JSON functions. */
const COMMON = [
  'useOptionals=messages',
  'initializeFieldsAsUndefined=false',
  'outputServices=grpc-js',
  'outputJsonMethods=false',
  'importSuffix=.js',
  'esModuleInterop=true',
  'annotateFilesWithVersion=false',
];

export interface Output {
  /** Folder of .proto files, from the root of the repository. */
  readonly proto: string;
  /** Folder that is written only by this command. */
  readonly folder: string;
  readonly options: readonly string[];
}

export const OUTPUTS: readonly Output[] = [
  {
    proto: 'p4runtime/proto',
    folder: 'p4runtime/generated',
    // A registry, so that codec.ts finds a message's functions by name; it fills in defaults itself.
    options: [
      'forceLong=bigint',
      'stringEnums=true',
      'enumsAsLiterals=true',
      'unrecognizedEnum=false',
      'outputPartialMethods=false',
      'outputTypeAnnotations=static-only',
      'outputTypeRegistry=true',
    ],
  },
  // Counters are numbers there, exact below 2^53.
  { proto: 'protocol/proto', folder: 'protocol/generated', options: ['forceLong=number', 'useReadonlyTypes=true'] },
];

// Field numbers of descriptor.proto, of which the paths of comments consist.
const MESSAGES_OF_FILE = 4;
const NESTED_OF_MESSAGE = 3;
const FIELDS_OF_MESSAGE = 2;

/**
 * Fields in the order of their numbers. ts-proto encodes in declaration order, and every other encoder by field
 * number; bytes that are compared (fixtures, keys of entries) must not depend on which encoder wrote them.
 */
function orderFields(file: FileDescriptorProto): void {
  const places = new Map<string, number[]>();
  const order = (message: DescriptorProto, path: readonly number[]): void => {
    const sorted = message.field
      .map((field, from) => ({ field, from }))
      .sort((a, b) => a.field.number - b.field.number);
    const place: number[] = [];
    sorted.forEach(({ from }, to) => (place[from] = to));
    places.set(path.join(), place);
    message.field = sorted.map(({ field }) => field);
    message.nestedType.forEach((nested, i) => order(nested, [...path, NESTED_OF_MESSAGE, i]));
  };
  file.messageType.forEach((message, i) => order(message, [MESSAGES_OF_FILE, i]));
  // Comments are attached to fields by index.
  for (const { path } of file.sourceCodeInfo?.location ?? []) {
    for (let i = 2; i + 1 < path.length; i += 2) {
      if (path[i] !== FIELDS_OF_MESSAGE) continue;
      const place = places.get(path.slice(0, i).join());
      if (place) path[i + 1] = place[path[i + 1]!]!;
      break;
    }
  }
}

const UNRECOGNIZED = /throw new globalThis\.Error\(\s*"Unrecognized enum value " \+ object \+ " for enum \w+",?\s*\);/g;
const SILENT_END = /if \(\(tag & 7\) === 4 \|\| tag === 0\) \{\s*break;\s*\}/g;
const ILLEGAL_TAG =
  'if ((tag & 7) === 4 || tag === 0) {\n          throw new globalThis.Error("illegal tag " + tag);\n        }';

const EMPTY = 'new Uint8Array(0)';
const PACKAGE = /^export const protobufPackage = .*\n/m;

/**
 * Changes three behaviours for which ts-proto has no option: a value that an enum lacks stays a number instead of being
 * an error; a tag that no encoder writes is an error instead of ending the message as if it were complete; bytes that
 * are not set are one empty array, because to make one costs more than to decode the rest of a small message.
 */
function amend(name: string, text: string): string {
  let amended = text.replace(UNRECOGNIZED, 'return object as any;').replace(SILENT_END, ILLEGAL_TAG);
  if (amended.includes(EMPTY)) {
    amended = amended.replaceAll(EMPTY, 'NO_BYTES').replace(PACKAGE, (line) => `${line}\nconst NO_BYTES = ${EMPTY};\n`);
  }
  const decoders = amended.split('reader.skip(').length;
  if (amended.includes('Unrecognized enum') || amended.split(ILLEGAL_TAG).length !== decoders)
    throw new Error(
      `${name} is not in the form that ts-proto used to write; check the replacements in amend() in this script`,
    );
  return amended;
}

/** The files of one folder, by their path in it. */
export function generate(output: Output): Map<string, string> {
  const buf = join(dirname(require.resolve('@bufbuild/buf/package.json')), 'bin/buf');
  const image = execFileSync(process.execPath, [buf, 'build', shippedFile(output.proto), '-o', '-#format=binpb'], {
    maxBuffer: 2 ** 26,
  });
  const { file } = fromBinary(FileDescriptorSetSchema, image);
  file.forEach(orderFields);
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: file.map(({ name }) => name),
    parameter: [...COMMON, ...output.options].join(','),
    protoFile: file,
  });
  const plugin = join(dirname(require.resolve('ts-proto/package.json')), 'protoc-gen-ts_proto');
  const answer = execFileSync(process.execPath, [plugin], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: 2 ** 26,
  });
  const response = fromBinary(CodeGeneratorResponseSchema, answer);
  if (response.error) throw new Error(`ts-proto: ${response.error}`);
  return new Map(response.file.map(({ name, content }) => [name, amend(name, content)]));
}

function main(): number {
  for (const output of OUTPUTS) {
    const folder = shippedFile(output.proto).replace(/proto\/?$/, 'generated');
    const files = generate(output);
    rmSync(folder, { recursive: true, force: true });
    for (const [name, content] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    console.log(`${output.folder}: ${files.size} files`);
  }
  return 0;
}

await runAsCommand(import.meta.url, main);
