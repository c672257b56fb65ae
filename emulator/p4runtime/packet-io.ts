/**
 * The header that the P4 program puts before a packet to or from the controller, and the metadata that
 * P4Runtime derives from it (P4Runtime 1.4, sections "ControllerPacketMetadata" and "Packet I/O").
 */
import {
  decodeBytestring,
  encodeBytestring,
  type Init,
  type PacketHeaderInfo,
  type PacketIn,
  type PacketOut,
} from '../../p4runtime/index.js';
import { invalid } from './rpc-error.js';

/** Bits of the whole header; p4c requires an emitted header to have whole bytes. */
function bitsOf(header: PacketHeaderInfo): number {
  return header.fields.items.reduce((sum, { bitwidth }) => sum + bitwidth, 0);
}

/**
 * The bytes that enter the CPU port.
 * @param header of `packet_out`; undefined if the program has none; metadata is then refused
 * @throws RpcError if the metadata does not match the P4Info
 */
export function packPacketOut(header: PacketHeaderInfo | undefined, packet: PacketOut): Uint8Array {
  const values = new Map<number, Uint8Array>();
  for (const { metadataId, value } of packet.metadata) {
    if (values.has(metadataId)) throw invalid(`The packet-out has metadata ${metadataId} twice.`);
    values.set(metadataId, value);
  }
  if (!header) {
    if (values.size > 0) throw invalid('The program has no packet_out header, so a packet-out carries no metadata.');
    return packet.payload;
  }
  let bits = 0n;
  for (const field of header.fields.items) {
    const value = values.get(field.id);
    if (!value) throw invalid(`The packet-out lacks metadata ${field.id} (${field.name}).`);
    bits = (bits << BigInt(field.bitwidth)) | decodeBytestring(value, field.bitwidth);
    values.delete(field.id);
  }
  for (const id of values.keys()) header.fields.byId(id); // Throws, and lists the valid ones.
  const length = Math.ceil(bitsOf(header) / 8);
  bits <<= BigInt(length * 8 - bitsOf(header));
  const bytes = new Uint8Array(length + packet.payload.length);
  for (let i = length - 1; i >= 0; i--, bits >>= 8n) bytes[i] = Number(bits & 0xffn);
  bytes.set(packet.payload, length);
  return bytes;
}

/**
 * The message for bytes that left through the CPU port, or undefined if they are shorter than the header.
 * @param header of `packet_in`; undefined if the program has none; all bytes are then payload
 */
export function unpackPacketIn(header: PacketHeaderInfo | undefined, bytes: Uint8Array): Init<PacketIn> | undefined {
  if (!header) return { payload: bytes, metadata: [] };
  const length = Math.ceil(bitsOf(header) / 8);
  if (bytes.length < length) return undefined;
  let left = length * 8;
  const bits = length === 0 ? 0n : decodeBytestring(bytes.subarray(0, length));
  const metadata = header.fields.items.map((field) => {
    left -= field.bitwidth;
    const value = (bits >> BigInt(left)) & ((1n << BigInt(field.bitwidth)) - 1n);
    return { metadataId: field.id, value: encodeBytestring(value) };
  });
  return { payload: bytes.subarray(length), metadata };
}
