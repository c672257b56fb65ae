import { ControlError } from '../control.js';

export interface Named {
  readonly name: string;
}

/**
 * The one object whose full name, alias, or last parts of its name match: `member` finds `ingress.acl.member`, but not
 * `remember`.
 * @param aliases further names, each for one object's full name.
 * @throws ControlError NOT_FOUND that lists the valid names, INVALID_ARGUMENT that lists the candidates.
 */
export function byName<T extends Named>(
  kind: string,
  name: string,
  objects: readonly T[],
  where = '',
  aliases: Aliases = NO_ALIASES,
): T {
  const full = aliases.get(name) ?? name;
  const exact = objects.find((object) => object.name === full);
  if (exact !== undefined) return exact;
  const found = objects.filter((object) => object.name.endsWith(`.${name}`));
  if (found.length === 1) return found[0]!;
  const place = where === '' ? '' : ` in ${where}`;
  if (found.length > 1)
    throw new ControlError('INVALID_ARGUMENT', `${kind} "${name}"${place} could be: ${list(found)}`);
  throw new ControlError('NOT_FOUND', `there is no ${kind} "${name}"${place} (valid: ${list(objects)})`);
}

export type Aliases = ReadonlyMap<string, string>;
export const NO_ALIASES: Aliases = new Map();

const MAX_SHOWN = 30;

function list(objects: readonly Named[]): string {
  if (objects.length === 0) return 'none';
  const names = objects
    .slice(0, MAX_SHOWN)
    .map(({ name }) => name)
    .join(', ');
  return objects.length <= MAX_SHOWN ? names : `${names}, ... (${objects.length} in all)`;
}
