/** How fpisa's time grows with each of its settings, the others at their defaults. */
import { fpisaSystem, type FpisaOptions } from './fpisa.js';
import { LOOPBACK } from './placement.js';
import type { Growth, GrowthRun } from './report.js';
import { measured, type Rounds } from './samples.js';

export interface GrowthOptions {
  readonly values: readonly number[];
  readonly slots: readonly number[];
  readonly loss: readonly number[];
  readonly workers: number;
  readonly bytes: number;
  readonly repeats: number;
}

const NAME = 'fpisa';

/** @param defaultValues per packet, where another setting is changed */
export async function measureGrowth(
  { values, slots, loss, workers, bytes, repeats }: GrowthOptions,
  defaultValues: number,
  rounds: Rounds,
): Promise<Growth> {
  const each = async (
    settings: readonly number[],
    what: string,
    options: (setting: number) => Partial<FpisaOptions>,
  ): Promise<GrowthRun[]> => {
    const runs: GrowthRun[] = [];
    for (const setting of settings) {
      const system = fpisaSystem(NAME, { values: defaultValues, ...options(setting) });
      const load = { placement: LOOPBACK, workers, sizes: [bytes], repeats };
      const [run] = await measured([system], load, `${what} ${setting}`, rounds);
      runs.push({ setting, seconds: run!.seconds[NAME]!, cpuSecondsPerGiB: run!.cpuSecondsPerGiB[NAME]! });
    }
    return runs;
  };
  return {
    bytes,
    workers,
    values: await each(values, 'values per packet:', (setting) => ({ values: setting })),
    slots: await each(slots, 'slots:', (setting) => ({ slots: setting })),
    loss: await each(loss, 'loss:', (setting) => ({ loss: setting })),
  };
}
