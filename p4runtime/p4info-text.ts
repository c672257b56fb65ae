/**
 * Reads protobuf text format, in which p4c writes P4Info (`.p4info.txt`, `.txtpb`), using the message types of
 * load.ts. The whole grammar is supported except expanded `Any` values of unknown types.
 */
import protobuf from 'protobufjs';
import { codec } from './codec.js';
import { P4InfoSyntaxError } from './errors.js';
import { protobufRoot } from './load.js';
import { TextScanner, type Token } from './text-scanner.js';

type Plain = Record<string, unknown>;
const LONG = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

/** Field names as in the .proto files and the text format. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function fieldOf(type: protobuf.Type, name: Token, scanner: TextScanner): protobuf.Field {
  const field = type.fieldsArray.find((each) => snakeCase(each.name) === name.text);
  if (field) return field;
  const valid = type.fieldsArray.map((each) => snakeCase(each.name)).join(', ');
  throw scanner.error(name, `${type.name} has no field ${name.text}; valid fields: ${valid}`);
}

/** Empty values of everything that is not optional, so that the result is complete. */
function emptyMessage(type: protobuf.Type): Plain {
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    if (field.repeated) plain[field.name] = [];
    else if (field.map) plain[field.name] = {};
    else if (field.partOf || field.resolvedType instanceof protobuf.Type) continue;
    else if (field.resolvedType) plain[field.name] = field.resolvedType.valuesById[0];
    else plain[field.name] = emptyScalar(field.type);
  }
  return plain;
}

function emptyScalar(type: string): unknown {
  if (type === 'string') return '';
  if (type === 'bytes') return new Uint8Array(0);
  if (type === 'bool') return false;
  return LONG.has(type) ? 0n : 0;
}

function readEnum(type: protobuf.Enum, scanner: TextScanner): string | number {
  const token = scanner.next();
  if (token.kind === 'number') return type.valuesById[Number(token.text)] ?? Number(token.text);
  if (token.kind === 'word' && type.values[token.text] !== undefined) return token.text;
  throw scanner.error(token, `${token.text} is not a ${type.name}; valid: ${Object.keys(type.values).join(', ')}`);
}

function readScalar(type: string, scanner: TextScanner): unknown {
  const token = scanner.next();
  if (type === 'string' || type === 'bytes') {
    if (token.kind !== 'string') throw scanner.error(token, `expected a quoted string, not ${token.text}`);
    const bytes = [token.bytes!];
    while (scanner.peek().kind === 'string') bytes.push(scanner.next().bytes!); // Adjacent strings are one.
    const all = Buffer.concat(bytes);
    return type === 'bytes' ? new Uint8Array(all) : all.toString('utf8');
  }
  if (type === 'bool') {
    if (['true', 'True', 't', '1'].includes(token.text)) return true;
    if (['false', 'False', 'f', '0'].includes(token.text)) return false;
    throw scanner.error(token, `expected true or false, not ${token.text}`);
  }
  if (token.kind !== 'number') throw scanner.error(token, `expected a number, not ${token.text}`);
  return integer(token, scanner, LONG.has(type));
}

function integer(token: Token, scanner: TextScanner, long: boolean): bigint | number {
  const sign = token.text.startsWith('-') ? -1n : 1n;
  const digits = token.text.replace(/^-/, '').replace(/^0(?=[0-7]+$)/, '0o');
  try {
    const value = sign * BigInt(digits);
    return long ? value : Number(value);
  } catch {
    throw scanner.error(token, `expected an integer, not ${token.text}`);
  }
}

/** `[type.googleapis.com/name] { ... }`, the readable form of an Any. */
function readExpandedAny(scanner: TextScanner): Plain {
  const bracket = scanner.expect('[');
  let url = '';
  while (scanner.peek().text !== ']') url += scanner.next().text;
  scanner.expect(']');
  scanner.accept(':');
  let type: protobuf.Type;
  try {
    type = protobufRoot().lookupType(url.slice(url.lastIndexOf('/') + 1));
  } catch {
    throw scanner.error(bracket, `the type ${url} is unknown`);
  }
  const message = readBraced(type, scanner);
  return { typeUrl: url, value: codec<unknown>(type.fullName.slice(1)).encode(message as never) };
}

function readBraced(type: protobuf.Type, scanner: TextScanner): Plain {
  const open = scanner.next();
  if (open.text !== '{' && open.text !== '<') throw scanner.error(open, `expected {, not ${open.text}`);
  return readMessage(type, scanner, open.text === '{' ? '}' : '>');
}

function readValue(field: protobuf.Field, scanner: TextScanner): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return readBraced(type, scanner);
  return type ? readEnum(type, scanner) : readScalar(field.type, scanner);
}

function readMapEntry(field: protobuf.MapField, scanner: TextScanner): [string, unknown] {
  const open = scanner.next();
  const close = open.text === '<' ? '>' : '}';
  if (open.text !== '{' && open.text !== '<') throw scanner.error(open, `expected {, not ${open.text}`);
  let key = '';
  let value: unknown = field.resolvedType instanceof protobuf.Type ? emptyMessage(field.resolvedType) : undefined;
  while (!scanner.accept(close)) {
    const name = scanner.next();
    scanner.accept(':');
    if (name.text === 'key') key = String(readScalar(field.keyType, scanner));
    else if (name.text === 'value') value = readValue(field as protobuf.FieldBase as protobuf.Field, scanner);
    else throw scanner.error(name, `a map entry has no field ${name.text}; valid fields: key, value`);
    if (!scanner.accept(',')) scanner.accept(';');
  }
  return [key, value];
}

function readField(plain: Plain, field: protobuf.Field, scanner: TextScanner): void {
  if (field instanceof protobuf.MapField) {
    const [key, value] = readMapEntry(field, scanner);
    (plain[field.name] as Plain)[key] = value;
  } else if (field.repeated) {
    const list = plain[field.name] as unknown[];
    if (!scanner.accept('[')) list.push(readValue(field, scanner));
    else if (!scanner.accept(']')) {
      do list.push(readValue(field, scanner));
      while (scanner.accept(','));
      scanner.expect(']');
    }
  } else {
    plain[field.name] = readValue(field, scanner);
  }
}

function readMessage(type: protobuf.Type, scanner: TextScanner, close: string): Plain {
  const plain = emptyMessage(type);
  while (!scanner.accept(close)) {
    if (type.fullName === '.google.protobuf.Any' && scanner.peek().text === '[') {
      Object.assign(plain, readExpandedAny(scanner));
    } else {
      const name = scanner.next();
      if (name.kind !== 'word') throw scanner.error(name, `expected a field name, not ${name.text || 'the end'}`);
      const field = fieldOf(type, name, scanner);
      scanner.accept(':');
      readField(plain, field, scanner);
    }
    if (!scanner.accept(',')) scanner.accept(';');
  }
  return plain;
}

/**
 * A message from its text format.
 * @param typeName for example `p4.config.v1.P4Info`
 * @throws P4InfoSyntaxError with the line, and what is valid there
 */
export function parseText<T>(typeName: string, text: string): T {
  const scanner = new TextScanner(text, (message) => new P4InfoSyntaxError(message));
  return readMessage(protobufRoot().lookupType(typeName), scanner, '') as T;
}
