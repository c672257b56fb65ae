/** Aggregates whose value depends on the order in which rows come, unless the query gives it. */
import { walkAll } from './tree.js';

const ORDER_DEPENDENT = new Set([
  'first',
  'last',
  'any_value',
  'arbitrary',
  'list',
  'array_agg',
  'string_agg',
  'group_concat',
  'listagg',
  'arg_min',
  'arg_max',
  'argmin',
  'argmax',
  'min_by',
  'max_by',
  'arg_min_null',
  'arg_max_null',
  'mode',
  'json_group_array',
  'json_group_object',
]);

/** Names of those that a query calls without ORDER BY, in lower case. */
export function orderDependent(query: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  // DuckDB's parser writes list(v ORDER BY v) so.
  const sorted = new Set<unknown>();
  walkAll(query, (part) => {
    if (part['class'] !== 'FUNCTION') return;
    const name = String(part['function_name']).toLowerCase();
    const { orders } = (part['order_bys'] ?? {}) as { orders?: readonly unknown[] };
    if (/^list_(reverse_)?sort$/.test(name)) sorted.add((part['children'] as unknown[])[0]);
    if (!sorted.has(part) && ORDER_DEPENDENT.has(name) && (orders ?? []).length === 0) names.add(name);
  });
  return names;
}
