/** Which table a name in a query means. */
import type { CatalogTable } from './catalog.js';
import { isColumnRef, some, walk, type Expression, type TableRef } from './tree.js';

/** A table of the catalog in a FROM clause. */
export interface Leaf {
  readonly ref: TableRef;
  readonly table: CatalogTable;
  /** Lower case; what qualifies its columns. */
  readonly alias: string;
}

export function leafOf(ref: TableRef, table: CatalogTable): Leaf {
  return { ref, table, alias: (ref.alias || ref.table_name!).toLowerCase() };
}

/** Types whose values have fields that a qualified name can refer to. */
const NESTED = /^(STRUCT|MAP|UNION|JSON|VARIANT)/;

/** Lower-case name of the column that a reference means if it is one of this table. */
function columnOf(leaf: Leaf, names: readonly string[]): string | undefined {
  return placeOf(leaf, names)?.column;
}

/** As {@link columnOf}, of a reference that means the column itself and no field of it. */
export function wholeColumnOf(leaf: Leaf, names: readonly string[]): string | undefined {
  const place = placeOf(leaf, names);
  return place?.parts === names.length ? place.column : undefined;
}

/** @returns the column, and how many of the names lead to it; the rest name its fields */
function placeOf(
  leaf: Leaf,
  names: readonly string[],
): { readonly column: string; readonly parts: number } | undefined {
  const has = (name: string): boolean =>
    leaf.table.columns.some((column) => column.name.toLowerCase() === name.toLowerCase());
  const parts = names.map((name) => name.toLowerCase());
  if (parts.length > 1 && parts[0] === leaf.alias && has(parts[1]!)) return { column: parts[1]!, parts: 2 };
  if (parts.length > 2 && parts[1] === leaf.alias && has(parts[2]!)) return { column: parts[2]!, parts: 3 };
  const column = leaf.table.columns.find(({ name }) => name.toLowerCase() === parts[0]);
  // A struct's field follows its column: still that column's table.
  return column !== undefined && (parts.length === 1 || NESTED.test(column.type))
    ? { column: parts[0]!, parts: 1 }
    : undefined;
}

/**
 * The leaf that a reference means: undefined if none (an alias or an outer query's), 'ambiguous' if several could be
 * meant (the columns of a USING).
 */
export function resolve(
  leaves: readonly Leaf[],
  names: readonly string[],
): { leaf: Leaf; column: string } | 'ambiguous' | undefined {
  const found = leaves.flatMap((leaf) => {
    const column = columnOf(leaf, names);
    return column === undefined ? [] : [{ leaf, column }];
  });
  const qualified = found.filter(
    ({ leaf }) => names.length > 1 && names.slice(0, -1).some((name) => name.toLowerCase() === leaf.alias),
  );
  const candidates = qualified.length > 0 ? qualified : found;
  return candidates.length > 1 ? 'ambiguous' : candidates[0];
}

/** Does it contain something whose value or meaning a worker could not reproduce: a subquery, a window, chance, the clock? */
export function isBound(e: Expression, unstable: ReadonlySet<string>, aggregates: ReadonlySet<string>): boolean {
  return some(
    e,
    (part) =>
      ['SUBQUERY', 'WINDOW', 'LAMBDA', 'LAMBDA_REF', 'STAR', 'PARAMETER', 'POSITIONAL_REFERENCE', 'DEFAULT'].includes(
        part.class,
      ) ||
      (part.class === 'FUNCTION' &&
        (unstable.has(part.function_name!.toLowerCase()) ||
          aggregates.has(part.function_name!.toLowerCase()) ||
          part.filter != null ||
          part.distinct === true)) ||
      part.type === 'GROUPING_FUNCTION',
  );
}

/** The leaves that an expression reads, or undefined if it contains a name of something else. */
export function leavesOf(e: Expression, leaves: readonly Leaf[]): ReadonlySet<Leaf> | undefined {
  const used = new Set<Leaf>();
  let isLocal = true;
  walk(e, (part) => {
    if (!isColumnRef(part)) return;
    const found = resolve(leaves, part.column_names);
    if (found === undefined || found === 'ambiguous') isLocal = false;
    else used.add(found.leaf);
  });
  return isLocal ? used : undefined;
}
