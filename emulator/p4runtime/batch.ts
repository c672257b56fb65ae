/** Batches of updates and of reads, and the errors of their parts. */
import {
  Code,
  codeName,
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

function reasonOf({ canonicalCode, message }: UpdateError): string {
  return `${codeName(canonicalCode)}: ${message}`;
}

/** How many failed; and if it was one, which and why, because many clients show nothing but this. */
function summary(errors: readonly UpdateError[], what: 'update' | 'read'): string {
  const failed = errors.flatMap(({ canonicalCode }, i) => (canonicalCode === Code.OK ? [] : [i]));
  const text = `${failed.length} of ${errors.length} ${what}s failed.`;
  const [only] = failed;
  if (failed.length > 1 || only === undefined) return text;
  return `${text} ${what === 'read' ? 'Read' : 'Update'} ${only + 1}: ${reasonOf(errors[only]!)}`;
}

/**
 * Applies the updates in order.
 * @throws RpcError INVALID_ARGUMENT for an atomicity that is not known, and then nothing is done
 * @throws BatchError; unless the atomicity is CONTINUE_ON_ERROR, the pipeline is then as it was before
 */
export function writeBatch(pipeline: ForwardingPipeline, updates: readonly Update[], atomicity: Atomicity): void {
  // A value that the .proto lacks stays a number.
  if (typeof atomicity !== 'string') throw invalid(`The atomicity ${String(atomicity)} is not known.`);
  const { betweenPackets } = pipeline.prepared;
  if (atomicity === 'CONTINUE_ON_ERROR' || !betweenPackets) apply(pipeline, updates, atomicity);
  else betweenPackets(() => apply(pipeline, updates, atomicity));
}

function apply(pipeline: ForwardingPipeline, updates: readonly Update[], atomicity: Atomicity): void {
  const tx = new Transaction(pipeline.control);
  const errors: UpdateError[] = [];
  let failed = -1;
  for (const [i, update] of updates.entries()) {
    const mark = tx.mark();
    try {
      writeEntity(pipeline, tx, update);
      // What is done need not be undone any more.
      if (atomicity === 'CONTINUE_ON_ERROR') tx.keep();
      errors.push(UPDATE_OK);
    } catch (error) {
      tx.rollback(mark);
      errors.push(toUpdateError(error));
      failed = i;
      if (atomicity !== 'CONTINUE_ON_ERROR') break;
    }
  }
  if (failed < 0) return;
  if (atomicity === 'CONTINUE_ON_ERROR') throw new BatchError(summary(errors, 'update'), errors);
  tx.rollback(0);
  const cause = errors[failed]!;
  throw new BatchError(
    `Update ${failed + 1} of ${updates.length} failed, so none was applied: ${reasonOf(cause)}`,
    updates.map((_, i) => (i === failed ? cause : ABORTED)),
  );
}

/**
 * Reads every request of a batch; what they select is determined at the first step. Where it yields undefined the
 * reader may pause.
 * @throws BatchError after the results of the requests that succeeded
 */
export function* readBatch(
  pipeline: ForwardingPipeline,
  requests: readonly Entity[],
): Generator<Init<Entity> | undefined> {
  const errors: UpdateError[] = requests.map(() => UPDATE_OK);
  const found = requests.map((request, i) => {
    try {
      return readEntity(pipeline, request);
    } catch (error) {
      errors[i] = toUpdateError(error);
      return [];
    }
  });
  for (const [i, entities] of found.entries()) {
    try {
      yield* entities;
    } catch (error) {
      errors[i] = toUpdateError(error);
    }
  }
  if (errors.some(({ canonicalCode }) => canonicalCode !== Code.OK))
    throw new BatchError(summary(errors, 'read'), errors);
}
