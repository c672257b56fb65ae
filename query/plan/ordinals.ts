/** ORDER BY by positions, which mean the same whatever the outputs are called. */
import type { Binder } from './catalog.js';
import { isColumnRef, type QueryNode } from './tree.js';

/**
 * @param outputs how many there are; what else is sorted by stays as it is
 * @returns the node with the positions of the outputs that DuckDB takes its ORDER BY for; undefined if DuckDB does not
 *   say
 */
export async function withOrdinals<N extends QueryNode>(
  node: N,
  binder: Binder,
  outputs: number,
): Promise<N | undefined> {
  const given = node.modifiers.flatMap(({ orders }) => orders ?? []);
  if (given.length === 0) return node;
  const bound = await binder.orderOf(node);
  const isAll = given.some(({ expression }) => expression.class === 'STAR');
  if (bound === undefined || (bound.length !== given.length && !isAll)) return undefined;
  const orders = await Promise.all(
    bound.map(async ({ index, type, null_order }, i) =>
      index !== undefined && index < outputs
        ? { type, null_order, expression: await binder.expression(String(index + 1)) }
        : given[i],
    ),
  );
  // A name for a text under a collation: DuckDB does not show which.
  if (bound.some(({ index }, i) => index === undefined && (given[i] === undefined || isColumnRef(given[i].expression))))
    return undefined;
  if (orders.includes(undefined) || (isAll && orders.some((order, i) => order === given[i]))) return undefined;
  return {
    ...node,
    modifiers: node.modifiers.map((modifier) => (modifier.orders === undefined ? modifier : { ...modifier, orders })),
  };
}
