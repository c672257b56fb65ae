/**
 * The strict check of a plain object against its message type, which the generated encoders do not do: they
 * trust their input. A message that passes is completed with the default values that they need.
 */
import protobuf from 'protobufjs';
import { MessageShapeError } from './errors.js';

type Plain = Record<string, unknown>;

/** The path to a value, converted to text only for an error. */
interface Path {
  readonly above?: Path;
  readonly key: string | number;
}

function pathText(above: Path | undefined, key: string | number): string {
  if (!above) return String(key);
  return pathText(above.above, above.key) + (typeof key === 'number' ? `[${key}]` : `.${key}`);
}

/** Returns the value in the encoder's form. @throws MessageShapeError */
type Check = (value: unknown, above: Path | undefined, key: string | number) => unknown;

interface FieldShape {
  readonly check: Check;
  /** The oneof to which the field belongs: at most one of its fields is set. */
  readonly oneof: string | undefined;
}

interface MessageShape {
  readonly fields: Map<string, FieldShape>;
  /** Fields that are present even when they are not set. */
  readonly defaults: readonly (readonly [name: string, value: unknown])[];
}

const UNSIGNED_LONG = new Set(['uint64', 'fixed64']);
const LONG = new Set(['int64', 'sint64', 'sfixed64', ...UNSIGNED_LONG]);
const INT_LIMITS: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  sint32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

function checkLong(type: string): Check {
  const wrap = UNSIGNED_LONG.has(type) ? BigInt.asUintN : BigInt.asIntN;
  return (value, above, key) => {
    if (typeof value !== 'bigint') throw new MessageShapeError(`${pathText(above, key)} must be a bigint.`);
    if (value !== wrap(64, value)) {
      throw new MessageShapeError(`${pathText(above, key)} is ${value}, which does not fit a ${type}.`);
    }
    return value;
  };
}

function checkInteger([low, high]: readonly [number, number]): Check {
  return (value, above, key) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      throw new MessageShapeError(
        `${pathText(above, key)} is ${String(value)}; it must be an integer from ${low} to ${high}.`,
      );
    }
    return value;
  };
}

const checkBytes: Check = (value, above, key) => {
  if (!(value instanceof Uint8Array)) throw new MessageShapeError(`${pathText(above, key)} must be a Uint8Array.`);
  return value;
};

function checkScalar(type: string): Check {
  if (LONG.has(type)) return checkLong(type);
  if (INT_LIMITS[type]) return checkInteger(INT_LIMITS[type]);
  if (type === 'bytes') return checkBytes;
  const expected = type === 'bool' ? 'boolean' : type === 'string' ? 'string' : 'number';
  return (value, above, key) => {
    if (typeof value !== expected) throw new MessageShapeError(`${pathText(above, key)} must be a ${expected}.`);
    return value;
  };
}

/** A number is accepted too; one without a name, from a newer peer, stays a number. */
function checkEnum({ values, valuesById }: protobuf.Enum): Check {
  return (value, above, key) => {
    if (typeof value === 'number') return valuesById[value] ?? value;
    if (typeof value === 'string' && values[value] !== undefined) return value;
    const valid = Object.keys(values).join(', ');
    throw new MessageShapeError(`${pathText(above, key)} is ${String(value)}; valid values: ${valid}.`);
  };
}

function checkMessage(type: protobuf.Type): Check {
  return (value, above, key) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new MessageShapeError(`${pathText(above, key)} must be an object with the fields of ${type.name}.`);
    }
    return complete(type, value as Plain, above, key);
  };
}

function checkRepeated(check: Check): Check {
  return (value, above, key) => {
    if (!Array.isArray(value)) throw new MessageShapeError(`${pathText(above, key)} must be an array.`);
    const here = { above: above!, key };
    return value.map((item, i) => check(item, here, i));
  };
}

function checkMap(check: Check): Check {
  return (value, above, key) => {
    const here = { above: above!, key };
    return Object.fromEntries(Object.entries(value as Plain).map(([name, item]) => [name, check(item, here, name)]));
  };
}

function checkOf(field: protobuf.Field): Check {
  const type = field.resolvedType;
  const check = type instanceof protobuf.Enum ? checkEnum(type) : type ? checkMessage(type) : checkScalar(field.type);
  return field.repeated ? checkRepeated(check) : field.map ? checkMap(check) : check;
}

/** The value of a field that is not set; undefined for messages and members of a oneof, which are absent then. */
function defaultOf(field: protobuf.Field): unknown {
  if (field.repeated) return Object.freeze([]);
  if (field.map) return Object.freeze({});
  if (field.partOf || field.resolvedType instanceof protobuf.Type) return undefined;
  if (field.resolvedType) return field.resolvedType.valuesById[0];
  if (LONG.has(field.type)) return 0n;
  if (field.type === 'bytes') return new Uint8Array(0);
  return field.type === 'string' ? '' : field.type === 'bool' ? false : 0;
}

/** A type is immutable once it is loaded, so its derived shape can be cached. */
const shapes = new WeakMap<protobuf.Type, MessageShape>();

function shapeOf(type: protobuf.Type): MessageShape {
  let shape = shapes.get(type);
  if (!shape) {
    const fields = new Map<string, FieldShape>();
    const defaults: [string, unknown][] = [];
    for (const field of type.fieldsArray) {
      fields.set(field.name, { check: checkOf(field), oneof: field.partOf?.name });
      const value = defaultOf(field);
      if (value !== undefined) defaults.push([field.name, value]);
    }
    shape = { fields, defaults };
    shapes.set(type, shape);
  }
  return shape;
}

function complete(type: protobuf.Type, plain: Plain, above: Path | undefined, key: string | number): Plain {
  const { fields, defaults } = shapeOf(type);
  const here: Path = above ? { above, key } : { key };
  const whole: Plain = {};
  let oneofs: Map<string, string> | undefined;
  for (const [name, value] of defaults) whole[name] = value;
  for (const name of Object.keys(plain)) {
    const value = plain[name];
    if (value === undefined) continue;
    const field = fields.get(name);
    if (!field) {
      const valid = [...fields.keys()].join(', ');
      throw new MessageShapeError(`${pathText(above, key)} has no field ${name}; valid fields: ${valid}.`);
    }
    if (field.oneof !== undefined) {
      const other = oneofs?.get(field.oneof);
      if (other !== undefined) {
        throw new MessageShapeError(
          `${pathText(above, key)} sets both ${other} and ${name}, of which only one is allowed.`,
        );
      }
      (oneofs ??= new Map()).set(field.oneof, name);
    }
    whole[name] = field.check(value, here, name);
  }
  return whole;
}

/** Returns the message with every field that its encoder needs. @throws MessageShapeError with the path of the wrong field */
export function completeMessage(type: protobuf.Type, message: unknown): Plain {
  return checkMessage(type)(message, undefined, type.name) as Plain;
}
