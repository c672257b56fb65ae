/** ORDER BY … LIMIT n over one table: the switch drops rows that surely are not among the first n. */
import { counted } from '../../net/count.js';
import { Order } from '../../protocol/query/constants.js';
import type { Binder } from './catalog.js';
import { isCollated } from './collation.js';
import type { SelectAnalysis } from './join-graph.js';
import { Refusal } from './refusal.js';
import { isBound, leavesOf } from './scope.js';
import { identifier, integerOf, some, type Expression, type OrderBy, type SelectNode } from './tree.js';
import { isAggregation } from './aggregation.js';
import { orderLaneOf, type Lane } from './types.js';

type Direction = Pick<OrderBy, 'type' | 'null_order'>;

export interface PushedTop {
  readonly n: number;
  /** Undefined: any n rows will do, so the workers stop after n. */
  readonly order: { readonly kind: Order; readonly column: string } | undefined;
  /** The whole ORDER BY in the worker, if it can evaluate it. */
  readonly workerOrder: string | undefined;
}

/** Does a SELECT end with LIMIT, so that it is a candidate? */
export function hasLimit(analysis: SelectAnalysis): boolean {
  return analysis.node.modifiers.some(({ type }) => type.startsWith('LIMIT'));
}

/** @throws Refusal with the reason if the switch cannot help */
export async function pushTop(analysis: SelectAnalysis, binder: Binder, limit: number): Promise<PushedTop> {
  const { node, free, leaves, remaining } = analysis;
  const modifier = node.modifiers.find(({ type }) => type.startsWith('LIMIT'))!;
  if (isAggregation(node, binder)) throw new Refusal('the master sorts and limits the aggregated rows');
  const [leaf] = free;
  if (leaf === undefined || leaves.length !== 1 || node.from_table.type !== 'BASE_TABLE')
    throw new Refusal('Top-N is done in the switch only over one table');
  if (remaining.length > 0) throw new Refusal('the switch must not drop rows before the master has evaluated WHERE');
  if (node.sample != null || node.qualify != null || node.modifiers.some(({ type }) => type === 'DISTINCT_MODIFIER'))
    throw new Refusal('rows are removed or merged before they are ordered');
  if (node.select_list.some((e) => some(e, (part) => part.class === 'WINDOW' || part.function_name === 'unnest')))
    throw new Refusal('windows and unnest depend on rows that are not in the answer');
  const [rows, offset] = [integerOf(modifier.limit), modifier.offset == null ? 0 : integerOf(modifier.offset)];
  if (modifier.type !== 'LIMIT_MODIFIER' || rows === undefined || offset === undefined)
    throw new Refusal('LIMIT and OFFSET must be constants');
  const n = rows + offset;
  const orders = node.modifiers.find(({ type }) => type === 'ORDER_MODIFIER')?.orders ?? [];
  if (orders.length === 0 || n === 0) return { n, order: undefined, workerOrder: undefined };
  if (n > limit)
    throw new Refusal(`LIMIT and OFFSET add up to ${counted(n, 'row')}, and the switch keeps at most ${limit}`);

  const bound = await binder.orderOf(node);
  if (bound === undefined) throw new Refusal('DuckDB does not say by which columns it sorts');
  if (bound.some(({ index }) => index === undefined)) throw new Refusal('the rows are ordered under a collation');
  const outputs = await outputsOf(node, binder);
  const targets = bound.map(({ index, column }, i) => {
    if (index! < outputs.length) return outputs[index!] ?? columnRef(column);
    // Not an output; ORDER BY ALL would be several.
    return bound.length === orders.length ? orders[i]!.expression : undefined;
  });
  if (!targets.every((target) => target !== undefined))
    throw new Refusal('what a modified * gives is ordered by the master');
  if (targets.some(isCollated)) throw new Refusal('the rows are ordered under a collation');
  const canEvaluate = (e: Expression): boolean =>
    !isBound(e, binder.unstable, binder.aggregates) && leavesOf(e, [leaf]) !== undefined && e.class !== 'STAR';
  const first = targets[0]!;
  if (!canEvaluate(first)) throw new Refusal('only the master can evaluate the first ORDER BY expression');
  const texts = await binder.expressionTexts(targets.filter(canEvaluate).map((e) => bare(e, leaf.alias)));
  const type = (await binder.typesOf([texts[0]!], identifier(leaf.table.name)))[0]!;
  const order = orderColumn(texts[0]!, type, bound[0]!);
  // Not the columns themselves: DuckDB gives those that it sorts by back from the sort's keys, in which -0 is +0.
  const workerOrder =
    texts.length === bound.length
      ? bound.map((by, i) => `coalesce(${texts[i]}) ${direction(by)}`).join(', ')
      : undefined;
  return { n, order, workerOrder };
}

/** Expressions of a SELECT's outputs; undefined for those of a *. */
async function outputsOf(node: SelectNode, binder: Binder): Promise<(Expression | undefined)[]> {
  const outputs: (Expression | undefined)[] = [];
  for (const item of node.select_list) {
    if (!some(item, ({ class: kind }) => kind === 'STAR')) {
      outputs.push(item);
      continue;
    }
    const alone = await binder.nodeText({ ...node, select_list: [item], modifiers: [] });
    outputs.push(...(await binder.describe(alone)).names.map(() => undefined));
  }
  return outputs;
}

function columnRef(name: string | undefined): Expression | undefined {
  return name === undefined
    ? undefined
    : { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', query_location: 0, column_names: [name] };
}

function bare(e: Expression, alias: string): Expression {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, strip(part)]),
    ) as unknown as Expression;
    if (copy.class === 'COLUMN_REF' && copy.column_names!.length > 1 && copy.column_names![0]!.toLowerCase() === alias)
      copy.column_names = copy.column_names!.slice(1);
    return copy;
  };
  return strip(e) as Expression;
}

function isDescending(by: Direction): boolean {
  return by.type === 'DESCENDING';
}

/** DuckDB puts NULLs last unless the query says otherwise. */
function direction(by: Direction): string {
  return `${isDescending(by) ? 'DESC' : 'ASC'} ${by.null_order === 'NULLS FIRST' ? 'NULLS FIRST' : 'NULLS LAST'}`;
}

/** Orders texts by their first seven bytes, which is how DuckDB compares them, and enumerations by their positions. */
function prefixLaneOf(type: string): Pick<Lane, 'kind' | 'encode'> | undefined {
  if (type === 'VARCHAR')
    return { kind: 'i64', encode: (value) => `CAST('0x' || rpad(left(hex(${value}), 14), 14, '0') AS BIGINT)` };
  if (type.startsWith('ENUM(')) return { kind: 'i64', encode: (value) => `CAST(enum_code(${value}) AS BIGINT)` };
  return undefined;
}

/**
 * A column whose greatest values come first in the query's order. Rows that differ may be equal in it (NULL and the value
 * at that end, wide numbers as DOUBLE, texts that begin alike): the switch keeps ties.
 */
function orderColumn(text: string, type: string, by: Direction): { kind: Order; column: string } {
  const isNullFirst = by.null_order === 'NULLS FIRST';
  const lane = orderLaneOf(type) ?? prefixLaneOf(type);
  const isWide = /^(U?HUGEINT|BIGNUM|DECIMAL\((19|[23]\d),)/.test(type);
  if (isWide || lane?.kind === 'f64') {
    const value = `CAST(${text} AS DOUBLE)`;
    const edge = `CAST('${isNullFirst ? 'NaN' : '-Infinity'}' AS DOUBLE)`;
    const known = isDescending(by)
      ? value
      : `CASE WHEN isnan(${value}) THEN CAST('-Infinity' AS DOUBLE) ELSE -${value} END`;
    return { kind: Order.F64, column: `coalesce(${known}, ${edge})` };
  }
  if (lane === undefined) throw new Refusal(`the switch cannot order values of type ${type}`);
  const value = lane.encode(`(${text})`);
  const edge = `CAST(${isNullFirst ? '9223372036854775807' : '(-9223372036854775808)'} AS BIGINT)`;
  return { kind: Order.I64, column: `coalesce(${isDescending(by) ? value : `~(${value})`}, ${edge})` };
}
