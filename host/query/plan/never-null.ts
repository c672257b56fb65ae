/** Expressions that are surely never NULL, so that counting their values is counting rows. */
import { columnOf, type Leaf } from './scope.js';
import { isColumnRef, type Expression } from './tree.js';

/** Of two numbers that are not NULL these are not NULL either; a division by zero would be. */
const TOTAL = new Set(['+', '-', '*']);

export function isNeverNull(e: Expression, leaf: Leaf): boolean {
  if (isColumnRef(e)) {
    const name = columnOf(leaf, e.column_names);
    // A name that goes on after the column's is that of a field, which may be NULL where the column is not.
    if (name === undefined || e.column_names.at(-1)!.toLowerCase() !== name) return false;
    const columns = leaf.table.columns.filter((column) => column.name.toLowerCase() === name);
    return columns.every(({ isNeverNull: never }) => never === true);
  }
  if (e.class === 'CONSTANT') return e.value?.is_null === false;
  return e.class === 'FUNCTION' && TOTAL.has(e.function_name!) && (e.children ?? []).every((child) => isNeverNull(child, leaf));
}
