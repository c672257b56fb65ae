/** The tables that a query may name, and DuckDB as the judge of what a query means. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { duckdb } from '../duckdb.js';
import { boundOrders, type BoundOrder, type LogicalPlan } from './bound-order.js';
import { QueryPlanError } from './errors.js';
import {
  identifier,
  parseTree,
  printTree,
  type Expression,
  type QueryNode,
  type SerializedSql,
  type Statement,
} from './tree.js';

export interface CatalogColumn {
  readonly name: string;
  /** As DuckDB's DESCRIBE gives it, for example DECIMAL(15,2). */
  readonly type: string;
  /** According to the files, no value of it is NULL. */
  readonly isNeverNull?: boolean;
}

export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
  /** Rows of all workers together, if known; only for estimates. */
  readonly rows?: number;
}

export type Catalog = readonly CatalogTable[];

export interface Described {
  readonly names: readonly string[];
  /** As text, for example DECIMAL(15,2). */
  readonly types: readonly string[];
}

const SELECT_ONE = 'SELECT 1';

/**
 * An in-memory DuckDB with the catalog's tables, all empty: it parses, binds and names, and no data is ever in it.
 */
export class Binder {
  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    readonly catalog: Catalog,
    readonly aggregates: ReadonlySet<string>,
    readonly unstable: ReadonlySet<string>,
    private readonly template: Statement,
  ) {}

  static async create(catalog: Catalog): Promise<Binder> {
    const instance = await duckdb().DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const names = async (where: string): Promise<ReadonlySet<string>> => {
      const rows = (
        await connection.runAndReadAll(`SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${where}`)
      ).getRows();
      return new Set(rows.map(([name]) => String(name)));
    };
    const aggregates = await names(`function_type = 'aggregate'`);
    const unstable = await names(
      `stability IS NOT NULL AND stability <> 'CONSISTENT' OR function_type IN ('table', 'table_macro') OR function_name = 'unnest'`,
    );
    const template = (await serialize(connection, SELECT_ONE)).statements![0]!;
    for (const { name, columns } of catalog) await declare(connection, name, columns);
    await connection.run(`ATTACH ':memory:' AS ${OTHER}`);
    return new Binder(instance, connection, catalog, aggregates, unstable, template);
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  table(name: string): CatalogTable | undefined {
    return this.catalog.find((table) => table.name.toLowerCase() === name.toLowerCase());
  }

  /** @throws QueryPlanError if it does not parse or is not one SELECT */
  async parse(sql: string): Promise<Statement> {
    const tree = await serialize(this.connection, sql);
    if (tree.error) {
      // Only extracting the statements gives DuckDB's message with the line and the caret.
      const full = await this.connection.extractStatements(sql).then(
        () => undefined,
        (error: unknown) => (error as Error).message,
      );
      if (full !== undefined) throw new QueryPlanError('FPISA_QUERY_SYNTAX', full);
      throw new QueryPlanError(
        'FPISA_QUERY_NOT_SELECT',
        `a query must be one SELECT statement; DuckDB says: ${tree.error_message}`,
      );
    }
    const statements = tree.statements!;
    if (statements.length !== 1)
      throw new QueryPlanError(
        'FPISA_QUERY_NOT_SELECT',
        `a query must be one SELECT statement, not ${statements.length}`,
      );
    return statements[0]!;
  }

  /** Names and types of a SELECT's outputs. @throws QueryPlanError with DuckDB's message and the valid choices */
  async describe(sql: string): Promise<Described> {
    try {
      const prepared = await this.connection.prepare(sql);
      try {
        if (prepared.parameterCount > 0)
          throw new QueryPlanError(
            'FPISA_QUERY_UNSUPPORTED',
            `a query cannot have parameters, and this one has ${prepared.parameterCount}; write their values instead`,
          );
        const columns = [...Array(prepared.columnCount).keys()];
        return {
          names: columns.map((i) => prepared.columnName(i)),
          types: columns.map((i) => prepared.columnType(i).toString()),
        };
      } finally {
        prepared.destroySync();
      }
    } catch (error) {
      if (error instanceof QueryPlanError) throw error;
      throw this.bindError((error as Error).message);
    }
  }

  /**
   * Classified by DuckDB's text: its errors have no class, and `errors_as_json` gives a kind to only two of these
   * three. The text is that of the version in package.json, and the planner's tests check each form.
   */
  private bindError(message: string): QueryPlanError {
    const table = /Table with name (.+?) does not exist/.exec(message)?.[1];
    if (table !== undefined) {
      return new QueryPlanError(
        'FPISA_QUERY_UNKNOWN_TABLE',
        `there is no table ${table}; tables: ${this.catalog.map(({ name }) => name).join(', ') || 'none'} (DuckDB: ${message})`,
      );
    }
    const missing =
      /Referenced column "(.+?)" (?:was )?not found/.exec(message)?.[1] ??
      /does not have a column named "(.+?)"/.exec(message)?.[1];
    if (missing !== undefined) {
      const columns = this.catalog.filter(({ name }) =>
        new RegExp(`\\b${name.replace(/[^\w]/g, '.')}\\b`, 'i').test(message),
      );
      const shown = (columns.length > 0 ? columns : this.catalog).map(
        (t) => `${t.name} has ${t.columns.map((column) => column.name).join(', ')}`,
      );
      return new QueryPlanError(
        'FPISA_QUERY_UNKNOWN_COLUMN',
        `there is no column ${missing}; ${shown.join('; ')} (DuckDB: ${message})`,
      );
    }
    return new QueryPlanError('FPISA_QUERY_BIND', message);
  }

  /** Types of expressions over one table. */
  async typesOf(expressions: readonly string[], from: string): Promise<readonly string[]> {
    if (expressions.length === 0) return [];
    return (await this.describe(`SELECT ${expressions.join(', ')} FROM ${from}`)).types;
  }

  /** SQL text of a tree. */
  async textOf(statement: Statement): Promise<string> {
    const rows = (
      await this.connection.runAndReadAll('SELECT json_deserialize_sql($1::JSON)', [printTree(statement)])
    ).getRows();
    return String(rows[0]![0]);
  }

  /** SQL text of a SELECT's or another query node's tree. */
  nodeText(node: QueryNode): Promise<string> {
    return this.textOf({ ...this.template, node });
  }

  /** SQL text of expressions, without their aliases. */
  async expressionTexts(expressions: readonly Expression[]): Promise<string[]> {
    const texts: string[] = [];
    for (const expression of expressions) {
      const text = await this.nodeText({ ...this.template.node, select_list: [{ ...expression, alias: '' }] });
      texts.push(text.slice('SELECT '.length));
    }
    return texts;
  }

  /** The tree of one expression. */
  async expression(text: string): Promise<Expression> {
    return (await serialize(this.connection, `SELECT ${text}`)).statements![0]!.node.select_list![0]!;
  }

  /** What ORDER BY means; undefined if DuckDB does not say. */
  async orderOf(node: QueryNode): Promise<readonly BoundOrder[] | undefined> {
    const rows = await this.connection
      .runAndReadAll('SELECT json_serialize_plan($1::VARCHAR)', [await this.nodeText(node)])
      .then((reader) => reader.getRows())
      .catch(() => undefined);
    if (rows === undefined) return undefined;
    const { plans } = JSON.parse(String(rows[0]![0])) as { plans?: LogicalPlan[] };
    const orders = boundOrders(plans?.[0]);
    return orders.length === 0 ? undefined : orders;
  }

  /** The single value of a constant expression. */
  async evaluate(text: string): Promise<unknown> {
    return (await this.connection.runAndReadAll(`SELECT ${text}`)).getRows()[0]![0];
  }

  /** As {@link describe}, over these tables instead of the catalog's. */
  async describeOver(tables: ReadonlyMap<string, readonly CatalogColumn[]>, sql: string): Promise<Described> {
    await this.connection.run(`USE ${OTHER}`);
    try {
      for (const [name, columns] of tables) await declare(this.connection, name, columns);
      return await this.describe(sql);
    } finally {
      for (const name of tables.keys()) await this.connection.run(`DROP TABLE IF EXISTS ${identifier(name)}`);
      await this.connection.run('USE memory');
    }
  }
}

/** Database of {@link Binder.describeOver}. */
const OTHER = 'fpisa_other';

/** Makes a table, so that SQL over it can be bound. */
async function declare(connection: DuckDBConnection, name: string, columns: readonly CatalogColumn[]): Promise<void> {
  await connection.run(
    `CREATE TABLE ${identifier(name)} (${columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ')})`,
  );
}

async function serialize(connection: DuckDBConnection, sql: string): Promise<SerializedSql> {
  const rows = (await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql])).getRows();
  return parseTree(String(rows[0]![0]));
}
