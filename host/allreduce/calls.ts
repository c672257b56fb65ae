/** What the calls of a worker that are not over yet, in their order, have come to. */
import type { WorkerError } from '../errors.js';
import type { AllreduceEngine } from './engine.js';
import type { FailuresElsewhere } from './failures-elsewhere.js';
import type { Operation } from './operation.js';

/** Whether it sends, or has sent, in `epoch`. */
function hasStarted(operation: Operation, epoch: number | undefined): boolean {
  return operation.starts > 0 && operation.epoch === epoch;
}

/** The call to begin now: the first, or the one after it while the first is nothing but its commit. */
export function startable(
  [first, second]: readonly Operation[],
  { epoch, engine, failures }: { epoch: number | undefined; engine: AllreduceEngine; failures: FailuresElsewhere },
): Operation | undefined {
  if (first === undefined || !hasStarted(first, epoch)) return first;
  const waits =
    second !== undefined &&
    second.failure === undefined &&
    !hasStarted(second, epoch) &&
    failures.of(second.number) === undefined &&
    engine.canFollow(second.batch);
  return waits ? second : undefined;
}

/** The call whose results arrive: the second if the first is nothing but its commit. */
export function sending([first, second]: readonly Operation[], epoch: number | undefined): Operation {
  return second !== undefined && hasStarted(second, epoch) ? second : first!;
}

/** What the first call has found in its input that it cannot be finished with. */
export function faultOfFirst([first]: readonly Operation[]): WorkerError | undefined {
  return first?.failure === undefined ? first?.batch.fault : undefined;
}

/** The first that has no answer yet. */
export function firstUnanswered(calls: readonly Operation[]): Operation | undefined {
  return calls.find(({ failure }) => failure === undefined);
}
