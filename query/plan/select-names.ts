/** What the names in a SELECT over one table mean: columns of the table, outputs of the SELECT, or an outer query's. */
import type { Binder } from './catalog.js';
import { isBound, leafOf, leavesOf, resolve, type Leaf } from './scope.js';
import { isColumnRef, rewrite, some, type Expression, type SelectNode, type TableRef } from './tree.js';

export class SelectNames {
  /** Outputs by their lower-case aliases. */
  private readonly aliases = new Map<string, Expression>();

  constructor(
    node: SelectNode,
    readonly leaf: Leaf,
    private readonly binder: Binder,
  ) {
    for (const item of node.select_list) if (item.alias !== '') this.aliases.set(item.alias.toLowerCase(), item);
  }

  /** Does it contain something whose value or meaning a worker could not reproduce? */
  isBound(e: Expression): boolean {
    return isBound(e, this.binder.unstable, this.binder.aggregates);
  }

  /** Does every name in it mean a column of the table? */
  isLocal(e: Expression): boolean {
    return leavesOf(e, [this.leaf]) !== undefined;
  }

  /** Columns, but none of this table. */
  isForeign(e: Expression): boolean {
    return (
      some(e, isColumnRef) &&
      !some(e, (part) => isColumnRef(part) && resolve([this.leaf], part.column_names) !== undefined)
    );
  }

  /** Replaces names of outputs with their expressions; a column of the table takes precedence over such a name. */
  dealias(e: Expression): Expression {
    return rewrite(e, (part) => {
      const target = this.aliasTarget(part);
      return target === undefined ? undefined : { ...this.dealias(target), alias: part.alias };
    });
  }

  /** The output that a column reference names. */
  aliasTarget(part: Expression): Expression | undefined {
    if (!isColumnRef(part) || part.column_names.length !== 1 || resolve([this.leaf], part.column_names) !== undefined)
      return undefined;
    const target = this.aliases.get(part.column_names[0]!.toLowerCase());
    return target === undefined || target === part ? undefined : target;
  }

  /** Equal for expressions that mean the same: without positions and aliases, columns by their names alone. */
  canonical(e: Expression): string {
    const bare = rewrite(e, (part) =>
      isColumnRef(part)
        ? { ...part, alias: '', query_location: 0, column_names: columnNames(this.leaf, part.column_names) }
        : undefined,
    );
    return JSON.stringify(bare, (key, value: unknown) =>
      key === 'alias' || key === 'query_location'
        ? undefined
        : key === 'function_name'
          ? String(value).toLowerCase()
          : value,
    );
  }

  /** Could a name in a subquery mean this SELECT's table? Columns of the subquery's own tables take precedence. */
  mayReadTable(e: Expression): boolean {
    let may = false;
    const visit = (value: unknown, own: readonly Leaf[]): void => {
      if (Array.isArray(value)) return value.forEach((part) => visit(part, own));
      if (typeof value !== 'object' || value === null) return;
      const node = value as SelectNode & Expression;
      if (
        node.class === 'COLUMN_REF' &&
        resolve(own, node.column_names!) === undefined &&
        resolve([this.leaf], node.column_names!) !== undefined
      )
        may = true;
      const inner = node.type === 'SELECT_NODE' ? [...own, ...tablesOf(node.from_table, this.binder)] : own;
      Object.values(value).forEach((part) => visit(part, inner));
    };
    visit(e.subquery, []);
    return may;
  }
}

function columnNames(leaf: Leaf, names: readonly string[]): string[] {
  const found = resolve([leaf], names);
  if (found === undefined || found === 'ambiguous') return [...names];
  // What follows the column is a struct's field.
  const at = names.findIndex((name) => name.toLowerCase() === found.column);
  return [found.column, ...names.slice(at < 0 ? names.length : at + 1)];
}

function tablesOf(ref: TableRef | undefined, binder: Binder): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (r: TableRef | undefined): void => {
    if (r === undefined) return;
    if (r.type === 'BASE_TABLE') {
      const table = binder.table(r.table_name!);
      if (table !== undefined) leaves.push(leafOf(r, table));
    }
    visit(r.left);
    visit(r.right);
  };
  visit(ref);
  return leaves;
}
