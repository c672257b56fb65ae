/**
 * Between protobuf bytes and the plain objects of messages.ts.
 *
 * Plain objects: camelCase fields; every 64-bit integer is a bigint and every smaller one a number; bytes
 * are a Uint8Array of their own memory; enums are their value's name (a value that the .proto lacks stays
 * a number, and survives a round trip); repeated fields are arrays, never undefined; maps are objects;
 * a sub-message or member of a oneof that is not set is absent. Fields that the .proto lacks are skipped.
 */
import protobuf from 'protobufjs';
import { MessageDecodeError, MessageShapeError } from './errors.js';
import { protobufRoot } from './load.js';
import type { Init } from './messages.js';

const LONG = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);
const UNSIGNED_LONG = new Set(['uint64', 'fixed64']);

type Plain = Record<string, unknown>;

/** In proto3 only members of a oneof and messages can be told from their default. */
function hasPresence(field: protobuf.Field): boolean {
  return field.partOf !== null || (!field.map && !field.repeated && field.resolvedType instanceof protobuf.Type);
}

function toBigInt(value: unknown, unsigned: boolean): bigint {
  if (typeof value === 'number') return BigInt(value);
  const { low, high } = value as { low: number; high: number };
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return unsigned ? bits : BigInt.asIntN(64, bits);
}

function valueToPlain(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) return type.valuesById[value as number] ?? value;
  if (type) return messageToPlain(type, value as Plain);
  if (LONG.has(field.type)) return toBigInt(value, UNSIGNED_LONG.has(field.type));
  if (field.type === 'bytes') return new Uint8Array(value as Uint8Array);
  return value;
}

function messageToPlain(type: protobuf.Type, message: Plain): Plain {
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (field.repeated) {
      plain[field.name] = ((value ?? []) as unknown[]).map((item) => valueToPlain(field, item));
    } else if (field.map) {
      plain[field.name] = Object.fromEntries(
        Object.entries((value ?? {}) as Plain).map(([key, item]) => [key, valueToPlain(field, item)]),
      );
    } else if (hasPresence(field)) {
      // The prototype holds defaults, so ask the object itself.
      if (Object.hasOwn(message, field.name) && value != null) plain[field.name] = valueToPlain(field, value);
    } else {
      plain[field.name] = valueToPlain(field, value);
    }
  }
  return plain;
}

function isDefault(value: unknown): boolean {
  return (
    value === 0 ||
    value === 0n ||
    value === false ||
    value === '' ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

function enumFromPlain(type: protobuf.Enum, value: unknown, at: string): number {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' ? type.values[value] : undefined;
  if (number === undefined) {
    throw new MessageShapeError(`${at} is ${String(value)}; valid values: ${Object.keys(type.values).join(', ')}.`);
  }
  return number;
}

const INT_LIMITS: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  sint32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

function longFromPlain(type: string, value: unknown, at: string): unknown {
  const unsigned = UNSIGNED_LONG.has(type);
  if (typeof value !== 'bigint') throw new MessageShapeError(`${at} must be a bigint.`);
  if (value !== (unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))) {
    throw new MessageShapeError(`${at} is ${value}, which does not fit a ${type}.`);
  }
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)), unsigned };
}

function scalarFromPlain(type: string, value: unknown, at: string): unknown {
  if (LONG.has(type)) return longFromPlain(type, value, at);
  const limits = INT_LIMITS[type];
  if (limits) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < limits[0] || value > limits[1]) {
      throw new MessageShapeError(
        `${at} is ${String(value)}; it must be an integer from ${limits[0]} to ${limits[1]}.`,
      );
    }
    return value;
  }
  if (type === 'bytes') {
    if (!(value instanceof Uint8Array)) throw new MessageShapeError(`${at} must be a Uint8Array.`);
    return value;
  }
  const expected = type === 'bool' ? 'boolean' : type === 'string' ? 'string' : 'number';
  if (typeof value !== expected) throw new MessageShapeError(`${at} must be a ${expected}.`);
  return value;
}

function valueFromPlain(field: protobuf.Field, value: unknown, at: string): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) return enumFromPlain(type, value, at);
  if (type) return messageFromPlain(type, value, at);
  return scalarFromPlain(field.type, value, at);
}

function fieldFromPlain(field: protobuf.Field, value: unknown, at: string): unknown {
  if (field.repeated) {
    if (!Array.isArray(value)) throw new MessageShapeError(`${at} must be an array.`);
    return value.map((item, i) => valueFromPlain(field, item, `${at}[${i}]`));
  }
  if (field.map) {
    return Object.fromEntries(
      Object.entries(value as Plain).map(([key, item]) => [key, valueFromPlain(field, item, `${at}.${key}`)]),
    );
  }
  return valueFromPlain(field, value, at);
}

function messageFromPlain(type: protobuf.Type, plain: unknown, at: string): protobuf.Message {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new MessageShapeError(`${at} must be an object with the fields of ${type.name}.`);
  }
  const properties: Plain = {};
  const oneofs = new Map<string, string>();
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue;
    const field = type.fields[name];
    if (!field) {
      throw new MessageShapeError(`${at} has no field ${name}; valid fields: ${Object.keys(type.fields).join(', ')}.`);
    }
    if (field.partOf) {
      const other = oneofs.get(field.partOf.name);
      if (other) throw new MessageShapeError(`${at} sets both ${other} and ${name}, of which only one is allowed.`);
      oneofs.set(field.partOf.name, name);
    }
    const property = fieldFromPlain(field, value, `${at}.${name}`);
    if (!hasPresence(field) && (isDefault(value) || property === 0)) continue; // As every other encoder leaves it out.
    properties[name] = property;
  }
  return type.create(properties);
}

/** Encoder and decoder of one message type. */
export interface Codec<T> {
  readonly typeName: string;
  /** @throws MessageShapeError with the path of the field that is wrong. */
  encode(message: Init<T>): Uint8Array<ArrayBuffer>;
  /** @throws MessageDecodeError */
  decode(bytes: Uint8Array): T;
}

/** The codec of a message type. @param typeName fully qualified, as `p4.v1.TableEntry` */
export function codec<T>(typeName: string): Codec<T> {
  // Looked up at first use, so that a constant codec costs a process nothing that never uses it.
  let type: protobuf.Type | undefined;
  const lookup = (): protobuf.Type => (type ??= protobufRoot().lookupType(typeName));
  return {
    typeName,
    encode: (message) =>
      new Uint8Array(
        lookup()
          .encode(messageFromPlain(lookup(), message, lookup().name))
          .finish(),
      ),
    decode: (bytes) => {
      try {
        return messageToPlain(lookup(), lookup().decode(bytes) as unknown as Plain) as T;
      } catch (error) {
        throw new MessageDecodeError(`${bytes.length} bytes are not a ${typeName}: ${(error as Error).message}.`);
      }
    },
  };
}
