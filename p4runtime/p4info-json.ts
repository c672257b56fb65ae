/** Reads and writes the protobuf JSON mapping of a message, the format of p4c's `.p4info.json`. */
import protobuf from 'protobufjs';
import { codec } from './codec.js';
import { P4InfoSyntaxError } from './errors.js';
import { protobufRoot } from './load.js';

type Plain = Record<string, unknown>;

/** The mapping allows the names of the .proto file as well as camelCase; protobufjs knows only its own. */
function camelNames(type: protobuf.Type, json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(
    Object.entries(json as Plain).map(([key, value]) => {
      const name = type.fields[key] ? key : protobuf.util.camelCase(key);
      const field = type.fields[name];
      if (!field) {
        throw new P4InfoSyntaxError(
          `${type.name} has no field ${key}; valid fields: ${Object.keys(type.fields).join(', ')}.`,
        );
      }
      return [name, camelValue(field, value)];
    }),
  );
}

function camelValue(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (!(type instanceof protobuf.Type)) return value;
  if (type.fullName === '.google.protobuf.Any') return Array.isArray(value) ? value.map(packAny) : packAny(value);
  if (Array.isArray(value)) return value.map((item) => camelNames(type, item));
  if (field.map) {
    return Object.fromEntries(Object.entries(value as Plain).map(([key, item]) => [key, camelNames(type, item)]));
  }
  return camelNames(type, value);
}

/** An Any is written as the message inside it, with an additional field for its type. */
function packAny(json: unknown): unknown {
  const { '@type': typeUrl, ...fields } = json as Plain & { '@type'?: string };
  if (typeUrl === undefined) return json;
  let type: protobuf.Type;
  try {
    type = protobufRoot().lookupType(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  } catch {
    throw new P4InfoSyntaxError(`The type ${typeUrl} is unknown.`);
  }
  return { typeUrl, value: type.encode(type.fromObject(camelNames(type, fields) as Plain)).finish() };
}

/**
 * A message from its JSON form.
 * @param typeName for example `p4.config.v1.P4Info`
 * @throws P4InfoSyntaxError
 */
export function parseJson<T>(typeName: string, text: string): T {
  const type = protobufRoot().lookupType(typeName);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new P4InfoSyntaxError(`The text is not JSON: ${(error as Error).message}.`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new P4InfoSyntaxError('The JSON text must hold one object.');
  }
  const bytes = type.encode(type.fromObject(camelNames(type, json) as Plain)).finish();
  return codec<T>(typeName).decode(bytes);
}
