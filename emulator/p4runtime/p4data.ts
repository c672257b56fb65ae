/** Values of P4 types as P4Data (P4Runtime 1.4, section "Representation of Arbitrary P4 Types"). */
import {
  decodeBytestring,
  decodeSignedBytestring,
  encodeBytestring,
  encodeSignedBytestring,
  type Init,
  type P4Data,
  type P4DataTypeSpec,
  type P4TypeInfo,
} from '../../p4runtime/index.js';
import { invalid, unimplemented } from './rpc-error.js';

/**
 * Builds a value from the flat values of its fields, in order.
 * @param next returns the next field, truncated to its width
 */
export function toP4Data(type: P4DataTypeSpec, types: P4TypeInfo | undefined, next: () => bigint): Init<P4Data> {
  const named = <T>(map: Record<string, T> | undefined, name: string): T => {
    const found = map?.[name];
    if (!found) throw invalid(`The P4Info does not describe the type ${name}.`);
    return found;
  };
  const { bitstring } = type;
  if (bitstring?.bit) return { bitstring: encodeBytestring(next()) };
  if (bitstring?.int) return { bitstring: encodeSignedBytestring(BigInt.asIntN(bitstring.int.bitwidth, next())) };
  if (type.bool) return { bool: next() !== 0n };
  if (type.tuple) return { tuple: { members: type.tuple.members.map((member) => toP4Data(member, types, next)) } };
  if (type.struct) {
    const { members } = named(types?.structs, type.struct.name);
    return { struct: { members: members.map(({ typeSpec = {} }) => toP4Data(typeSpec, types, next)) } };
  }
  if (type.serializableEnum) return { enumValue: encodeBytestring(next()) };
  if (type.newType) {
    const spec = named(types?.newTypes, type.newType.name);
    if (spec.originalType) return toP4Data(spec.originalType, types, next);
    return { bitstring: encodeBytestring(next()) };
  }
  throw unimplemented(`Values of type ${Object.keys(type).join()} cannot be given to the control plane.`);
}

/**
 * The bits of one integer value.
 * @throws RpcError INVALID_ARGUMENT if the data is not of the type
 */
export function fromP4Data(type: P4DataTypeSpec, data: P4Data | undefined): bigint {
  const { bit, int } = type.bitstring ?? {};
  if (!bit && !int) throw unimplemented(`Values of type ${Object.keys(type).join()} cannot be written.`);
  if (!data?.bitstring) throw invalid('The value must be a bitstring.');
  if (bit) return decodeBytestring(data.bitstring, bit.bitwidth);
  return BigInt.asUintN(int!.bitwidth, decodeSignedBytestring(data.bitstring, int!.bitwidth));
}
