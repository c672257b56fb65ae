/**
 * Aggregations over one table: SELECT … FROM t WHERE … GROUP BY … becomes groups that the switch builds, and a SELECT
 * over those. The relation may contain a group more than once (rows without a slot in the switch arrive as they are),
 * so the master aggregates again: sums of sums, maxima of maxima, and HAVING on the result.
 */
import { Operator } from '../../protocol/query/constants.js';
import { aggregateName, isDistinct } from './aggregation.js';
import type { Binder } from './catalog.js';
import { isCollated } from './collation.js';
import { Grouping } from './grouping.js';
import { switchHaving } from './having.js';
import { LanePlan } from './lane-plan.js';
import { withOrdinals } from './ordinals.js';
import type { AggregateStep, KeyColumn } from './plan.js';
import { Refusal } from './refusal.js';
import { leafOf, type Leaf } from './scope.js';
import { SelectNames } from './select-names.js';
import {
  conjuncts,
  identifier,
  integerOf,
  isColumnRef,
  some,
  type Expression,
  type SelectNode,
  type TableRef,
} from './tree.js';
import { keyTypeOf } from './types.js';
import { KEY_BYTES } from '../tuples.js';

export interface AggregateOptions {
  readonly lanes: number;
  readonly sums: 'fp64' | 'fp32';
  readonly combine: boolean;
  readonly integerSums: boolean;
}

export interface PushedAggregate {
  readonly step: AggregateStep;
  /** Takes the place of the SELECT. */
  readonly node: SelectNode;
  readonly table: string;
  readonly isCombined: boolean;
  /** Why the worker does not combine though it might. */
  readonly remark: string | undefined;
}

/** @throws Refusal with the reason if it stays with the master */
export async function pushAggregate(
  node: SelectNode,
  binder: Binder,
  relation: string,
  options: AggregateOptions,
): Promise<PushedAggregate> {
  return new AggregateRewriter(node, binder, relation, options).run();
}

class AggregateRewriter {
  private readonly leaf: Leaf;
  private readonly names: SelectNames;
  private readonly grouping: Grouping;

  constructor(
    private readonly node: SelectNode,
    private readonly binder: Binder,
    private readonly relation: string,
    private readonly options: AggregateOptions,
  ) {
    const from = node.from_table;
    if (from.type === 'JOIN')
      throw new Refusal('an aggregation over a join is done by the master; the switch only prunes the joined tables');
    const table = from.type === 'BASE_TABLE' ? binder.table(from.table_name!) : undefined;
    if (table === undefined)
      throw new Refusal('an aggregation is done in the switch only over a table, not over another query');
    if (from.sample != null || node.sample != null) throw new Refusal('a sample is taken by the master');
    if (node.qualify != null) throw new Refusal('QUALIFY needs windows, which only the master evaluates');
    if ((from.column_name_alias ?? []).length > 0)
      throw new Refusal('the planner does not follow column names given in FROM');
    this.leaf = leafOf(from, table);
    this.names = new SelectNames(node, this.leaf, binder);
    this.grouping = new Grouping(this.names, binder);
  }

  async run(): Promise<PushedAggregate> {
    const { node, binder, leaf, grouping } = this;
    const select = this.expandedSelect();
    for (const expression of this.groupExpressions(select)) grouping.addGroup(expression);
    const { local, correlated } = this.splitWhere();
    const outputGroups = grouping.expressions.length;
    const correlations = correlated.map(({ inner, outer }) => ({ key: grouping.addGroup(inner), outer }));
    const scan = (e: Expression): void => void grouping.rewriteOutput(e, () => e);
    select.forEach(scan);
    if (node.having != null) scan(node.having);
    // The master's outputs have other names and expressions than those that ORDER BY means.
    const modifiers = (await withOrdinals(node, binder, select.length))?.modifiers;
    if (modifiers === undefined) throw new Refusal('DuckDB does not say by which of the outputs it sorts');
    modifiers
      .flatMap(({ orders }) => orders ?? [])
      .forEach(({ expression }) => {
        if (!isOrdinal(expression)) scan(expression);
      });

    const from = `${identifier(leaf.table.name)} AS ${identifier(leaf.ref.alias || leaf.ref.table_name!)}`;
    const groupTexts = await binder.expressionTexts(grouping.expressions);
    const groupTypes = await binder.typesOf(groupTexts, from);
    const keys = groupTypes.map((type, i) => this.keyColumn(i, type));
    this.checkKeySize(keys);
    const lanes = await LanePlan.of([...grouping.aggregates.values()], binder, from, this.options);

    const where = (await binder.expressionTexts(local)).map((text) => ` WHERE ${text}`).join('');
    const keyItems = groupTexts.map(
      (text, i) =>
        `${keys[i]!.sqlType === groupTypes[i] ? text : `CAST(${text} AS ${keys[i]!.sqlType})`} AS ${identifier(keys[i]!.name)}`,
    );
    const items = [...keyItems, ...lanes.items];
    const select1 = items.length === 0 ? ['1'] : items;
    const workerSelect =
      !lanes.isCombined || items.length === 0
        ? `SELECT ${select1.join(', ')} FROM ${from}${where}`
        : lanes.items.length === 0
          ? `SELECT DISTINCT ${items.join(', ')} FROM ${from}${where}`
          : `SELECT ${items.join(', ')} FROM ${from}${where}${keys.length === 0 ? '' : ` GROUP BY ${keys.map((_, i) => i + 1).join(', ')}`}`;

    const keyTrees = await Promise.all(
      keys.map(async ({ name, sqlType }, i) =>
        binder.expression(
          sqlType === groupTypes[i] ? identifier(name) : `CAST(${identifier(name)} AS ${groupTypes[i]})`,
        ),
      ),
    );
    const aggregateTrees = new Map<string, Expression>();
    for (const [canonical, aggregate] of grouping.aggregates)
      aggregateTrees.set(canonical, await binder.expression(lanes.masterText(aggregate)));
    const output = (e: Expression): Expression =>
      grouping.rewriteOutput(e, (found) =>
        'key' in found ? keyTrees[found.key]! : aggregateTrees.get(found.aggregate)!,
      );

    const outputNames =
      correlated.length === 0 && select.some(({ alias }) => alias === '') ? await this.outputNames() : undefined;
    const conditions: Expression[] = [];
    for (const { key, outer } of correlations) {
      const template = await binder.expression('a = b');
      conditions.push({ ...template, left: keyTrees[key]!, right: outer });
    }
    const isPlainDistinct =
      node.group_expressions.length === 0 &&
      node.aggregate_handling !== 'FORCE_AGGREGATES' &&
      grouping.aggregates.size === 0;
    const masterNode: SelectNode = {
      ...node,
      select_list: select.map((item, i) => ({ ...output(item), alias: item.alias || (outputNames?.[i] ?? '') })),
      from_table: {
        ...leaf.ref,
        alias: '',
        table_name: this.relation,
        schema_name: '',
        catalog_name: '',
        sample: null,
      } as TableRef,
      where_clause: await allOf(conditions, binder),
      group_expressions: isPlainDistinct ? [] : keyTrees.slice(0, outputGroups),
      group_sets: isPlainDistinct || outputGroups === 0 ? [] : [[...Array(outputGroups).keys()]],
      aggregate_handling: 'STANDARD_HANDLING',
      having: node.having == null ? null : output(node.having),
      modifiers: modifiers.map((modifier) =>
        modifier.orders === undefined
          ? modifier
          : {
              ...modifier,
              orders: modifier.orders.map((order) =>
                isOrdinal(order.expression)
                  ? order
                  : { ...order, expression: this.qualified(output(order.expression)) },
              ),
            },
      ),
    };
    // Without GROUP BY there is an answer even if no group is left, so the switch must not hold its group back; and the
    // groups of -0 and of +0 are parts of one.
    const having =
      outputGroups === 0 || keys.some(({ type }) => type.kind === 'float')
        ? undefined
        : await switchHaving(conjuncts(node.having), (e) => grouping.aggregateOf(e), lanes, binder);
    return {
      step: {
        operator: Operator.GROUP,
        select: workerSelect,
        keys,
        lanes: lanes.columns,
        ...(having === undefined ? {} : { having }),
        relation: this.relation,
      },
      node: masterNode,
      table: leaf.table.name,
      isCombined: lanes.isCombined,
      remark: lanes.remark,
    };
  }

  /** In ORDER BY a bare name would mean an output before it means a column of the groups. */
  private qualified(e: Expression): Expression {
    return isColumnRef(e) && e.column_names.length === 1
      ? { ...e, column_names: [this.relation, ...e.column_names] }
      : e;
  }

  /** DuckDB's names of the outputs, which would otherwise change with their expressions. */
  private async outputNames(): Promise<readonly string[] | undefined> {
    const { cte_map, ...rest } = this.node;
    const text = await this.binder.nodeText({
      ...rest,
      cte_map,
      modifiers: this.node.modifiers.filter(({ type }) => type === 'DISTINCT_MODIFIER'),
    });
    // It fails if it refers to an outer query; then nothing can refer to the unnamed outputs either.
    return (await this.binder.describe(text).catch(() => undefined))?.names;
  }

  private expandedSelect(): Expression[] {
    return this.node.select_list.flatMap((item) => {
      if (item.class !== 'STAR') return [item];
      const isPlain =
        !item.columns &&
        item.expr == null &&
        [item.exclude_list, item.replace_list, item.rename_list, item.qualified_exclude_list].every(
          (list) => (list ?? []).length === 0,
        );
      if (!isPlain) throw new Refusal('a modified * is evaluated by the master');
      return this.leaf.table.columns.map(({ name }) => ({
        class: 'COLUMN_REF',
        type: 'COLUMN_REF',
        alias: '',
        query_location: item.query_location,
        column_names: [name],
      }));
    });
  }

  private groupExpressions(select: readonly Expression[]): Expression[] {
    const { node } = this;
    const hasAggregate = (e: Expression): boolean => some(e, (part) => aggregateName(part, this.binder) !== undefined);
    if (node.group_sets.length > 1) throw new Refusal('several grouping sets are evaluated by the master');
    if (node.aggregate_handling === 'FORCE_AGGREGATES') return select.filter((e) => !hasAggregate(e));
    if (node.group_expressions.length > 0) {
      return node.group_expressions.map((e) => {
        const ordinal = integerOf(e);
        return ordinal === undefined ? e : (select[ordinal - 1] ?? e);
      });
    }
    return isDistinct(node) && node.having == null && !select.some(hasAggregate) ? [...select] : [];
  }

  /** WHERE: what a worker can evaluate, and equalities with an outer query's values. */
  private splitWhere(): { local: Expression[]; correlated: { inner: Expression; outer: Expression }[] } {
    const { names } = this;
    const local: Expression[] = [];
    const correlated: { inner: Expression; outer: Expression }[] = [];
    for (const conjunct of conjuncts(this.node.where_clause).map((e) => names.dealias(e))) {
      if (names.isBound(conjunct))
        throw new Refusal(
          'WHERE contains what only the master can evaluate (a subquery, a function whose result differs between machines)',
        );
      if (names.isLocal(conjunct)) local.push(conjunct);
      else {
        const [left, right] = [conjunct.left, conjunct.right];
        const sides =
          conjunct.type !== 'COMPARE_EQUAL'
            ? undefined
            : names.isLocal(left!) && names.isForeign(right!)
              ? { inner: left!, outer: right! }
              : names.isLocal(right!) && names.isForeign(left!)
                ? { inner: right!, outer: left! }
                : undefined;
        if (sides !== undefined && isCollated(conjunct))
          throw new Refusal('WHERE compares with an outer query under a collation');
        if (sides === undefined)
          throw new Refusal('WHERE depends on an outer query through something other than an equality');
        correlated.push(sides);
      }
    }
    if (correlated.length > 0 && isDistinct(this.node))
      throw new Refusal('DISTINCT in a subquery that depends on an outer query is evaluated by the master');
    return {
      local:
        local.length > 1
          ? [
              local.reduce((left, right) => ({
                class: 'CONJUNCTION',
                type: 'CONJUNCTION_AND',
                alias: '',
                query_location: 0,
                children: [left, right],
              })),
            ]
          : local,
      correlated,
    };
  }

  private keyColumn(i: number, type: string): KeyColumn {
    const key = keyTypeOf(type);
    if (key === undefined) throw new Refusal(`values of type ${type} cannot be part of a key`);
    return { name: `k${i}`, type: key, sqlType: key.kind === 'text' ? 'VARCHAR' : type };
  }

  private checkKeySize(keys: readonly KeyColumn[]): void {
    const bytes =
      Math.ceil(keys.length / 8) + keys.reduce((sum, { type }) => sum + ('bytes' in type ? type.bytes : 1), 0);
    if (bytes > KEY_BYTES)
      throw new Refusal(`the group’s columns need ${bytes} bytes of key, and a tuple has ${KEY_BYTES}`);
  }
}

function isOrdinal(e: Expression): boolean {
  return integerOf(e) !== undefined;
}

async function allOf(conditions: readonly Expression[], binder: Binder): Promise<Expression | null> {
  if (conditions.length < 2) return conditions[0] ?? null;
  return { ...(await binder.expression('a AND b')), children: [...conditions] };
}
