/**
 * DuckDB's syntax tree, as json_serialize_sql gives it and json_deserialize_sql takes it. Only what the planner
 * reads has a type; everything else is carried along unchanged.
 */

export interface Expression {
  class: string;
  type: string;
  alias: string;
  query_location?: unknown;
  column_names?: string[];
  function_name?: string;
  schema?: string;
  children?: Expression[];
  distinct?: boolean;
  filter?: Expression | null;
  order_bys?: { orders: OrderBy[] };
  left?: Expression;
  right?: Expression;
  child?: Expression | null;
  value?: { type: { id: string }; is_null: boolean; value?: unknown };
  subquery?: { node: QueryNode };
  subquery_type?: string;
  comparison_type?: string;
  relation_name?: string;
  exclude_list?: unknown[];
  replace_list?: unknown[];
  rename_list?: unknown[];
  qualified_exclude_list?: unknown[];
  columns?: boolean;
  expr?: Expression | null;
}

export interface OrderBy {
  type: 'ORDER_DEFAULT' | 'ASCENDING' | 'DESCENDING';
  null_order: 'ORDER_DEFAULT' | 'NULLS FIRST' | 'NULLS LAST';
  expression: Expression;
}

interface Modifier {
  type: string;
  orders?: OrderBy[];
  limit?: Expression | null;
  offset?: Expression | null;
  distinct_on_targets?: Expression[];
}

export interface TableRef {
  type: string;
  alias: string;
  sample?: unknown;
  schema_name?: string;
  catalog_name?: string;
  table_name?: string;
  column_name_alias?: string[];
  at_clause?: unknown;
  subquery?: { node: QueryNode };
  left?: TableRef;
  right?: TableRef;
  condition?: Expression | null;
  join_type?: string;
  ref_type?: string;
  using_columns?: string[];
}

export interface QueryNode {
  type: string;
  modifiers: Modifier[];
  cte_map: { map: { key: string; value: { query: { node: QueryNode } } }[] };
  select_list?: Expression[];
  from_table?: TableRef;
  where_clause?: Expression | null;
  group_expressions?: Expression[];
  group_sets?: number[][];
  aggregate_handling?: string;
  having?: Expression | null;
  sample?: unknown;
  qualify?: Expression | null;
}

/** A SELECT with its clauses. */
export type SelectNode = QueryNode &
  Required<Pick<QueryNode, 'select_list' | 'from_table' | 'group_expressions' | 'group_sets'>>;

export interface Statement {
  node: QueryNode;
}

export interface SerializedSql {
  error: boolean;
  error_type?: string;
  error_message?: string;
  position?: string;
  statements?: Statement[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A character that no SQL text has a reason to contain; marks numbers that JavaScript would round. */
const NUMBER_MARK = '\u{E000}';
const TOKEN = /"(?:[^"\\]|\\.)*"|-?(?:Infinity|NaN|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/**
 * Constants keep all their digits, and a DOUBLE becomes the cast of its text: DuckDB prints 1.5e3 as 1500.0, which
 * it would read back as a DECIMAL.
 */
export function parseTree(text: string): SerializedSql {
  const marked = text.replace(TOKEN, (token) =>
    token.startsWith('"') || (String(Number(token)) === token && Number.isFinite(Number(token)))
      ? token
      : `"${NUMBER_MARK}${token}"`,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    isDoubleConstant(value) ? castOfText(value) : value,
  ) as SerializedSql;
}

export function printTree(statement: Statement): string {
  return JSON.stringify({ error: false, statements: [statement] }).replace(
    new RegExp(`"${NUMBER_MARK}([^"]*)"`, 'g'),
    '$1',
  );
}

function isDoubleConstant(value: unknown): value is Expression {
  const e = value as Expression | null;
  return (
    typeof e === 'object' && e !== null && e.class === 'CONSTANT' && e.value?.type.id === 'DOUBLE' && !e.value.is_null
  );
}

function castOfText(e: Expression): Expression {
  const text = String(e.value!.value).replace(NUMBER_MARK, '');
  const constant = {
    ...e,
    alias: '',
    value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: text },
  };
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: e.alias,
    query_location: e.query_location,
    child: constant,
    cast_type: { id: 'DOUBLE', type_info: null },
    try_cast: false,
  } as Expression;
}

export function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && typeof (value as Expression).class === 'string';
}

/**
 * Rebuilds a tree with some expressions replaced. Subqueries stay as they are.
 * @param replace gives the replacement, or undefined to continue into the expression's parts
 */
export function rewrite(expression: Expression, replace: (e: Expression) => Expression | undefined): Expression {
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    if (isExpression(value)) {
      const replaced = replace(value);
      if (replaced !== undefined) return replaced as unknown as Json;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, key === 'subquery' ? part : visit(part)]),
    );
  };
  return visit(expression as unknown as Json) as unknown as Expression;
}

/** Every expression of a tree, itself first; not those of subqueries. A visit that returns false does not go deeper. */
export function walk(expression: Expression, visit: (e: Expression) => boolean | void): void {
  const into = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(into);
    else if (typeof value === 'object' && value !== null) {
      if (isExpression(value) && visit(value) === false) return;
      for (const [key, part] of Object.entries(value)) if (key !== 'subquery') into(part);
    }
  };
  into(expression);
}

export function some(expression: Expression, test: (e: Expression) => boolean): boolean {
  let found = false;
  walk(expression, (e) => {
    found ||= test(e);
    return !found;
  });
  return found;
}

/** Every part of a tree, subqueries included. */
export function walkAll(value: unknown, visit: (part: Record<string, unknown>) => void): void {
  if (Array.isArray(value)) for (const part of value) walkAll(part, visit);
  else if (typeof value === 'object' && value !== null) {
    visit(value as Record<string, unknown>);
    for (const part of Object.values(value)) walkAll(part, visit);
  }
}

export function isColumnRef(e: Expression): e is Expression & { column_names: string[] } {
  return e.class === 'COLUMN_REF';
}

/** The conjuncts of a condition. */
export function conjuncts(condition: Expression | null | undefined): Expression[] {
  if (condition === null || condition === undefined) return [];
  if (condition.type === 'CONJUNCTION_AND') return condition.children!.flatMap(conjuncts);
  return [condition];
}

/** The value of a constant that is a non-negative integer, as in LIMIT and ordinals. */
export function integerOf(e: Expression | null | undefined): number | undefined {
  if (
    e?.class !== 'CONSTANT' ||
    e.value === undefined ||
    e.value.is_null ||
    !/^(TINY|SMALL|BIG)?INT(EGER)?$/.test(e.value.type.id)
  )
    return undefined;
  return typeof e.value.value === 'number' && e.value.value >= 0 ? e.value.value : undefined;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
