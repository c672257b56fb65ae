import { ControlError } from '../control.js';

/**
 * The object with this name.
 * @throws ControlError NOT_FOUND, listing the valid names.
 */
export function chooseByName<T extends { readonly name: string }>(
  kind: string,
  name: string,
  objects: readonly T[],
  where = '',
): T {
  for (let i = 0; i < objects.length; i++) if (objects[i]!.name === name) return objects[i]!;
  const names = objects.map((object) => object.name);
  const shown = names.slice(0, 12).join(', ') + (names.length > 12 ? `, ... (${names.length} in all)` : '');
  throw new ControlError(
    'NOT_FOUND',
    `there is no ${kind} "${name}"${where === '' ? '' : ` in ${where}`} (valid: ${shown === '' ? 'none' : shown})`,
  );
}
