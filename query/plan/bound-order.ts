/** By what a query is sorted, as DuckDB's binder says: it alone decides what a name or an ordinal in ORDER BY means. */
import type { OrderBy } from './tree.js';

/** A part of a logical plan, as json_serialize_plan writes it. */
export interface LogicalPlan {
  readonly type: string;
  readonly children?: readonly LogicalPlan[];
  readonly orders?: readonly (Pick<OrderBy, 'type' | 'null_order'> & { readonly expression: BoundExpression })[];
  readonly expressions?: readonly BoundExpression[];
  /** Of a table that is read: all of its columns, and which of them it gives. */
  readonly names?: readonly string[];
  readonly column_indexes?: readonly { readonly index: number }[];
}

interface BoundExpression {
  readonly expression_class: string;
  readonly index?: number;
}

export interface BoundOrder extends Pick<OrderBy, 'type' | 'null_order'> {
  /** Of the output, or beyond the outputs for what is only sorted by; undefined if texts are compared under a collation. */
  readonly index: number | undefined;
  /** The table's column that the output is, if DuckDB only passes it on. */
  readonly column: string | undefined;
}

/** On the way from the top of a plan to the order of the query itself. */
const ABOVE_ORDER = ['LOGICAL_PROJECTION', 'LOGICAL_LIMIT', 'LOGICAL_MATERIALIZED_CTE', 'LOGICAL_CTE_REF'];

/** Empty if the plan does not show what the query itself is sorted by. */
export function boundOrders(plan: LogicalPlan | undefined): readonly BoundOrder[] {
  for (let node = plan; node !== undefined; node = node.children?.at(-1)) {
    if (node.type === 'LOGICAL_ORDER_BY') {
      const below = node.children?.[0];
      return node.orders!.map(({ type, null_order, expression }) => {
        const index = referenced(expression);
        return { type, null_order, index, column: columnOf(below, index) };
      });
    }
    if (!ABOVE_ORDER.includes(node.type)) return [];
  }
  return [];
}

function referenced({ expression_class: kind, index }: BoundExpression): number | undefined {
  return kind === 'BOUND_REF' ? index : undefined;
}

function columnOf(projection: LogicalPlan | undefined, output: number | undefined): string | undefined {
  const expression = output === undefined ? undefined : projection?.expressions?.[output];
  if (projection?.type !== 'LOGICAL_PROJECTION' || expression === undefined) return undefined;
  let read = projection.children?.[0];
  while (read?.type === 'LOGICAL_FILTER') read = read.children?.[0];
  const index = referenced(expression);
  if (read?.type !== 'LOGICAL_GET' || index === undefined) return undefined;
  const column = read.column_indexes?.[index]?.index;
  return column === undefined ? undefined : read.names?.[column];
}
