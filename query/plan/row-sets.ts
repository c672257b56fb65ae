/** Tables whose rows the master needs: which columns, which rows, and the steps that thin them out on the way. */
import { counted } from '../../net/count.js';
import { BLOOM_WORDS, Operator } from '../../protocol/query/constants.js';
import { KEY_BYTES } from '../tuples.js';
import type { Binder, CatalogTable } from './catalog.js';
import { JoinGraph, type EdgeSide, type SelectAnalysis } from './join-graph.js';
import type { KeyColumn, PruneStep, RowSet } from './plan.js';
import { Refusal } from './refusal.js';
import type { Leaf } from './scope.js';
import { identifier, isColumnRef, walkAll, type Expression, type QueryNode } from './tree.js';
import { hasLimit, pushTop, type PushedTop } from './top.js';
import { decimalOf, keyTypeOf } from './types.js';

export interface RowSetOptions {
  readonly topLimit: number;
  readonly combine: boolean;
}

export interface RowSets {
  readonly rowSets: readonly RowSet[];
  readonly steps: readonly PruneStep[];
  readonly notes: { readonly workers: string[]; readonly switch: string[]; readonly notPushed: string[] };
}

/** Guesses for tables of unknown size, and for what a condition leaves; they only decide an order. */
const DEFAULT_ROWS = 1e6;
const FILTERED_SHARE = 0.25;
/** Three bits a key: with more keys than this, so many bits are set that hardly a row would be dropped. */
const FILTER_KEYS = (BLOOM_WORDS * 64) / 3;

interface Draft {
  readonly table: CatalogTable;
  /** Number of places that read it; its steps thin it out only if there is one. */
  readonly places: number;
  readonly columns: readonly string[];
  readonly where: string | undefined;
  readonly helpers: { readonly name: string; readonly text: string }[];
  suffix: string;
}

export async function planRowSets(root: QueryNode, binder: Binder, options: RowSetOptions): Promise<RowSets> {
  const graph = new JoinGraph(root, binder);
  const notes = { workers: [] as string[], switch: [] as string[], notPushed: [] as string[] };
  const drafts = new Map<string, Draft>();
  const references = tableReferences(root);
  notes.notPushed.push(...graph.remarks);
  for (const table of binder.catalog) {
    const leaves = graph.leaves.filter((leaf) => leaf.table === table);
    const named = references.get(table.name.toLowerCase()) ?? 0;
    if (named > leaves.length) {
      notes.notPushed.push(`Filters of ${table.name}: it is read by a clause that the planner does not follow.`);
      drafts.set(table.name, {
        table,
        places: Infinity,
        columns: table.columns.map(({ name }) => name),
        where: undefined,
        helpers: [],
        suffix: '',
      });
      continue;
    }
    if (leaves.length === 0) continue;
    drafts.set(table.name, {
      table,
      places: leaves.length,
      columns: usedColumns(root, table, leaves),
      where: await unionFilter(leaves, graph, binder),
      helpers: [],
      suffix: '',
    });
  }
  const steps: PruneStep[] = [
    ...(await topSteps(graph, drafts, binder, options, notes)),
    ...(await pruneSteps(graph, drafts, binder, options, notes)),
  ];
  const rowSets = [...drafts.values()].map(({ table, columns, helpers, where, suffix }): RowSet => {
    const items = [...columns.map(identifier), ...helpers.map(({ name, text }) => `${text} AS ${identifier(name)}`)];
    const all =
      columns.length === table.columns.length ? 'all columns' : `${columns.length} of ${table.columns.length} columns`;
    notes.workers.push(`${table.name}: ${all} of ${where === undefined ? 'every row' : `rows with ${where}`}.`);
    const from = `FROM ${identifier(table.name)}${where === undefined ? '' : ` WHERE ${where}`}`;
    return {
      name: table.name,
      // Helpers only for the rows that LIMIT leaves.
      select:
        suffix === ''
          ? `SELECT ${items.join(', ')} ${from}`
          : `SELECT ${items.join(', ')} FROM (SELECT ${columns.map(identifier).join(', ')} ${from}${suffix})`,
      helpers: helpers.map(({ name }) => name),
    };
  });
  return { rowSets, steps, notes };
}

/** How often a query names each table, by its lower-case name. */
export function tableReferences(root: unknown): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  walkAll(root, (part) => {
    if (part['type'] !== 'BASE_TABLE') return;
    const name = String(part['table_name']).toLowerCase();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return counts;
}

/** Every table whole, for queries that the planner does not follow. */
export function fetchAll(tables: readonly CatalogTable[]): readonly RowSet[] {
  return tables.map(({ name, columns }) => ({
    name,
    select: `SELECT ${columns.map((column) => identifier(column.name)).join(', ')} FROM ${identifier(name)}`,
    helpers: [],
  }));
}

/** Columns that a name anywhere in the query may refer to: rather one too many than one too few. */
function usedColumns(root: QueryNode, table: CatalogTable, leaves: readonly Leaf[]): readonly string[] {
  const names = new Set<string>();
  let isWhole = leaves.some(({ ref }) => (ref.column_name_alias ?? []).length > 0);
  const columns = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  const existsLists = new Set<unknown>();
  walkAll(root, (part) => {
    const e = part as unknown as Expression;
    const node = e.subquery?.node;
    if (
      e.class === 'SUBQUERY' &&
      e.subquery_type === 'EXISTS' &&
      node?.type === 'SELECT_NODE' &&
      node.modifiers.length === 0
    )
      existsLists.add(node.select_list![0]);
    if (e.class === 'STAR' && !existsLists.has(e)) isWhole = true;
    if (e.class === 'POSITIONAL_REFERENCE' || part['ref_type'] === 'NATURAL') isWhole = true;
    if (Array.isArray(part['using_columns']))
      for (const name of part['using_columns'] as string[]) names.add(name.toLowerCase());
    if (e.class === 'COLUMN_REF' && isColumnRef(e)) {
      for (const name of e.column_names) names.add(name.toLowerCase());
      const single = e.column_names.length === 1 ? e.column_names[0]!.toLowerCase() : undefined;
      if (single !== undefined && !columns.has(single) && leaves.some(({ alias }) => alias === single)) isWhole = true;
    }
  });
  const used = table.columns.filter(({ name }) => isWhole || names.has(name.toLowerCase())).map(({ name }) => name);
  return used.length > 0 ? used : [table.columns[0]!.name];
}

/** A row is needed if any of the places that read its table may need it. */
async function unionFilter(leaves: readonly Leaf[], graph: JoinGraph, binder: Binder): Promise<string | undefined> {
  const texts: string[] = [];
  for (const leaf of leaves) {
    const filters = graph.filters.get(leaf);
    if (filters === undefined) return undefined;
    texts.push((await binder.expressionTexts(filters)).join(' AND '));
  }
  const different = [...new Set(texts)];
  return different.length === 1 ? different[0] : different.map((text) => `(${text})`).join(' OR ');
}

async function topSteps(
  graph: JoinGraph,
  drafts: ReadonlyMap<string, Draft>,
  binder: Binder,
  options: RowSetOptions,
  notes: RowSets['notes'],
): Promise<PruneStep[]> {
  const steps: PruneStep[] = [];
  for (const analysis of graph.selects.filter((select) => hasLimit(select) && select.leaves.length > 0)) {
    try {
      const draft = onlyDraft(analysis, drafts);
      const top = await pushTop(analysis, binder, options.topLimit);
      applyTop(draft, top, options.combine, notes);
      if (top.order !== undefined) {
        draft.helpers.push({ name: 'fpisa_order', text: top.order.column });
        steps.push({
          operator: Operator.TOP,
          rowSet: draft.table.name,
          column: 'fpisa_order',
          order: top.order.kind,
          n: top.n,
        });
        notes.switch.push(
          `Top-N of ${draft.table.name}: rows below the ${top.n} greatest seen so far are dropped; ties are kept, because the other ORDER BY columns decide them.`,
        );
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      notes.notPushed.push(`Top-N: ${error.message}.`);
    }
  }
  return steps;
}

function onlyDraft(analysis: SelectAnalysis, drafts: ReadonlyMap<string, Draft>): Draft {
  const draft = drafts.get(analysis.leaves[0]!.table.name)!;
  if (draft.places > 1) throw new Refusal(`the query reads ${draft.table.name} in other places too`);
  return draft;
}

function applyTop(draft: Draft, top: PushedTop, combine: boolean, notes: RowSets['notes']): void {
  if (top.order === undefined) {
    draft.suffix = ` LIMIT ${top.n}`;
    notes.workers.push(
      `${draft.table.name}: any ${counted(top.n, 'row')} will do, so each worker stops after that many.`,
    );
  } else if (combine && top.workerOrder !== undefined) {
    draft.suffix = ` ORDER BY ${top.workerOrder} LIMIT ${top.n}`;
    notes.workers.push(`${draft.table.name}: each worker sends only the first ${top.n} of its share.`);
  }
}

interface Link {
  readonly tables: readonly [string, string];
  readonly columns: { readonly sides: readonly [EdgeSide, EdgeSide] }[];
}

async function pruneSteps(
  graph: JoinGraph,
  drafts: ReadonlyMap<string, Draft>,
  binder: Binder,
  { combine }: RowSetOptions,
  notes: RowSets['notes'],
): Promise<PruneStep[]> {
  const links = linksOf(graph, drafts, notes);
  const estimate = new Map<string, number>();
  const reduced = new Set<string>();
  for (const [name, { table, where }] of drafts) {
    estimate.set(name, Math.max(1, (table.rows ?? DEFAULT_ROWS) * (where === undefined ? 1 : FILTERED_SHARE)));
    if (where !== undefined) reduced.add(name);
  }
  const steps: PruneStep[] = [];
  const done = new Set<string>();
  const incoming = new Map<string, { keys: readonly KeyColumn[]; filter: number; from: string }[]>();
  for (let filters = 0; ;) {
    const waiting = [...reduced].filter((name) => !done.has(name)).sort((a, b) => estimate.get(a)! - estimate.get(b)!);
    // The side of an outer join that may not be pruned goes first, however large: otherwise nothing would be pruned.
    const isLater = (name: string): boolean =>
      links.some(
        (link) =>
          link.tables.includes(name) &&
          waiting.some((other) => other !== name && link.tables.includes(other) && !canPrune(link, other)),
      );
    const next = waiting.find((name) => !isLater(name)) ?? waiting[0];
    if (next === undefined) return steps;
    done.add(next);
    for (const { keys, filter, from } of incoming.get(next) ?? []) {
      steps.push({ operator: Operator.PROBE, rowSet: next, keys, filter, isDistinct: combine });
      notes.switch.push(
        `Join pruning: rows of ${next} whose key occurs in no row of ${from} are dropped (by a Bloom filter; a few more may pass)${combine ? '; each worker sends each key once' : ''}.`,
      );
    }
    for (const link of links.filter(({ tables }) => tables.includes(next))) {
      const mine = link.tables[0] === next ? 0 : 1;
      const other = link.tables[1 - mine]!;
      if (done.has(other)) continue;
      const usable = link.columns.filter(({ sides }) => sides[1 - mine]!.isPrunable);
      if (usable.length === 0) continue;
      const known = drafts.get(next)!.table.rows;
      if (known !== undefined && estimate.get(next)! > FILTER_KEYS) {
        notes.notPushed.push(
          `Join pruning of ${other} by ${next}: about ${Math.round(estimate.get(next)!)} keys do not fit the switch's filter.`,
        );
        continue;
      }
      const keys = await joinKeys(
        usable.map(({ sides }) => [sides[mine]!, sides[1 - mine]!] as const),
        drafts.get(next)!,
        drafts.get(other)!,
        binder,
        notes,
      );
      if (keys === undefined) continue;
      steps.push({ operator: Operator.BUILD, rowSet: next, keys: keys[0], filter: filters, isDistinct: combine });
      notes.switch.push(
        `Join pruning: keys of ${next} (${keys[0].map(({ name }) => name).join(', ')}) are put into filter ${filters}.`,
      );
      incoming.set(other, [...(incoming.get(other) ?? []), { keys: keys[1], filter: filters, from: next }]);
      estimate.set(other, estimate.get(other)! * FILTERED_SHARE);
      reduced.add(other);
      filters++;
    }
  }
}

function canPrune({ tables, columns }: Link, name: string): boolean {
  const side = tables[0] === name ? 0 : 1;
  return columns.some(({ sides }) => sides[side].isPrunable);
}

/** Pairs of tables that the query joins, each read in one place only: elsewhere the rows might be needed. */
function linksOf(graph: JoinGraph, drafts: ReadonlyMap<string, Draft>, notes: RowSets['notes']): readonly Link[] {
  const links: Link[] = [];
  const several = new Set<string>();
  for (const { sides } of graph.edges) {
    const [a, b] = [sides[0].leaf.table.name, sides[1].leaf.table.name];
    const isOnce = [a, b].every((name) => {
      if (drafts.get(name)!.places > 1) several.add(name);
      return drafts.get(name)!.places === 1;
    });
    if (a === b || !isOnce) continue;
    const link = links.find(({ tables }) => tables.includes(a) && tables.includes(b));
    if (link === undefined) links.push({ tables: [a, b], columns: [{ sides }] });
    else link.columns.push({ sides: link.tables[0] === a ? sides : [sides[1], sides[0]] });
  }
  for (const name of several) notes.notPushed.push(`Join pruning of ${name}: the query reads it in several places.`);
  return links;
}

/** Key columns of both sides in one order, or undefined if none of the equalities has a common type. */
async function joinKeys(
  pairs: readonly (readonly [EdgeSide, EdgeSide])[],
  mine: Draft,
  other: Draft,
  binder: Binder,
  notes: RowSets['notes'],
): Promise<[KeyColumn[], KeyColumn[]] | undefined> {
  const keys: [KeyColumn[], KeyColumn[]] = [[], []];
  let bytes = 1;
  for (const pair of pairs) {
    const texts = await binder.expressionTexts(pair.map(({ expression }) => expression));
    const types = [
      (await binder.typesOf([texts[0]!], identifier(mine.table.name)))[0]!,
      (await binder.typesOf([texts[1]!], identifier(other.table.name)))[0]!,
    ] as const;
    const common = commonType(types[0], types[1]);
    const type = common === undefined ? undefined : keyTypeOf(common);
    if (common === undefined || type === undefined) {
      notes.notPushed.push(
        `Join pruning by ${texts[0]} = ${texts[1]}: no key can hold both ${types[0]} and ${types[1]}.`,
      );
      continue;
    }
    // Texts are compared by a hash that is the same on every machine: a false equality does no harm in a Bloom filter.
    const keyType = type.kind === 'text' ? { kind: 'int' as const, bytes: 8 as const } : type;
    const sqlType = type.kind === 'text' ? 'UBIGINT' : common;
    if (bytes + keyType.bytes > KEY_BYTES) continue;
    bytes += keyType.bytes;
    [mine, other].forEach((draft, i) => {
      const column = pair[i]!.expression;
      const plain =
        types[i] === sqlType && isColumnRef(column) && column.column_names.length === 1
          ? draft.columns.find((name) => name.toLowerCase() === column.column_names[0]!.toLowerCase())
          : undefined;
      const value = types[i] === common ? texts[i]! : `CAST(${texts[i]} AS ${common})`;
      keys[i as 0 | 1].push({
        name: plain ?? helperFor(draft, type.kind === 'text' ? `md5_number_lower(${value})` : value),
        type: keyType,
        sqlType,
      });
    });
  }
  return keys[0].length === 0 ? undefined : keys;
}

function helperFor(draft: Draft, text: string): string {
  const known = draft.helpers.find((helper) => helper.text === text);
  if (known !== undefined) return known.name;
  const name = `fpisa_key_${draft.helpers.length}`;
  draft.helpers.push({ name, text });
  return name;
}

const INTEGERS = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER']);

/** A type in which the comparison of both is DuckDB's own, and whose keys are equal exactly when the values are. */
function commonType(a: string, b: string): string | undefined {
  const isText = (type: string): boolean => type === 'VARCHAR' || type.startsWith('ENUM(');
  if (isText(a) && isText(b)) return 'VARCHAR';
  if (a === b) return keyTypeOf(a) === undefined ? undefined : a;
  if (INTEGERS.has(a) && INTEGERS.has(b)) return 'BIGINT';
  const [x, y] = [decimalOf(a), decimalOf(b)];
  if (x !== undefined && y !== undefined && x.scale === y.scale && x.width <= 18 && y.width <= 18)
    return `DECIMAL(18,${x.scale})`;
  return undefined;
}
