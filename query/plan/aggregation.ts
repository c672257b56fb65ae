/** What makes a SELECT an aggregation. */
import type { Binder } from './catalog.js';
import { some, type Expression, type SelectNode } from './tree.js';

/** Is a SELECT an aggregation, so that it could be done in the switch? DISTINCT is one without aggregates. */
export function isAggregation(node: SelectNode, binder: Binder): boolean {
  const hasAggregate = (e: Expression | null | undefined): boolean =>
    e != null && some(e, (part) => aggregateName(part, binder) !== undefined);
  return (
    node.group_expressions.length > 0 ||
    node.group_sets.length > 0 ||
    node.aggregate_handling === 'FORCE_AGGREGATES' ||
    node.select_list.some(hasAggregate) ||
    hasAggregate(node.having) ||
    isDistinct(node)
  );
}

export function isDistinct(node: SelectNode): boolean {
  return node.modifiers.some(
    ({ type, distinct_on_targets }) => type === 'DISTINCT_MODIFIER' && (distinct_on_targets ?? []).length === 0,
  );
}

/** Lower-case name of the aggregate function that an expression calls; undefined if it calls none. */
export function aggregateName(e: Expression, binder: Binder): string | undefined {
  const name = e.class === 'FUNCTION' ? e.function_name!.toLowerCase() : undefined;
  return name !== undefined && binder.aggregates.has(name) ? name : undefined;
}
