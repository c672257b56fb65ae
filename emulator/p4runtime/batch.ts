/** Batches of updates and of reads, and the errors of their parts. */
import {
  Code,
  packStatus,
  type Atomicity,
  type Entity,
  type Init,
  type Update,
  type UpdateError,
} from '../../p4runtime/index.js';
import { readEntity, writeEntity } from './entities.js';
import type { ForwardingPipeline } from './pipeline.js';
import { invalid, toUpdateError, UPDATE_OK } from './rpc-error.js';
import { Transaction } from './transaction.js';

const ABORTED: UpdateError = {
  canonicalCode: Code.ABORTED,
  message: 'Not applied, because another update of the batch failed.',
  space: '',
  code: 0,
};

/** A batch of which at least one part failed. */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** One for each part, in order; OK for those that succeeded. */
  constructor(
    message: string,
    readonly errors: readonly UpdateError[],
  ) {
    super(message);
  }
}

/**
 * Applies the updates in order.
 * @throws RpcError INVALID_ARGUMENT for an atomicity that is not known, and then nothing is done
 * @throws BatchError; unless the atomicity is CONTINUE_ON_ERROR, the pipeline is then as it was before
 */
export function writeBatch(pipeline: ForwardingPipeline, updates: readonly Update[], atomicity: Atomicity): void {
  // A value that the .proto lacks stays a number.
  if (typeof atomicity !== 'string') throw invalid(`The atomicity ${String(atomicity)} is not known.`);
  const tx = new Transaction(pipeline.control);
  const errors: UpdateError[] = [];
  let failed = -1;
  for (const [i, update] of updates.entries()) {
    const mark = tx.mark();
    try {
      writeEntity(pipeline, tx, update);
      errors.push(UPDATE_OK);
    } catch (error) {
      tx.rollback(mark);
      errors.push(toUpdateError(error));
      failed = i;
      if (atomicity !== 'CONTINUE_ON_ERROR') break;
    }
  }
  if (failed < 0) return;
  if (atomicity === 'CONTINUE_ON_ERROR') {
    const count = errors.filter(({ canonicalCode }) => canonicalCode !== Code.OK).length;
    throw new BatchError(`${count} of ${updates.length} updates failed.`, errors);
  }
  tx.rollback(0);
  const cause = errors[failed]!;
  throw new BatchError(
    `Update ${failed + 1} of ${updates.length} failed, so none was applied.`,
    updates.map((_, i) => (i === failed ? cause : ABORTED)),
  );
}

/** Entities per message of a Read response. */
const ENTITIES_PER_RESPONSE = 256;

/**
 * Reads every request of a batch.
 * @throws BatchError after the results of the requests that succeeded
 */
export function* readBatch(pipeline: ForwardingPipeline, requests: readonly Entity[]): Generator<Init<Entity>[]> {
  const errors: UpdateError[] = [];
  for (const request of requests) {
    let entities: Init<Entity>[] = [];
    try {
      for (const entity of readEntity(pipeline, request)) {
        entities.push(entity);
        if (entities.length < ENTITIES_PER_RESPONSE) continue;
        yield entities;
        entities = [];
      }
      errors.push(UPDATE_OK);
    } catch (error) {
      errors.push(toUpdateError(error));
    }
    if (entities.length > 0) yield entities;
  }
  const count = errors.filter(({ canonicalCode }) => canonicalCode !== Code.OK).length;
  if (count > 0) throw new BatchError(`${count} of ${requests.length} reads failed.`, errors);
}

/** HTTP/2 libraries accept 64 KiB of headers by default; encoded in base64, these bytes stay below that. */
const MAX_DETAILS_BYTES = 40 * 1024;
const SHORT_MESSAGE = 60;

/**
 * The errors of a batch, their messages truncated or omitted if they would not fit the trailers of a call.
 * The specification tells clients to allow for 8192 bytes and 100 more for each update ("gRPC Metadata Maximum
 * Size").
 * @returns undefined if not even the codes fit
 */
export function fitErrors(errors: readonly UpdateError[]): readonly UpdateError[] | undefined {
  const budget = Math.min(MAX_DETAILS_BYTES, 8192 + 100 * errors.length);
  const cut = (length: number): UpdateError[] =>
    errors.map((error) => ({ ...error, message: error.message.slice(0, length) }));
  for (const attempt of [errors, cut(SHORT_MESSAGE), cut(0)]) {
    if (packStatus(Code.UNKNOWN, '', attempt).length <= budget) return attempt;
  }
  return undefined;
}
