/** Sends what a Read finds, as fast as the client takes it, and without keeping the switch from anything else. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { codec, encoded, type Entity, type Init, type ReadRequest, type ReadResponse } from '../../p4runtime/index.js';

/** A message is sent before it would be larger, unless it is one entity: clients take 4 MiB by default. */
const MAX_RESPONSE_BYTES = 2 ** 20;
/** Less is sent only if it is the first or the last, so that a client soon has something to do. */
const USEFUL_RESPONSE_BYTES = 2 ** 16;
/** How long it keeps the event loop. */
const SLICE_MS = 4;

/** A field of type message with number 1 in ReadResponse. */
const ENTITIES_TAG = (1 << 3) | 2;

export type ReadCall = ServerWritableStream<ReadRequest, Init<ReadResponse>>;

const entityCodec = codec<Entity>('p4.v1.Entity');

/** Entities that are encoded but not sent. */
class Response {
  private writer = new BinaryWriter();
  bytes = 0;

  add(entity: Uint8Array): void {
    this.writer.uint32(ENTITIES_TAG).bytes(entity);
    this.bytes += entity.length + 4;
  }

  take(): Init<ReadResponse> {
    const message = encoded<ReadResponse>(this.writer.finish());
    this.writer = new BinaryWriter();
    this.bytes = 0;
    return message;
  }
}

/**
 * Resolves when all has been taken, or the call was cancelled.
 * @param found where it is undefined, nothing was found for a while
 * @throws what `found` throws, after what was found before it
 */
export async function sendRead(call: ReadCall, found: Iterator<Init<Entity> | undefined>): Promise<void> {
  const cancelled = new Promise<void>((resolve) => call.once('cancelled', () => resolve()));
  const response = new Response();
  let isFirst = true;
  // One message at a time is with the connection, so a client that does not read costs no more than that.
  const flush = async (): Promise<void> => {
    isFirst = false;
    const taken = new Promise<void>((resolve) => call.write(response.take(), () => resolve()));
    await Promise.race([taken, cancelled]);
  };
  let failure: { readonly error: unknown } | undefined;
  for (let end = performance.now() + SLICE_MS; !call.cancelled && failure === undefined;) {
    try {
      const next = found.next();
      if (next.done) break;
      if (next.value) {
        const entity = entityCodec.encode(next.value);
        if (response.bytes > 0 && response.bytes + entity.length > MAX_RESPONSE_BYTES) await flush();
        response.add(entity);
      }
    } catch (error) {
      failure = { error };
    }
    if (performance.now() < end) continue;
    if (response.bytes >= USEFUL_RESPONSE_BYTES || (isFirst && response.bytes > 0)) await flush();
    await new Promise((resolve) => setImmediate(resolve));
    end = performance.now() + SLICE_MS;
  }
  if (response.bytes > 0 && !call.cancelled) await flush();
  if (failure) throw failure.error;
}
