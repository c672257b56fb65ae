/**
 * Aggregations over one table: SELECT … FROM t WHERE … GROUP BY … becomes groups that the switch builds, and a SELECT
 * over those. The relation may hold a group more than once (what the switch had no slot for came in rows), so the
 * master aggregates again: sums of sums, maxima of maxima, and HAVING on the result.
 */
import { Operator } from '../../protocol/query/constants.js';
import type { Binder } from './catalog.js';
import { switchHaving } from './having.js';
import { aggregateOf, LanePlan, type LaneAggregate } from './lane-plan.js';
import { isNeverNull } from './never-null.js';
import type { AggregateStep, KeyColumn } from './plan.js';
import { Refusal } from './refusal.js';
import { isBound, leafOf, leavesOf, resolve, type Leaf } from './scope.js';
import {
  conjuncts,
  identifier,
  integerOf,
  isColumnRef,
  rewrite,
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

/** Is a SELECT an aggregation, so that it could be done in the switch? DISTINCT is one without aggregates. */
export function isAggregation(node: SelectNode, binder: Binder): boolean {
  const hasAggregate = (e: Expression | null | undefined): boolean =>
    e != null &&
    some(e, (part) => part.class === 'FUNCTION' && binder.aggregates.has(part.function_name!.toLowerCase()));
  return (
    node.group_expressions.length > 0 ||
    node.group_sets.length > 0 ||
    node.aggregate_handling === 'FORCE_AGGREGATES' ||
    node.select_list.some(hasAggregate) ||
    hasAggregate(node.having) ||
    isDistinct(node)
  );
}

function isDistinct(node: SelectNode): boolean {
  return node.modifiers.some(
    ({ type, distinct_on_targets }) => type === 'DISTINCT_MODIFIER' && (distinct_on_targets ?? []).length === 0,
  );
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
  private readonly aliases = new Map<string, Expression>();
  private readonly groups: { readonly expression: Expression; readonly canonical: string }[] = [];
  private readonly aggregates = new Map<string, LaneAggregate>();

  constructor(
    private readonly node: SelectNode,
    private readonly binder: Binder,
    private readonly relation: string,
    private readonly options: AggregateOptions,
  ) {
    const from = node.from_table;
    if (from.type === 'JOIN')
      throw new Refusal('an aggregation over a join is the master’s; the switch only prunes the tables it joins');
    const table = from.type === 'BASE_TABLE' ? binder.table(from.table_name!) : undefined;
    if (table === undefined)
      throw new Refusal('an aggregation is done in the switch only over a table, not over another query');
    if (from.sample != null || node.sample != null) throw new Refusal('a sample is taken by the master');
    if (node.qualify != null) throw new Refusal('QUALIFY needs windows, which are the master’s');
    if ((from.column_name_alias ?? []).length > 0) throw new Refusal('column names given in FROM are not followed');
    this.leaf = leafOf(from, table);
    for (const item of node.select_list) if (item.alias !== '') this.aliases.set(item.alias.toLowerCase(), item);
  }

  async run(): Promise<PushedAggregate> {
    const { node, binder, leaf } = this;
    const select = this.expandedSelect();
    for (const expression of this.groupExpressions(select)) this.addGroup(expression);
    const { local, correlated } = this.splitWhere();
    const outputGroups = this.groups.length;
    const correlations = correlated.map(({ inner, outer }) => ({ key: this.addGroup(inner), outer }));
    const scan = (e: Expression): void => void this.rewriteOutput(e, () => e);
    select.forEach(scan);
    if (node.having != null) scan(node.having);
    const orders = node.modifiers
      .flatMap((modifier) => modifier.orders ?? [])
      .filter(({ expression }) => !this.isOutputName(expression));
    orders.forEach(({ expression }) => scan(expression));

    const from = `${identifier(leaf.table.name)} AS ${identifier(leaf.ref.alias || leaf.ref.table_name!)}`;
    const groupTexts = await binder.expressionTexts(this.groups.map(({ expression }) => expression));
    const groupTypes = await binder.typesOf(groupTexts, from);
    const keys = groupTypes.map((type, i) => this.keyColumn(i, type));
    this.checkKeySize(keys);
    const lanes = await LanePlan.of([...this.aggregates.values()], binder, from, this.options);

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
    for (const [canonical, aggregate] of this.aggregates)
      aggregateTrees.set(canonical, await binder.expression(lanes.masterText(aggregate)));
    const output = (e: Expression): Expression =>
      this.rewriteOutput(e, (found) => ('key' in found ? keyTrees[found.key]! : aggregateTrees.get(found.aggregate)!));

    const names =
      correlated.length === 0 && select.some(({ alias }) => alias === '') ? await this.outputNames() : undefined;
    const conditions: Expression[] = [];
    for (const { key, outer } of correlations) {
      const template = await binder.expression('a = b');
      conditions.push({ ...template, left: keyTrees[key]!, right: outer });
    }
    const isPlainDistinct =
      node.group_expressions.length === 0 &&
      node.aggregate_handling !== 'FORCE_AGGREGATES' &&
      this.aggregates.size === 0;
    const masterNode: SelectNode = {
      ...node,
      select_list: select.map((item, i) => ({ ...output(item), alias: item.alias || (names?.[i] ?? '') })),
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
      modifiers: node.modifiers.map((modifier) =>
        modifier.orders === undefined
          ? modifier
          : {
              ...modifier,
              orders: modifier.orders.map((order) =>
                this.isOutputName(order.expression) ? order : { ...order, expression: output(order.expression) },
              ),
            },
      ),
    };
    // Without GROUP BY there is an answer even if no group is left, so its group must not stay away.
    const having =
      outputGroups === 0
        ? undefined
        : await switchHaving(
            conjuncts(node.having),
            (e) => this.aggregates.get(this.canonical(this.dealias(e))),
            lanes,
            binder,
          );
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
      if (!isPlain) throw new Refusal('a changed * is the master’s');
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
    if (node.group_sets.length > 1) throw new Refusal('several grouping sets are the master’s');
    if (node.aggregate_handling === 'FORCE_AGGREGATES') return select.filter((e) => !hasAggregate(e));
    if (node.group_expressions.length > 0) {
      return node.group_expressions.map((e) => {
        const ordinal = integerOf(e);
        return ordinal === undefined ? e : (select[ordinal - 1] ?? e);
      });
    }
    return isDistinct(node) && node.having == null && !select.some(hasAggregate) ? [...select] : [];
  }

  private addGroup(e: Expression): number {
    const expression = this.dealias(e);
    if (isBound(expression, this.binder.unstable, this.binder.aggregates))
      throw new Refusal(
        'a group expression holds what only the master can evaluate (a subquery, a window, a function that is not the same everywhere)',
      );
    if (leavesOf(expression, [this.leaf]) === undefined)
      throw new Refusal('a group expression refers to an outer query');
    const canonical = this.canonical(expression);
    const known = this.groups.findIndex((group) => group.canonical === canonical);
    if (known >= 0) return known;
    return this.groups.push({ expression, canonical }) - 1;
  }

  /** WHERE: what a worker can evaluate, and equalities with an outer query's values. */
  private splitWhere(): { local: Expression[]; correlated: { inner: Expression; outer: Expression }[] } {
    const local: Expression[] = [];
    const correlated: { inner: Expression; outer: Expression }[] = [];
    for (const conjunct of conjuncts(this.node.where_clause).map((e) => this.dealias(e))) {
      if (isBound(conjunct, this.binder.unstable, this.binder.aggregates))
        throw new Refusal(
          'WHERE holds what only the master can evaluate (a subquery, a function that is not the same everywhere)',
        );
      if (this.isLocal(conjunct)) local.push(conjunct);
      else {
        const [left, right] = [conjunct.left, conjunct.right];
        const sides =
          conjunct.type !== 'COMPARE_EQUAL'
            ? undefined
            : this.isLocal(left!) && this.isForeign(right!)
              ? { inner: left!, outer: right! }
              : this.isLocal(right!) && this.isForeign(left!)
                ? { inner: right!, outer: left! }
                : undefined;
        if (sides === undefined)
          throw new Refusal('WHERE depends on an outer query by something else than an equality');
        correlated.push(sides);
      }
    }
    if (correlated.length > 0 && isDistinct(this.node))
      throw new Refusal('DISTINCT in a subquery that depends on an outer query is the master’s');
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

  private isLocal(e: Expression): boolean {
    return leavesOf(e, [this.leaf]) !== undefined;
  }

  /** Columns, but none of this table. */
  private isForeign(e: Expression): boolean {
    return (
      some(e, isColumnRef) &&
      !some(e, (part) => isColumnRef(part) && resolve([this.leaf], part.column_names) !== undefined)
    );
  }

  /** Names of outputs put back to what they stand for; a column of the table goes before such a name. */
  private dealias(e: Expression): Expression {
    return rewrite(e, (part) => {
      const target = this.aliasTarget(part);
      return target === undefined ? undefined : { ...this.dealias(target), alias: part.alias };
    });
  }

  private aliasTarget(part: Expression): Expression | undefined {
    if (!isColumnRef(part) || part.column_names.length !== 1 || resolve([this.leaf], part.column_names) !== undefined)
      return undefined;
    const target = this.aliases.get(part.column_names[0]!.toLowerCase());
    return target === undefined || target === part ? undefined : target;
  }

  /** Equal for expressions that mean the same: without places and aliases, columns by their names alone. */
  private canonical(e: Expression): string {
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

  /** ORDER BY a place or a name of the output stays as it is. */
  private isOutputName(e: Expression): boolean {
    if (integerOf(e) !== undefined || e.class === 'STAR') return true;
    return isColumnRef(e) && e.column_names.length === 1 && this.aliases.has(e.column_names[0]!.toLowerCase());
  }

  /** Group expressions and aggregates replaced; notes the aggregates on the way. */
  private rewriteOutput(
    e: Expression,
    replace: (found: { key: number } | { aggregate: string }) => Expression,
  ): Expression {
    return rewrite(e, (part) => {
      const target = this.aliasTarget(part);
      if (target !== undefined) return this.rewriteOutput(target, replace);
      if (part.class !== 'CONSTANT' || this.groups.length > 0) {
        const canonical = this.canonical(part);
        const key = this.groups.findIndex((group) => group.canonical === canonical);
        if (key >= 0) return { ...replace({ key }), alias: part.alias };
      }
      if (aggregateName(part, this.binder) !== undefined)
        return { ...replace({ aggregate: this.noteAggregate(part) }), alias: part.alias };
      if (
        ['WINDOW', 'LAMBDA', 'STAR', 'POSITIONAL_REFERENCE'].includes(part.class) ||
        part.type === 'GROUPING_FUNCTION'
      )
        throw new Refusal(`${part.class.toLowerCase().replace('_', ' ')} expressions over groups are the master’s`);
      if (part.class === 'SUBQUERY' && this.mayReadTable(part))
        throw new Refusal('a subquery in the output may depend on the rows of the table');
      if (isColumnRef(part)) {
        if (resolve([this.leaf], part.column_names) !== undefined)
          throw new Refusal(`column ${part.column_names.join('.')} is not a group expression`);
        if (part.column_names.length === 1 && /^(rows|[kl]\d+(_count)?)$/i.test(part.column_names[0]!))
          throw new Refusal(`outer column ${part.column_names[0]} has a name that the groups use`);
      }
      return undefined;
    });
  }

  /** Could a name in a subquery mean this SELECT's table? Every table of its own hides its columns. */
  private mayReadTable(e: Expression): boolean {
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

  private noteAggregate(part: Expression): string {
    const e = this.dealias({ ...part, alias: '' });
    const canonical = this.canonical(e);
    if (this.aggregates.has(canonical)) return canonical;
    const argument = e.children?.[0];
    if (argument !== undefined) {
      if (isBound(argument, this.binder.unstable, this.binder.aggregates))
        throw new Refusal('an aggregate’s argument holds what only the master can evaluate');
      if (leavesOf(argument, [this.leaf]) === undefined)
        throw new Refusal('an aggregate’s argument refers to an outer query');
      if (
        e.filter != null &&
        (isBound(e.filter, this.binder.unstable, this.binder.aggregates) ||
          leavesOf(e.filter, [this.leaf]) === undefined)
      )
        throw new Refusal('a FILTER holds what only the master can evaluate');
    }
    this.aggregates.set(
      canonical,
      aggregateOf(
        e,
        argument === undefined ? '' : this.canonical(argument),
        argument !== undefined && isNeverNull(argument, this.leaf),
      ),
    );
    return canonical;
  }

  private keyColumn(i: number, type: string): KeyColumn {
    const key = keyTypeOf(type);
    if (key === undefined) throw new Refusal(`values of type ${type} do not go into a key`);
    return { name: `k${i}`, type: key, sqlType: key.kind === 'text' ? 'VARCHAR' : type };
  }

  private checkKeySize(keys: readonly KeyColumn[]): void {
    const bytes =
      Math.ceil(keys.length / 8) + keys.reduce((sum, { type }) => sum + ('bytes' in type ? type.bytes : 1), 0);
    if (bytes > KEY_BYTES)
      throw new Refusal(`the group’s columns need ${bytes} bytes of key, and a tuple has ${KEY_BYTES}`);
  }
}

function aggregateName(e: Expression, binder: Binder): string | undefined {
  const name = e.class === 'FUNCTION' ? e.function_name!.toLowerCase() : undefined;
  return name !== undefined && binder.aggregates.has(name) ? name : undefined;
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

async function allOf(conditions: readonly Expression[], binder: Binder): Promise<Expression | null> {
  if (conditions.length < 2) return conditions[0] ?? null;
  return { ...(await binder.expression('a AND b')), children: [...conditions] };
}
