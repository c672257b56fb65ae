/** What a query leaves open, as DuckDB binds it: by what its answer is ordered, and which choices show in it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { boundOrders, type LogicalPlan } from '../plan/bound-order.js';
import { isCollated } from '../plan/collation.js';
import { orderDependent } from '../plan/order-dependent.js';
import {
  identifier,
  parseTree,
  printTree,
  walkAll,
  type Expression,
  type OrderBy,
  type QueryNode,
  type Statement,
} from '../plan/tree.js';
import type { Rows } from './rows.js';
import { literal, type DataTable } from './tables.js';

const EMPTY = 'fpisa_empty';
/** Of several rows that ORDER BY in OVER makes equal, these give one another's value. */
const TIE_DEPENDENT = new Set(['row_number', 'ntile', 'lag', 'lead', 'first_value', 'last_value', 'nth_value', 'fill']);

export class VerifiedQuery {
  private constructor(
    private readonly connection: DuckDBConnection,
    private readonly statement: Statement,
    /** Columns of what ORDER BY sorts, undefined where it is none; those beyond the answer's are not in it. */
    private readonly order: readonly (number | undefined)[],
  ) {}

  /** @returns undefined for what DuckDB does not write down as a tree */
  static async of(
    sql: string,
    connection: DuckDBConnection,
    tables: readonly DataTable[],
  ): Promise<VerifiedQuery | undefined> {
    const text = async (query: string): Promise<string> =>
      String((await connection.runAndReadAll(query, [sql])).getRows()[0]![0]);
    const statement = parseTree(await text('SELECT json_serialize_sql($1::VARCHAR)')).statements?.[0];
    if (statement === undefined) return undefined;
    const isOrdered = statement.node.modifiers.some(({ type }) => type === 'ORDER_MODIFIER');
    if (!isOrdered) return new VerifiedQuery(connection, statement, []);
    // Only plans over tables can be written down, not over files.
    await connection.run(`ATTACH ':memory:' AS ${EMPTY}`);
    await connection.run(`USE ${EMPTY}`);
    try {
      for (const { name, columns } of tables)
        await connection.run(
          `CREATE TABLE ${identifier(name)} (${columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ')})`,
        );
      const { plans } = JSON.parse(await text('SELECT json_serialize_plan($1::VARCHAR)')) as { plans?: LogicalPlan[] };
      return new VerifiedQuery(
        connection,
        statement,
        boundOrders(plans?.[0]).map(({ index }) => index),
      );
    } finally {
      await connection.run('USE memory');
    }
  }

  /** Has DuckDB told by what it sorts? */
  get isOrderKnown(): boolean {
    return this.orders.length === 0 || this.order.length > 0;
  }

  private get node(): QueryNode {
    return this.statement.node;
  }

  private get orders(): readonly OrderBy[] {
    return this.node.modifiers.flatMap(({ orders }) => orders ?? []);
  }

  /** Columns of the answer by which it is ordered, until the first that is not in it. */
  orderColumns(width: number): readonly number[] {
    const end = this.order.findIndex((index) => index === undefined || index >= width);
    return (end < 0 ? this.order : this.order.slice(0, end)) as readonly number[];
  }

  /** ORDER BY's expressions that are not in the answer, where their ranks can be added to it. */
  hiddenOrder(width: number): readonly Expression[] {
    const { node, order, orders } = this;
    const isPlain =
      node.type === 'SELECT_NODE' &&
      order.length === orders.length &&
      node.aggregate_handling === 'STANDARD_HANDLING' &&
      !node.modifiers.some(({ type }) => type === 'DISTINCT_MODIFIER');
    if (!isPlain) return [];
    const hidden = orders.filter((_, i) => order[i] === undefined || order[i]! >= width).map((by) => by.expression);
    // Sums of floating-point values differ from run to run, and with them the ranks.
    return (node.group_expressions ?? []).length === 0 ? hidden : hidden.filter(isCollated);
  }

  /** Does the answer hold only some of the query's rows? */
  get leavesOut(): boolean {
    return this.node.modifiers.some(
      ({ type, distinct_on_targets: on }) =>
        type.startsWith('LIMIT') || (type === 'DISTINCT_MODIFIER' && (on ?? []).length > 0),
    );
  }

  /** Does one text stand for others that a collation makes equal to it? */
  get foldsText(): boolean {
    return isCollated(this.node);
  }

  /** @param ranks are added as columns: equal where the expressions are @param isWhole without LIMIT and DISTINCT ON */
  async run({ ranks = [], isWhole = false }: { ranks?: readonly Expression[]; isWhole?: boolean }): Promise<Rows> {
    const rank = async (expression: Expression): Promise<Expression> => {
      const text = String(
        (
          await this.connection.runAndReadAll(
            "SELECT json_serialize_sql('SELECT dense_rank() OVER (ORDER BY 1 + 1)'::VARCHAR)",
          )
        ).getRows()[0]![0],
      );
      const window = parseTree(text).statements![0]!.node.select_list![0] as Expression & { orders: OrderBy[] };
      return { ...window, orders: [{ ...window.orders[0]!, expression: { ...expression, alias: '' } }] } as Expression;
    };
    const node: QueryNode = {
      ...this.node,
      ...(ranks.length > 0 && { select_list: [...this.node.select_list!, ...(await Promise.all(ranks.map(rank)))] }),
      modifiers: this.node.modifiers.filter(
        ({ type, distinct_on_targets: on }) =>
          !isWhole || !(type.startsWith('LIMIT') || (type === 'DISTINCT_MODIFIER' && (on ?? []).length > 0)),
      ),
    };
    const tree = printTree({ ...this.statement, node });
    const reader = await this.connection.runAndReadAll(`PRAGMA json_execute_serialized_sql(${literal(tree)})`);
    return { rows: reader.getRows(), names: reader.columnNames(), types: reader.columnTypes().map(String) };
  }

  /** Why two runs of the query may both be right and differ; undefined if they may not. */
  async choice(): Promise<string | undefined> {
    const names = new Set<string>();
    let choice: string | undefined;
    const own = new Set<unknown>(this.node.modifiers);
    walkAll(this.statement, (part) => {
      const name = String(part['function_name'] ?? '').toLowerCase();
      if (name !== '') names.add(name);
      // The clock is read without parentheses.
      const column = part['class'] === 'COLUMN_REF' ? (part['column_names'] as string[])[0]! : '';
      if (/^(current|local)_?(date|time|timestamp)$/i.test(column)) choice ??= `${column} has another value each time`;
      if (part['class'] === 'WINDOW' && TIE_DEPENDENT.has(name))
        choice ??= `${name}() depends on the order of rows that are tied`;
      if (part['sample'] != null) choice ??= 'a sample holds other rows each time';
      const isCut = String(part['type']).startsWith('LIMIT_') && 'limit' in part;
      const isDistinctOn =
        part['type'] === 'DISTINCT_MODIFIER' &&
        ((part['distinct_on_targets'] as unknown[] | undefined) ?? []).length > 0;
      if ((isCut || isDistinctOn) && !own.has(part))
        choice ??= `which of the tied rows ${isCut ? 'LIMIT' : 'DISTINCT ON'} keeps in a subquery is undefined`;
    });
    const [unstable] = (
      await this.connection.runAndReadAll(
        `SELECT min(function_name) FROM duckdb_functions() WHERE stability <> 'CONSISTENT' AND function_type IN ('scalar', 'macro') AND lower(function_name) IN (${[...names, ''].map(literal).join(', ')})`,
      )
    ).getRows()[0]!;
    if (unstable !== null) return `${String(unstable)}() has another value each time`;
    const [dependent] = orderDependent(this.statement);
    if (dependent !== undefined) return `${dependent}() depends on the order of rows, which is undefined`;
    return choice;
  }
}
