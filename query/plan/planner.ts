/** Splits a query into what workers, switch and master do. */
import { counted } from '../../net/count.js';
import { pushAggregate } from './aggregate.js';
import { isAggregation } from './aggregation.js';
import { Binder, type Catalog, type CatalogColumn, type Described } from './catalog.js';
import { QueryPlanError } from './errors.js';
import { orderDependent } from './order-dependent.js';
import { withOrdinals } from './ordinals.js';
import type { AggregateStep, QueryPlan, RowSet } from './plan.js';
import { Refusal } from './refusal.js';
import { fetchAll, planRowSets, tableReferences, type RowSets } from './row-sets.js';
import { isColumnRef, isExpression, walkAll, type QueryNode, type SelectNode, type Statement } from './tree.js';
import { LaneOp, QUERY_BUILDS, TOP_SLOTS } from '../../protocol/query/constants.js';

export interface PlanOptions {
  /** Values that a tuple of the switch's build carries next to its key (default: as many as the largest build). */
  readonly lanes?: number;
  /** How sums of DOUBLE and FLOAT are done (default fp64). */
  readonly sums?: 'fp64' | 'fp32';
  /** Workers combine their rows first: partial groups, and only the first rows of a Top-N (default false). */
  readonly combine?: boolean;
  /** The maximum number of rows that a Top-N in the switch keeps. */
  readonly topLimit?: number;
  /**
   * False: no sums of wide integers or decimals in the switch, whose 64 bits they may exceed. Plan again this way after
   * a stream has reported an overflow, or a worker's cast to BIGINT has failed (default true).
   */
  readonly integerSums?: boolean;
}

/**
 * @throws QueryPlanError for SQL that DuckDB refuses, with its message; for unknown tables and columns the message
 *   lists the existing ones
 */
export async function plan(sql: string, catalog: Catalog, options: PlanOptions = {}): Promise<QueryPlan> {
  const planner = await QueryPlanner.open(catalog);
  try {
    return await planner.plan(sql, options);
  } finally {
    planner.close();
  }
}

/** Plans that a planner caches. */
const MAX_PLANS = 64;

/**
 * Plans one query after the other over the same tables. DuckDB starts only once, and the plan of a repeated query
 * is cached: it depends on nothing but the text, the options and the catalog.
 */
export class QueryPlanner {
  /** By text and options, the one that was used last at the end. */
  private readonly plans = new Map<string, QueryPlan>();

  private constructor(private readonly binder: Binder) {}

  static async open(catalog: Catalog): Promise<QueryPlanner> {
    return new QueryPlanner(await Binder.create(catalog));
  }

  /** One at a time. @throws QueryPlanError as {@link plan} does */
  async plan(sql: string, options: PlanOptions = {}): Promise<QueryPlan> {
    const all: Required<PlanOptions> = {
      lanes: options.lanes ?? Math.max(...QUERY_BUILDS.map(({ lanes }) => lanes)),
      sums: options.sums ?? 'fp64',
      combine: options.combine ?? false,
      topLimit: Math.min(options.topLimit ?? TOP_SLOTS, TOP_SLOTS),
      integerSums: options.integerSums ?? true,
    };
    const key = JSON.stringify([sql, all]);
    const made = this.plans.get(key) ?? (await new Planner(sql, this.binder, all).run());
    this.plans.delete(key);
    this.plans.set(key, made);
    if (this.plans.size > MAX_PLANS) this.plans.delete(this.plans.keys().next().value!);
    return made;
  }

  close(): void {
    this.binder.close();
  }
}

class Planner {
  private readonly aggregates: AggregateStep[] = [];
  private readonly workers: string[] = [];
  private readonly inSwitch: string[] = [];
  private readonly notPushed: string[] = [];
  /** What the user should know of the answer, whatever the plan. */
  private readonly notes: string[] = [];

  constructor(
    private readonly sql: string,
    private readonly binder: Binder,
    private readonly options: Required<PlanOptions>,
  ) {}

  async run(): Promise<QueryPlan> {
    const { binder, sql } = this;
    const statement = await binder.parse(sql);
    const described = await binder.describe(sql);
    this.refuseRowIds(statement);
    for (const name of orderDependent(statement))
      this.notes.push(
        `${name}(…) depends on the order of rows, and they come from several workers in no certain order; ORDER BY within it gives one.`,
      );
    const reason = await this.cannotFollow(statement, described);
    if (reason !== undefined) return this.fetchEverything(statement, [reason]);
    try {
      return await this.split(statement, described);
    } catch (error) {
      // DuckDB has bound the query itself, so a part of it that does not bind is the planner's mistake.
      if (!(error instanceof QueryPlanError)) throw error;
      return this.fetchEverything(statement, [`The plan was abandoned: ${error.message}`]);
    }
  }

  private async split(statement: Statement, described: Described): Promise<QueryPlan> {
    const node = named(await this.rewriteNodes(statement.node), described.names);
    const master = this.aggregates.length === 0 ? this.sql : await this.binder.textOf({ ...statement, node });
    const rows = await planRowSets(node, this.binder, this.options);
    const problem = await this.check(master, rows.rowSets, described);
    if (problem !== undefined) return this.fetchEverything(statement, [`The plan was abandoned: ${problem}`]);
    return this.finish(master, rows);
  }

  /** Why the query must not be changed; undefined if it may. */
  private async cannotFollow(statement: Statement, described: Described): Promise<string | undefined> {
    const ctes = new Set<string>();
    walkAll(statement, (part) => {
      const { map } = part as { map?: unknown };
      if (Array.isArray(map))
        for (const { key } of map as { key?: unknown }[]) if (typeof key === 'string') ctes.add(key.toLowerCase());
    });
    if (namesTables(statement))
      return 'The query names tables in strings (query_table), so the planner leaves it as it is.';
    const shadowed = this.binder.catalog.find(({ name }) => ctes.has(name.toLowerCase()));
    if (shadowed !== undefined)
      return `WITH redefines the name of table ${shadowed.name}, so the planner leaves the query as it is.`;
    const again = await this.binder
      .textOf(statement)
      .then((text) => this.binder.describe(text))
      .catch(() => undefined);
    if (again === undefined || again.types.join() !== described.types.join())
      return 'The query uses syntax that DuckDB cannot write back as SQL, so the planner leaves it as it is.';
    return undefined;
  }

  /** Every SELECT that can be aggregated in the switch is replaced by one over its groups. */
  private async rewriteNodes<T>(value: T): Promise<T> {
    if (Array.isArray(value)) {
      const parts: unknown[] = [];
      for (const part of value) parts.push(await this.rewriteNodes(part as unknown));
      return parts as T;
    }
    if (typeof value !== 'object' || value === null) return value;
    let current: object = value;
    if ((value as { type?: unknown }).type === 'SET_OPERATION_NODE')
      current = (await withOrdinals(value as unknown as QueryNode, this.binder, Infinity)) ?? value;
    if ((value as { type?: unknown }).type === 'SELECT_NODE')
      current = await this.tryAggregate(value as unknown as SelectNode);
    const copy: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(current)) copy[key] = await this.rewriteNodes(part as unknown);
    return copy as T;
  }

  private async tryAggregate(node: SelectNode): Promise<SelectNode> {
    if (!isAggregation(node, this.binder) || !this.readsTables(node)) return node;
    try {
      const relation = `fpisa_groups_${this.aggregates.length + 1}`;
      const pushed = await pushAggregate(node, this.binder, relation, this.options);
      this.aggregates.push(pushed.step);
      this.explainAggregate(pushed.step, pushed.table, pushed.isCombined);
      if (pushed.remark !== undefined) this.notPushed.push(`Groups of ${pushed.table}: ${pushed.remark}.`);
      return pushed.node;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.notPushed.push(`Aggregation: ${error.message}.`);
      return node;
    }
  }

  private readsTables(node: SelectNode): boolean {
    let does = false;
    walkAll(node.from_table, (part) => {
      if (part['type'] === 'BASE_TABLE' && this.binder.table(String(part['table_name'])) !== undefined) does = true;
    });
    return does;
  }

  private explainAggregate(step: AggregateStep, table: string, isCombined: boolean): void {
    const ops = step.lanes.map(({ op }) => Object.entries(LaneOp).find(([, code]) => code === op)![0]);
    const columns =
      step.keys.length === 0 ? 'one group for all rows' : `groups by ${counted(step.keys.length, 'key column')}`;
    this.workers.push(
      `${table}: ${step.select} (filters and expressions are evaluated where the files are${isCombined ? ', and rows of a group are combined before they are sent' : ''}).`,
    );
    this.inSwitch.push(
      `Aggregation of ${table}: ${columns}, ${ops.length === 0 ? 'rows counted' : `lanes ${ops.join(', ')}`}. Partial results can be combined in any order, so groups are built on the way; a tuple that finds no slot continues to the master.`,
    );
    if (step.having !== undefined)
      this.inSwitch.push(
        `HAVING: groups of ${table} that certainly fail it stay in the switch; the bound is a little loose, because sums may round differently.`,
      );
  }

  private refuseRowIds(statement: Statement): void {
    walkAll(statement, (part) => {
      if (!isExpression(part) || !isColumnRef(part) || part.column_names.at(-1)!.toLowerCase() !== 'rowid') return;
      if (this.binder.catalog.some(({ columns }) => columns.some(({ name }) => name.toLowerCase() === 'rowid'))) return;
      throw new QueryPlanError(
        'FPISA_QUERY_UNKNOWN_COLUMN',
        `there is no column rowid; ${this.binder.catalog.map(({ name, columns }) => `${name} has ${columns.map((column) => column.name).join(', ')}`).join('; ')}`,
      );
    });
  }

  /** Would the master's SQL bind over the relations, with the same columns? @returns what is wrong */
  private async check(master: string, rowSets: readonly RowSet[], described: Described): Promise<string | undefined> {
    const relations = new Map<string, readonly CatalogColumn[]>();
    for (const { select, name, helpers } of rowSets) {
      const { names, types } = await this.binder.describe(select);
      relations.set(
        name,
        names
          .map((column, i) => ({ name: column, type: types[i]! }))
          .filter((column) => !helpers.includes(column.name)),
      );
    }
    for (const step of this.aggregates) relations.set(step.relation, groupColumns(step));
    try {
      const { names, types } = await this.binder.describeOver(relations, master);
      const wrong = names.findIndex((name, i) => name !== described.names[i] || types[i] !== described.types[i]);
      return wrong < 0
        ? undefined
        : `column ${described.names[wrong]} of type ${described.types[wrong]} would be ${names[wrong]} of type ${types[wrong]}.`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  private finish(masterSql: string, { rowSets, steps, notes }: RowSets): QueryPlan {
    const master =
      this.aggregates.length === 0
        ? 'The query as it is, over the rows that are left: those that were dropped cannot change its answer.'
        : 'Groups that arrive in parts are aggregated once more; HAVING, ORDER BY, LIMIT and everything for which the switch has no operation are done here.';
    return {
      sql: this.sql,
      steps: [...this.aggregates, ...steps],
      rowSets,
      masterSql,
      explanation: {
        workers: [...this.workers, ...notes.workers],
        switch: [...this.inSwitch, ...notes.switch],
        master: [master],
        notPushed: [...this.notes, ...this.notPushed, ...notes.notPushed],
      },
    };
  }

  private fetchEverything(statement: Statement, reasons: readonly string[]): QueryPlan {
    const references = tableReferences(statement);
    const isAny = namesTables(statement);
    const tables = this.binder.catalog.filter(({ name }) => isAny || references.has(name.toLowerCase()));
    return {
      sql: this.sql,
      steps: [],
      rowSets: fetchAll(tables),
      masterSql: this.sql,
      explanation: {
        workers: tables.map(({ name }) => `${name}: every row.`),
        switch: [],
        master: ['The query as it is.'],
        notPushed: [...this.notes, ...reasons],
      },
    };
  }
}

/** Does it call query_table('t') or similar? */
function namesTables(statement: Statement): boolean {
  let does = false;
  walkAll(statement, (part) => {
    if (part['type'] === 'FUNCTION' && ['query', 'query_table'].includes(String(part['function_name']).toLowerCase()))
      does = true;
  });
  return does;
}

/**
 * The same query with its outputs named as DuckDB names them: a changed expression would get another name. A column
 * keeps its own; as an alias it would change what the name means in ORDER BY.
 */
function named(node: QueryNode, names: readonly string[]): QueryNode {
  const { left, select_list: items } = node as QueryNode & { left?: QueryNode };
  if (left !== undefined) return { ...node, left: named(left, names) } as QueryNode;
  if (items === undefined || items.length !== names.length || items.some((item) => item.class === 'STAR')) return node;
  return { ...node, select_list: items.map((item, i) => (isColumnRef(item) ? item : { ...item, alias: names[i]! })) };
}

/** Columns of the relation that an aggregation becomes in the master. */
export function groupColumns(step: AggregateStep): readonly CatalogColumn[] {
  return [
    ...step.keys.map(({ name, sqlType }) => ({ name, type: sqlType })),
    { name: 'rows', type: 'BIGINT' },
    ...step.lanes.flatMap(({ name, op }) => [
      { name, type: ([LaneOp.SUM_I64, LaneOp.MIN_I64, LaneOp.MAX_I64] as LaneOp[]).includes(op) ? 'BIGINT' : 'DOUBLE' },
      { name: `${name}_count`, type: 'BIGINT' },
    ]),
  ];
}
