/** Runs systems in rounds, and keeps what each took for each size. */
import { median } from '../median.js';
import type { AllreduceLoad, System } from './load.js';
import type { AllreduceRun, Keyed } from './report.js';

const GIB = 2 ** 30;

interface Samples {
  readonly seconds: number[];
  readonly cpu: number[];
}

export interface Rounds {
  readonly rounds: number;
  progress(text: string): void;
}

/** Called around a run of one system. */
type Around = (system: System, run: () => Promise<void>) => Promise<void>;

/**
 * Medians over all repetitions of all rounds, for each size of the load.
 * @param where for people
 */
export async function measured(
  systems: readonly System[],
  load: AllreduceLoad,
  where: string,
  { rounds, progress }: Rounds,
  around: Around = (_, run) => run(),
): Promise<AllreduceRun[]> {
  const { workers, sizes, repeats } = load;
  const samples = new Map(systems.map(({ name }) => [name, sizes.map((): Samples => ({ seconds: [], cpu: [] }))]));
  for (let round = 0; round < rounds; round++) {
    for (const system of inTurn(systems, round)) {
      progress(`${where}, round ${round + 1} of ${rounds}: ${system.name}\n`);
      await around(system, async () => {
        const results = await system.run(load);
        results.forEach((result, i) => {
          const into = samples.get(system.name)![i]!;
          into.seconds.push(...result.seconds);
          into.cpu.push((result.cpuSeconds / workers / repeats) * (GIB / result.bytes));
        });
      });
    }
  }
  const keyed = (i: number, value: (each: Samples) => number): Keyed =>
    Object.fromEntries([...samples].map(([name, each]) => [name, value(each[i]!)]));
  return sizes.map((bytes, i) => ({
    bytes,
    workers,
    seconds: keyed(i, ({ seconds }) => median(seconds)),
    cpuSecondsPerGiB: keyed(i, ({ cpu }) => median(cpu)),
  }));
}

/** The order alternates, so that no system always runs in the state in which the same one left the machine. */
function inTurn(systems: readonly System[], round: number): readonly System[] {
  return round % 2 === 0 ? systems : [...systems].reverse();
}
