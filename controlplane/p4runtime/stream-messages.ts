/** What a client's stream carries besides arbitration: packets, digests, idle notifications and errors (P4Runtime 1.4, section 16). */
import type { P4InfoIndex } from '../../p4runtime/p4info.js';
import { decodeBytestring, encodeBytestring } from '../../p4runtime/bytestring.js';
import type {
  DigestList,
  Init,
  P4Data,
  PacketIn,
  StreamMessageRequest,
  StreamMessageResponse,
} from '../../p4runtime/messages.js';
import type { EntityCodec } from './entity-codec.js';
import type { Entry, Value } from './entries.js';
import { P4RuntimeRpcError } from './errors.js';
import { parseValue } from './values.js';

export interface PacketInEvent {
  readonly payload: Uint8Array;
  /** Fields of the `packet_in` header by name. */
  readonly metadata: Readonly<Record<string, bigint>>;
}

export interface DigestEvent {
  readonly digest: string;
  readonly listId: bigint;
  readonly data: readonly P4Data[];
}

export interface StreamEvents {
  packetIn: [packet: PacketInEvent];
  digest: [digest: DigestEvent];
  /** Entries of tables with idle timeout support that were not hit within their timeout. */
  idle: [entries: Entry[]];
  /** The switch could not process a packet-out or digest acknowledgement. */
  streamError: [error: P4RuntimeRpcError];
}

/** A stream message as an event; arbitration is not one. */
export type StreamEvent = {
  [Name in keyof StreamEvents]: { readonly name: Name; readonly value: StreamEvents[Name][0] };
}[keyof StreamEvents];

/** @throws P4InfoLookupError for ids that the P4Info does not have */
export function decodeStreamMessage(
  message: StreamMessageResponse,
  entities: () => EntityCodec,
): StreamEvent | undefined {
  if (message.packet) return { name: 'packetIn', value: decodePacketIn(message.packet, entities().index) };
  if (message.digest) return { name: 'digest', value: decodeDigest(message.digest, entities().index) };
  if (message.idleTimeoutNotification) {
    return {
      name: 'idle',
      value: message.idleTimeoutNotification.tableEntry.map((entry) => entities().decodeEntry(entry)),
    };
  }
  if (message.error)
    return { name: 'streamError', value: new P4RuntimeRpcError(message.error.message, message.error.canonicalCode) };
  return undefined;
}

function decodePacketIn(packet: PacketIn, index: P4InfoIndex): PacketInEvent {
  const { fields } = index.packetHeaders.find('packet_in');
  const metadata = packet.metadata.map(({ metadataId, value }) => [
    fields.byId(metadataId).name,
    decodeBytestring(value),
  ]);
  return { payload: packet.payload, metadata: Object.fromEntries(metadata) as Record<string, bigint> };
}

function decodeDigest({ digestId, listId, data }: DigestList, index: P4InfoIndex): DigestEvent {
  return { digest: index.digests.byId(digestId).name, listId, data };
}

/** @throws P4InfoLookupError, EntityError */
export function packetOutMessage(
  index: P4InfoIndex,
  payload: Uint8Array,
  metadata: Readonly<Record<string, Value>>,
): Init<StreamMessageRequest> {
  const { fields } = index.packetHeaders.find('packet_out');
  const given = new Map(Object.entries(metadata).map(([name, value]) => [fields.find(name), value]));
  const encoded = fields.items.map((field) => ({
    metadataId: field.id,
    value: encodeBytestring(parseValue(given.get(field) ?? 0, field), field.bitwidth),
  }));
  return { packet: { payload, metadata: encoded } };
}

/** @throws P4InfoLookupError */
export function digestAckMessage(index: P4InfoIndex, { digest, listId }: DigestEvent): Init<StreamMessageRequest> {
  return { digestAck: { digestId: index.digests.find(digest).id, listId } };
}
