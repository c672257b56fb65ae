/**
 * Conversion between protobuf bytes and the plain objects of messages.ts: the generated encoders and decoders, with
 * a check of the encoder's input and errors of one class.
 *
 * Plain objects: camelCase fields; every 64-bit integer is a bigint and every smaller one a number; bytes
 * are a Uint8Array with its own memory; enums are the name of their value (a value that the .proto lacks stays
 * a number, and survives a round trip); repeated fields are arrays, never undefined; maps are objects;
 * a sub-message or member of a oneof that is not set is absent. Fields that the .proto lacks are skipped.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type protobuf from 'protobufjs';
import { MessageDecodeError } from './errors.js';
// Imported for their entries in the registry: every type for which a codec is made, and the types of its fields.
import './generated/google/rpc/status.js';
import './generated/p4/v1/p4runtime.js';
import { messageTypeRegistry, type MessageType } from './generated/typeRegistry.js';
import { protobufRoot } from './load.js';
import type { Init } from './messages.js';
import { completeMessage } from './shape.js';

const SHORT_BYTES = 32;

/** A stored message must not retain, or change with, the buffer from which it was decoded. */
class CopyingReader extends BinaryReader {
  constructor(private readonly source: Uint8Array) {
    super(source);
  }

  override bytes(): Uint8Array<ArrayBuffer> {
    const length = this.uint32();
    const start = this.pos;
    if (length > this.len - start) throw new RangeError('premature EOF');
    this.pos += length;
    const copy = new Uint8Array(length);
    // Most are a few bytes, for which a view of them would cost more than the copy.
    if (length > SHORT_BYTES) copy.set(this.source.subarray(start, this.pos));
    else for (let i = 0; i < length; i++) copy[i] = this.source[start + i]!;
    return copy;
  }
}

/** A message in its encoded form. */
class EncodedMessage {
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}
}

/** What the encoder of the message's own type turns into these bytes: for messages that are encoded once and sent often, or in parts. */
export function encoded<T>(bytes: Uint8Array<ArrayBuffer>): Init<T> {
  return new EncodedMessage(bytes) as unknown as Init<T>;
}

/** Encoder and decoder of one message type. */
export interface Codec<T> {
  readonly typeName: string;
  /** @throws MessageShapeError with the path of the field that is wrong. */
  encode(message: Init<T>): Uint8Array<ArrayBuffer>;
  /** @throws MessageDecodeError */
  decode(bytes: Uint8Array): T;
}

function generated(typeName: string): MessageType {
  const functions = messageTypeRegistry.get(typeName);
  if (!functions) throw new Error(`there is no message type ${typeName}`);
  return functions;
}

/** The codec of a message type. @param typeName fully qualified, for example `p4.v1.TableEntry` */
export function codec<T>(typeName: string): Codec<T> {
  const functions = generated(typeName);
  let type: protobuf.Type | undefined;
  return {
    typeName,
    encode: (message) => {
      if (message instanceof EncodedMessage) return message.bytes;
      type ??= protobufRoot().lookupType(typeName);
      return functions.encode(completeMessage(type, message)).finish() as Uint8Array<ArrayBuffer>;
    },
    decode: (bytes) => {
      try {
        return functions.decode(new CopyingReader(bytes)) as T;
      } catch (error) {
        throw new MessageDecodeError(`${bytes.length} bytes are not a ${typeName}: ${(error as Error).message}.`);
      }
    },
  };
}
