/** The thread of one worker. It ends with the membership. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadLibc } from '../../net/linux/libc.js';
import type { AllreduceOptions, Tensors } from '../index.js';
import { LocalWorker } from '../local-worker.js';
import type { EmitWorkerEvent } from '../worker-events.js';
import type { WorkerState } from '../worker-side.js';
import { carry } from './carried-error.js';
import { LentViews } from './lent-memory.js';
import type { Call, ThreadReport, ThreadRequest, WorkerThreadData } from './messages.js';

const port = parentPort!;
const { options, probe } = workerData as WorkerThreadData;
const joining = new AbortController();
const views = new LentViews(await loadLibc());
const cancellations = new Map<number, AbortController>();
let worker: LocalWorker | undefined;
let told: WorkerState | undefined;

const emit: EmitWorkerEvent = (name, ...args) => {
  if (name !== 'closed') {
    report({ event: { name, args } as NonNullable<ThreadReport['event']> });
    return;
  }
  const [error] = args as [Error | undefined];
  report({ closed: { error: error === undefined ? undefined : carry(error) } });
  // What is left: timers of libraries. Messages that were sent arrive.
  process.exit();
};

port.on('message', (request: ThreadRequest) => {
  if (request.call !== undefined) run(request.call);
  else if (request.cancel !== undefined) cancellations.get(request.cancel)?.abort();
  else if (worker === undefined) joining.abort();
  else void (request.end === 'leave' ? worker.leave() : worker.close());
});

try {
  worker = await LocalWorker.join({ ...options, signal: joining.signal }, emit);
} catch (error) {
  report({ refused: carry(error) });
  process.exit();
}
report({ joined: { readsAddresses: probe !== undefined && views.reads(probe) } });

function report(message: ThreadReport): void {
  port.postMessage(worker === undefined ? message : { ...message, ...changes(worker.state) });
}

/** What the caller's thread does not know yet: most messages follow an operation that changed nothing but the count. */
function changes(state: WorkerState): Pick<ThreadReport, 'state' | 'completed'> {
  const same =
    told?.job === state.job &&
    told.epoch === state.epoch &&
    told.ranks === state.ranks &&
    told.packetValues === state.packetValues &&
    told.transportDescription === state.transportDescription;
  told = state;
  return same ? { completed: state.completed } : { state };
}

function run({ id, format, tensors, op, quantize, reports, cancellable }: Call): void {
  const entries = tensors.map(({ name, shape, memory }) => ({
    name,
    tensor: { shape, data: views.tensor(memory, format) },
  }));
  const named = entries[0]!.name !== undefined;
  const list: Tensors = named
    ? new Map(entries.map(({ name, tensor }) => [name!, tensor]))
    : entries.map(({ tensor }) => tensor);
  if (cancellable) cancellations.set(id, new AbortController());
  const signal = cancellations.get(id)?.signal;
  const callOptions: AllreduceOptions = {
    ...(signal !== undefined && { signal }),
    ...(op !== undefined && { op }),
    ...(quantize && { quantize }),
    ...(reports && {
      onProgress: (progress) => port.postMessage({ progress: { id, report: progress } } satisfies ThreadReport),
    }),
  };
  worker!.allreduce(list, callOptions).then(
    (stats) => {
      cancellations.delete(id);
      report({ succeeded: { id, stats } });
    },
    (error: unknown) => {
      cancellations.delete(id);
      report({ failed: { id, error: carry(error) } });
    },
  );
}
