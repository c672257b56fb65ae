/** Counts in messages for people. */

const IRREGULAR: Readonly<Record<string, string>> = { switch: 'switches' };

/** `1 worker`, `2 workers`, `0 switches`. @param thing in the singular; several words end with the one that changes */
export function counted(count: number | bigint, thing: string): string {
  return `${count} ${plural(count, thing)}`;
}

/** `worker` or `workers`: the count stands elsewhere. */
export function plural(count: number | bigint, thing: string): string {
  if (Number(count) === 1) return thing;
  const last = /\w+$/.exec(thing)?.[0] ?? thing;
  const several = IRREGULAR[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ies` : `${last}s`);
  return thing.slice(0, thing.length - last.length) + several;
}
