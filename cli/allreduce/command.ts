/** `fpisa allreduce`: one worker. Reads tensors from files, reduces them with the others, writes the sums. */
import { Command, Option } from 'commander';
import { counted } from '../../net/count.js';
import {
  Worker,
  readTensorFile,
  writeTensorFile,
  type FileTensor,
  type ReduceOp,
  type TensorFile,
} from '../../host/index.js';
import { canonicalOrder } from '../../protocol/submission.js';
import { UsageError } from '../errors.js';
import { partialOf } from '../partial.js';
import { checkOutputFile, checkOutputsDiffer } from '../output-files.js';
import {
  checkEvents,
  collect,
  controllerOption,
  integer,
  jsonOption,
  placeOptions,
  type PlaceFlags,
} from '../options.js';
import { Output } from '../output.js';
import { progressBar } from '../progress.js';
import { interruption } from '../signals.js';
import type { AllreduceEvent, TensorResult } from './events.js';

interface Flags extends PlaceFlags {
  controller: string;
  job: string;
  rank: number;
  in: string[];
  out: string[];
  op: ReduceOp;
  each?: boolean;
  cast?: 'fp32';
  quantize?: boolean;
  switch?: string;
  timeout: number;
  wait: number;
  events?: boolean;
  json?: boolean;
}

/** Between two progress events. */
const PROGRESS_MS = 100;
const ABSENCE_MS = 1_000;

export function allreduceCommand(): Command {
  const command = new Command('allreduce')
    .description('take part in a job as one worker: reduce tensors from files, write the sums')
    .addOption(new Option('-j, --job <name>', 'name of the job').makeOptionMandatory())
    .addOption(
      new Option('-r, --rank <number>', "which of the job's workers this is, from 0")
        .argParser(integer(0, 65_535))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('-i, --in <file>', 'tensors to reduce, .safetensors or .npy; repeatable')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('-o, --out <file>', 'where the sums go; one for each --in').argParser(collect).makeOptionMandatory(),
    )
    .addOption(new Option('--op <operation>', 'what the result is').choices(['sum', 'mean']).default('sum'))
    .option('--each', 'reduce the tensors of a file one after the other, not all in one operation')
    .addOption(
      new Option('--cast <type>', 'convert elements of other types, such as fp16, bf16 and fp64').choices(['fp32']),
    )
    .option('--quantize', 'send fp32 tensors as scaled integers, to a job of --profile int32')
    .option('--switch <name>', 'switch at which this worker is, if the job has several');
  for (const option of placeOptions('this worker')) command.addOption(option);
  return command
    .addOption(
      new Option('--timeout <seconds>', 'give up after this long without any result')
        .argParser(integer(1, 86_400))
        .default(30),
    )
    .addOption(
      new Option('--wait <seconds>', "how long to wait for the job's other workers")
        .argParser(integer(1, 86_400))
        .default(300),
    )
    .addOption(controllerOption())
    .option('--events', 'with --json: also print events, one JSON object a line')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa allreduce --job training --rank 0 --in gradients.safetensors --out sums.safetensors
  $ fpisa allreduce --job training --rank 1 --in weights.npy --out mean.npy --op mean`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.in.length !== flags.out.length)
    throw new UsageError(
      `${counted(flags.in.length, '--in file')} ${flags.in.length === 1 ? 'needs' : 'need'} as many --out files, not ${flags.out.length}`,
    );
  await checkOutputsDiffer(flags.out);
  checkEvents(flags);
  const output = new Output(flags.json ?? false);
  const emit = (event: AllreduceEvent): void => {
    if (flags.events || event.event === 'done') output.object(event);
  };
  // Files first: errors in them should be reported before other workers wait for this one.
  const files = await Promise.all(flags.in.map((path) => readTensorFile(path, { cast: flags.cast })));
  await Promise.all(files.map((file, index) => checkOutputFile(flags.out[index]!, file)));
  const operations = files.flatMap((file, index) =>
    operationsOf(file, flags.each ?? false).map((tensors) => ({ file: flags.in[index]!, tensors })),
  );
  const signal = interruption();
  const worker = await Worker.join({
    controller: flags.controller,
    job: flags.job,
    rank: flags.rank,
    signal,
    // This process has nothing else to do.
    thread: false,
    timeoutMs: flags.timeout * 1000,
    membershipTimeoutMs: flags.wait * 1000,
    announce: operations.map(({ file, tensors }) => ({
      tensors,
      op: flags.op,
      quantize: flags.quantize ?? false,
      source: file,
    })),
    ...(flags.ip !== undefined && { ip: flags.ip }),
    ...(flags.udpPort !== undefined && { udpPort: flags.udpPort }),
    ...(flags.switch !== undefined && { switchName: flags.switch }),
    ...(flags.switchPort !== undefined && { switchPort: flags.switchPort }),
    ...(flags.mac !== undefined && { mac: flags.mac }),
  });
  const bar = progressBar('reducing', output.json);
  // Whoever waits reads standard error, also where standard output goes to a program.
  worker.on('waiting', (waiting) => {
    bar.line(`fpisa: ${waiting.message}`);
    emit({ event: 'waiting', ...waiting });
  });
  worker.on('notice', (message) => {
    bar.line(`fpisa: ${message}`);
    emit({ event: 'notice', message });
  });
  let absence: NodeJS.Timeout | undefined;
  const stopWaiting = (): void => clearTimeout(absence);
  worker.on('missing', ({ ranks, waitMs, reason }) => {
    stopWaiting();
    // Workers that have finished leave: only after a while it is clear that somebody still needs them.
    absence = setTimeout(() => {
      emit({ event: 'missing', ranks, waitMs });
      bar.line(`fpisa: ${reason}; waiting up to ${Math.ceil(waitMs / 1000)} s for the return`);
    }, ABSENCE_MS);
  });
  worker.on('membership', stopWaiting);
  worker.on('partial', ({ operation, workers, jobWorkers, missing, partial }) =>
    emit({ event: 'partial', operation, workers, jobWorkers, missing, message: partial }),
  );
  try {
    emit({ event: 'joined', job: flags.job, rank: flags.rank, transport: worker.transportDescription });
    output.line(`joined job ${flags.job} as worker ${flags.rank} of ${worker.job.workers}`);
    const results = await reduceAll(worker, flags, operations, signal, (share, retransmissions) => {
      bar.update(share);
      emit({ event: 'progress', share, retransmissions });
    });
    stopWaiting();
    bar.stop();
    for (const [index, file] of files.entries()) await writeTensorFile(flags.out[index]!, file);
    for (const { file, tensors, elements, elapsedMs, packetsSent, packetValues, retransmissions, partial } of results) {
      output.line(
        `${file}: ${tensors.join(', ')}: ${counted(elements, 'element')} in ${elapsedMs.toFixed(0)} ms, ${counted(packetsSent, 'packet')} of up to ${counted(packetValues, 'value')}, ${retransmissions} retransmitted${partial === undefined ? '' : `, ${partial}`}`,
      );
    }
    const partial = partialOf(results);
    if (partial !== undefined) note(partial);
    output.line(`wrote ${flags.out.join(', ')}`);
    output.line(`packets went by ${worker.transportDescription}`);
    await worker.leave();
    emit({
      event: 'done',
      ok: true,
      ...(partial !== undefined && { partial }),
      job: flags.job,
      rank: flags.rank,
      transport: worker.transportDescription,
      tensors: results,
    });
  } catch (error) {
    // The worker itself would report an aborted operation.
    signal.throwIfAborted();
    throw error;
  } finally {
    stopWaiting();
    bar.stop();
    await worker.close();
  }
}

/** For people, also with --json: standard output may go to a file that nobody looks at now. */
function note(text: string): void {
  process.stderr.write(`fpisa: ${text}\n`);
}

interface FileOperation {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

async function reduceAll(
  worker: Worker,
  { op, quantize = false }: Readonly<Pick<Flags, 'op' | 'quantize'>>,
  operations: readonly FileOperation[],
  signal: AbortSignal,
  onProgress: (share: number, retransmissions: number) => void,
): Promise<TensorResult[]> {
  const total = operations.reduce((sum, { tensors }) => sum + elementsOf(tensors), 0);
  const results: TensorResult[] = [];
  let done = 0;
  let retransmissions = 0;
  let lastProgress = 0;
  for (const { file, tensors } of operations) {
    const elements = elementsOf(tensors);
    const stats = await worker.allreduce(tensors, {
      op,
      quantize,
      signal,
      onProgress: (progress) => {
        const now = performance.now();
        if (now - lastProgress < PROGRESS_MS) return;
        lastProgress = now;
        const share = (done + (elements * progress.chunksDone) / progress.chunksTotal) / Math.max(1, total);
        onProgress(share, retransmissions + progress.retransmissions);
      },
    });
    done += elements;
    retransmissions += stats.retransmissions;
    onProgress(total === 0 ? 1 : done / total, retransmissions);
    results.push({ ...stats, file, tensors: [...tensors.keys()] });
  }
  return results;
}

/** With `each`, in the order of the tensors' names: that of a file may be another at every worker. */
function operationsOf({ tensors }: TensorFile, each: boolean): ReadonlyMap<string, FileTensor>[] {
  if (!each) return [tensors];
  return [...tensors].sort(([a], [b]) => canonicalOrder(a, b)).map((tensor) => new Map([tensor]));
}

function elementsOf(tensors: ReadonlyMap<string, FileTensor>): number {
  return [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
}
