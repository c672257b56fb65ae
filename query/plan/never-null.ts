/** Expressions that are surely never NULL, so that counting their values is counting rows. */
import { wholeColumnOf, type Leaf } from './scope.js';
import { isColumnRef, type Expression } from './tree.js';

/** Of two numbers that are not NULL these never give NULL; a division by zero would. */
const TOTAL = new Set(['+', '-', '*']);

export function isNeverNull(e: Expression, leaf: Leaf): boolean {
  if (isColumnRef(e)) {
    // A field may be NULL where its column is not.
    const name = wholeColumnOf(leaf, e.column_names);
    if (name === undefined) return false;
    const columns = leaf.table.columns.filter((column) => column.name.toLowerCase() === name);
    return columns.every(({ isNeverNull: never }) => never === true);
  }
  if (e.class === 'CONSTANT') return e.value?.is_null === false;
  return (
    e.class === 'FUNCTION' &&
    TOTAL.has(e.function_name!) &&
    (e.children ?? []).every((child) => isNeverNull(child, leaf))
  );
}
