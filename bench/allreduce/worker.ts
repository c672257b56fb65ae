/** One worker of bench:allreduce: worker.js CONTROLLER JOB SCHEME RANK REPEATS BYTES..., a line of JSON for each size. */
import { Worker } from '../../host/index.js';
import { warmUps } from './load.js';

export interface WorkerLine {
  readonly bytes: number;
  readonly seconds: readonly number[];
  readonly cpuSeconds: number;
}

/** Sums are exact where every contribution is a small multiple of this. */
const UNIT = 1 / 1024;
/** No value of fewer than 64 workers is above 2^6, so that W of them are wrong by at most W²·2^(6 − 32) (docs/arithmetic.md). */
const QUANTIZATION = 2 ** -25;

/** What travels. */
export type Scheme = 'fp32' | 'int32';

async function main(): Promise<void> {
  const [controller, job, scheme, ...numbers] = process.argv.slice(2);
  const quantize = (scheme as Scheme) === 'int32';
  const [rank, repeats, ...sizes] = numbers.map(Number);
  const worker = await Worker.join({ controller: controller!, job: job!, rank: rank! });
  const barrier = new Float32Array(1);
  for (const bytes of sizes) {
    const values = new Float32Array(bytes / 4);
    const seconds: number[] = [];
    let cpuSeconds = 0;
    // The first ones are not measured: pages, the window, the estimate of round trips, code that is not optimised yet.
    for (let i = -warmUps(bytes); i < repeats!; i++) {
      for (let k = 0; k < values.length; k++) values[k] = (k % 1000) * UNIT * (rank! + 1);
      await worker.allreduce(barrier, { quantize });
      const [cpu, start] = [process.cpuUsage(), performance.now()];
      await worker.allreduce(values, { quantize });
      const used = process.cpuUsage(cpu);
      if (i < 0) continue;
      seconds.push((performance.now() - start) / 1000);
      cpuSeconds += (used.user + used.system) / 1e6;
    }
    const workers = worker.ranks.length;
    const factor = (workers * (workers + 1)) / 2;
    const tolerance = quantize ? QUANTIZATION * workers ** 2 : 0;
    const wrong = values.findIndex((value, k) => !(Math.abs(value - (k % 1000) * UNIT * factor) <= tolerance));
    if (wrong >= 0) throw new Error(`element ${wrong} of ${bytes} bytes is ${values[wrong]}`);
    process.stdout.write(`${JSON.stringify({ bytes, seconds, cpuSeconds } satisfies WorkerLine)}\n`);
  }
  await worker.leave();
}

await main();
