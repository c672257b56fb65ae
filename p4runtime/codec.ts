/**
 * Between protobuf bytes and the plain objects of messages.ts: the generated encoders and decoders, with a check of
 * what goes in and errors of one class.
 *
 * Plain objects: camelCase fields; every 64-bit integer is a bigint and every smaller one a number; bytes
 * are a Uint8Array of their own memory; enums are their value's name (a value that the .proto lacks stays
 * a number, and survives a round trip); repeated fields are arrays, never undefined; maps are objects;
 * a sub-message or member of a oneof that is not set is absent. Fields that the .proto lacks are skipped.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { MessageDecodeError } from './errors.js';
// For their entries in the registry: of every type that codecs are asked for, or that one of those consists of.
import './generated/google/rpc/status.js';
import './generated/p4/v1/p4runtime.js';
import { messageTypeRegistry, type MessageType } from './generated/typeRegistry.js';
import { protobufRoot } from './load.js';
import type { Init } from './messages.js';
import { completeMessage } from './shape.js';

/** A message that is kept must not keep, or change with, the buffer that it came in. */
class CopyingReader extends BinaryReader {
  override bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(super.bytes());
  }
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

/** The codec of a message type. @param typeName fully qualified, as `p4.v1.TableEntry` */
export function codec<T>(typeName: string): Codec<T> {
  const functions = generated(typeName);
  return {
    typeName,
    encode: (message) =>
      functions
        .encode(completeMessage(protobufRoot().lookupType(typeName), message))
        .finish() as Uint8Array<ArrayBuffer>,
    decode: (bytes) => {
      try {
        return functions.decode(new CopyingReader(bytes)) as T;
      } catch (error) {
        throw new MessageDecodeError(`${bytes.length} bytes are not a ${typeName}: ${(error as Error).message}.`);
      }
    },
  };
}
