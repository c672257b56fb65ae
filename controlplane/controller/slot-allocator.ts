/** Ranges of the slot pool of a switch, or of several switches together. Pure functions over the ranges in use: the store is the only state. */
import { counted } from '../../net/count.js';
import { PoolFullError } from '../errors.js';

export interface SlotRange {
  readonly base: number;
  readonly slots: number;
}

/** Ranges of `pool` slots that none of `used` covers, in order. Those of `used` may overlap: each may be on another switch. */
export function freeRanges(pool: number, used: readonly SlotRange[]): SlotRange[] {
  const free: SlotRange[] = [];
  let next = 0;
  for (const range of [...used].sort((a, b) => a.base - b.base)) {
    if (range.base > next) free.push({ base: next, slots: range.base - next });
    next = Math.max(next, range.base + range.slots);
  }
  if (next < pool) free.push({ base: next, slots: pool - next });
  return free;
}

/**
 * Finds a slot range for a job. Takes the smallest free range that is large enough, so that large ones stay
 * whole for large jobs.
 *
 * @param where for the error: `switch "s1"`
 * @throws PoolFullError listing the free ranges
 */
export function allocateSlots(pool: number, used: readonly SlotRange[], slots: number, where: string): SlotRange {
  const free = freeRanges(pool, used);
  const fitting = free.filter((range) => range.slots >= slots).sort((a, b) => a.slots - b.slots || a.base - b.base);
  const best = fitting[0];
  if (best === undefined) throw new PoolFullError(fullMessage(pool, free, slots, where));
  return { base: best.base, slots };
}

function fullMessage(pool: number, free: readonly SlotRange[], slots: number, where: string): string {
  const total = free.reduce((sum, range) => sum + range.slots, 0);
  const head = `${where} has no room for ${counted(slots, 'slot')}`;
  if (total === 0) return `${head}: all ${pool} are in use`;
  const ranges = free.map((range) => `${range.slots} from slot ${range.base}`).join(', ');
  return `${head}: ${total} of ${pool} are free (${ranges})`;
}
