/**
 * Which conditions a query puts on the rows of each table, and which equalities join tables: read from FROM, WHERE
 * and subqueries. Only conditions that every relevant row must meet are kept, so that other rows need not be sent.
 */
import type { Binder } from './catalog.js';
import { isCollated } from './collation.js';
import { isBound, leafOf, leavesOf, resolve, type Leaf } from './scope.js';
import {
  conjuncts,
  isColumnRef,
  rewrite,
  walkAll,
  type Expression,
  type QueryNode,
  type SelectNode,
  type TableRef,
} from './tree.js';
import { isAggregation } from './aggregation.js';

/** An equality of expressions of two tables. */
export interface JoinEdge {
  readonly sides: readonly [EdgeSide, EdgeSide];
}

export interface EdgeSide {
  readonly leaf: Leaf;
  readonly expression: Expression;
  /** Rows of this side without an equal on the other side do not matter. */
  readonly isPrunable: boolean;
}

export interface SelectAnalysis {
  readonly node: SelectNode;
  /** Tables of its FROM. */
  readonly leaves: readonly Leaf[];
  /** Those whose rows WHERE may filter. */
  readonly free: readonly Leaf[];
  /** Conjuncts of WHERE that are not wholly a filter of one table. */
  readonly remaining: readonly Expression[];
}

export class JoinGraph {
  readonly edges: JoinEdge[] = [];
  /** Conditions on single tables; a table that is not in it has none. */
  readonly filters = new Map<Leaf, Expression[]>();
  readonly selects: SelectAnalysis[] = [];
  /** Why an equality joins nothing. */
  readonly remarks = new Set<string>();
  private readonly analyses = new Map<QueryNode, SelectAnalysis>();

  constructor(
    root: QueryNode,
    private readonly binder: Binder,
  ) {
    walkAll(root, (part) => {
      if (part['type'] === 'SELECT_NODE') this.analyse(part as unknown as SelectNode);
    });
  }

  get leaves(): readonly Leaf[] {
    return this.selects.flatMap(({ leaves }) => leaves);
  }

  private analyse(node: SelectNode): SelectAnalysis {
    const known = this.analyses.get(node);
    if (known !== undefined) return known;
    const { all, free } = this.from(node.from_table);
    const remaining = conjuncts(node.where_clause).filter((conjunct) => !this.condition(conjunct, all, free));
    const analysis = { node, leaves: all, free, remaining };
    this.analyses.set(node, analysis);
    this.selects.push(analysis);
    for (const conjunct of remaining) this.subqueries(conjunct, analysis);
    return analysis;
  }

  private from(ref: TableRef): { all: readonly Leaf[]; free: readonly Leaf[] } {
    if (ref.type === 'BASE_TABLE') {
      const table = this.binder.table(ref.table_name!);
      if (table === undefined) return { all: [], free: [] };
      const leaf = leafOf(ref, table);
      const isPlain = ref.sample == null && (ref.column_name_alias ?? []).length === 0;
      return { all: [leaf], free: isPlain ? [leaf] : [] };
    }
    if (ref.type !== 'JOIN') return { all: [], free: [] };
    const left = this.from(ref.left!);
    const right = this.from(ref.right!);
    const all = [...left.all, ...right.all];
    if (!['REGULAR', 'CROSS', 'NATURAL'].includes(ref.ref_type ?? '')) return { all, free: [] };
    // Which sides conditions above a join may filter, and which its own condition may, by the kind of join.
    const [free, mayPrune] = {
      INNER: [
        [...left.free, ...right.free],
        [...left.free, ...right.free],
      ],
      LEFT: [left.free, right.free],
      RIGHT: [right.free, left.free],
      SEMI: [left.free, [...left.free, ...right.free]],
      ANTI: [left.free, right.free],
    }[ref.join_type ?? ''] ?? [[], []];
    for (const conjunct of conjuncts(ref.condition)) this.condition(conjunct, all, mayPrune!);
    for (const column of ref.using_columns ?? []) this.equalColumn(column, left.all, right.all, mayPrune!);
    if (ref.ref_type === 'NATURAL' && left.all.length === 1 && right.all.length === 1) {
      const names = new Set(right.all[0]!.table.columns.map(({ name }) => name.toLowerCase()));
      for (const { name } of left.all[0]!.table.columns)
        if (names.has(name.toLowerCase())) this.equalColumn(name, left.all, right.all, mayPrune!);
    }
    return { all, free: free! };
  }

  private equalColumn(column: string, left: readonly Leaf[], right: readonly Leaf[], mayPrune: readonly Leaf[]): void {
    const [a, b] = [resolve(left, [column]), resolve(right, [column])];
    if (a === undefined || b === undefined || a === 'ambiguous' || b === 'ambiguous') return;
    const expression: Expression = {
      class: 'COLUMN_REF',
      type: 'COLUMN_REF',
      alias: '',
      query_location: 0,
      column_names: [column],
    };
    this.addEdge({ leaf: a.leaf, expression }, { leaf: b.leaf, expression }, mayPrune);
  }

  private addEdge(
    a: { leaf: Leaf; expression: Expression },
    b: { leaf: Leaf; expression: Expression },
    mayPrune: readonly Leaf[],
  ): void {
    // The switch compares bytes.
    if (isCollated(a.expression) || isCollated(b.expression)) {
      this.remarks.add(
        `Join pruning of ${a.leaf.table.name} and ${b.leaf.table.name}: their texts are compared under a collation.`,
      );
      return;
    }
    const side = ({ leaf, expression }: { leaf: Leaf; expression: Expression }): EdgeSide => ({
      leaf,
      expression: unqualified(expression, leaf),
      isPrunable: mayPrune.includes(leaf),
    });
    const sides = [side(a), side(b)] as const;
    if (sides.some(({ isPrunable }) => isPrunable)) this.edges.push({ sides });
  }

  /** Records what a condition implies for single tables and pairs. @returns whether all of it is a filter of one table */
  private condition(e: Expression, leaves: readonly Leaf[], mayPrune: readonly Leaf[]): boolean {
    if (this.isBound(e)) {
      // A disjunction with a subquery may still imply something, but too rarely to be worth analysing.
      return false;
    }
    const used = leavesOf(e, leaves);
    if (used?.size === 1) {
      const [leaf] = used;
      if (!mayPrune.includes(leaf!)) return false;
      this.addFilter(leaf!, e);
      return true;
    }
    for (const equality of this.equalities(e)) {
      const [left, right] = [this.single(equality.left!, leaves), this.single(equality.right!, leaves)];
      if (left !== undefined && right !== undefined && left !== right) {
        this.addEdge(
          { leaf: left, expression: equality.left! },
          { leaf: right, expression: equality.right! },
          mayPrune,
        );
      }
    }
    if (e.type === 'CONJUNCTION_OR') {
      for (const leaf of mayPrune) {
        const implied = impliedFor(e, leaf, leaves);
        if (implied !== undefined) this.addFilter(leaf, implied);
      }
    }
    return false;
  }

  /** Equalities that hold wherever the condition does: itself, or what all branches of an OR share. */
  private equalities(e: Expression): readonly Expression[] {
    if (e.type === 'COMPARE_EQUAL') return [e];
    if (e.type === 'CONJUNCTION_AND') return e.children!.flatMap((child) => this.equalities(child));
    if (e.type !== 'CONJUNCTION_OR') return [];
    const [first, ...others] = e.children!.map((child) => this.equalities(child));
    return first!.filter((equality) => others.every((branch) => branch.some((other) => sameText(other, equality))));
  }

  private single(e: Expression, leaves: readonly Leaf[]): Leaf | undefined {
    const used = leavesOf(e, leaves);
    return used?.size === 1 ? [...used][0] : undefined;
  }

  private addFilter(leaf: Leaf, e: Expression): void {
    const filters = this.filters.get(leaf) ?? [];
    filters.push(unqualified(e, leaf));
    this.filters.set(leaf, filters);
  }

  /** x IN (SELECT …), EXISTS and the equalities that correlate a subquery. */
  private subqueries(conjunct: Expression, outer: SelectAnalysis): void {
    const isNegated = conjunct.type === 'OPERATOR_NOT';
    const e = isNegated ? conjunct.children![0]! : conjunct;
    const subquery = e.class === 'SUBQUERY' ? e : [e.left, e.right].find((side) => side?.class === 'SUBQUERY');
    const node = subquery?.subquery?.node;
    if (subquery === undefined || node?.type !== 'SELECT_NODE') return;
    const inner = this.analyse(node as SelectNode);
    const isWhole = subquery === e && !isNegated;
    if (subquery.subquery_type === 'ANY') {
      const isPlain = !isAggregation(inner.node, this.binder) && inner.node.modifiers.length === 0;
      const output = inner.node.select_list[0]!;
      if (
        !isWhole ||
        !isPlain ||
        subquery.comparison_type !== 'COMPARE_EQUAL' ||
        this.isBound(output) ||
        this.isBound(subquery.child!)
      )
        return;
      const [a, b] = [this.single(subquery.child!, outer.leaves), this.single(output, inner.leaves)];
      if (a !== undefined && b !== undefined)
        this.addEdge({ leaf: a, expression: subquery.child! }, { leaf: b, expression: output }, [
          ...outer.free,
          ...inner.free,
        ]);
      return;
    }
    for (const equality of inner.remaining.filter(({ type }) => type === 'COMPARE_EQUAL')) {
      for (const [mine, theirs] of [
        [equality.left!, equality.right!],
        [equality.right!, equality.left!],
      ] as const) {
        if (this.isBound(mine) || this.isBound(theirs)) continue;
        const a = this.single(mine, inner.leaves);
        const b = this.reads(theirs, inner.leaves) ? undefined : this.single(theirs, outer.leaves);
        if (a === undefined || b === undefined) continue;
        const isSemiJoin = isWhole && subquery.subquery_type === 'EXISTS' && !isAggregation(inner.node, this.binder);
        this.addEdge({ leaf: a, expression: mine }, { leaf: b, expression: theirs }, [
          ...inner.free,
          ...(isSemiJoin ? outer.free : []),
        ]);
      }
    }
  }

  private reads(e: Expression, leaves: readonly Leaf[]): boolean {
    let does = false;
    rewrite(e, (part) => {
      if (isColumnRef(part) && resolve(leaves, part.column_names) !== undefined) does = true;
      return undefined;
    });
    return does;
  }

  private isBound(e: Expression): boolean {
    return isBound(e, this.binder.unstable, this.binder.aggregates);
  }
}

/** What a condition implies for one table alone; undefined if nothing. */
function impliedFor(e: Expression, leaf: Leaf, leaves: readonly Leaf[]): Expression | undefined {
  const used = leavesOf(e, leaves);
  if (used?.size === 1 && used.has(leaf)) return e;
  if (e.type !== 'CONJUNCTION_AND' && e.type !== 'CONJUNCTION_OR') return undefined;
  const parts = e.children!.map((child) => impliedFor(child, leaf, leaves));
  if (e.type === 'CONJUNCTION_OR' && parts.includes(undefined)) return undefined;
  const known = parts.filter((part) => part !== undefined);
  return known.length > 1 ? { ...e, alias: '', children: known } : known[0];
}

/** The same expression as the table alone can evaluate it. */
function unqualified(e: Expression, leaf: Leaf): Expression {
  return rewrite({ ...e, alias: '' }, (part) => {
    if (!isColumnRef(part)) return undefined;
    const found = resolve([leaf], part.column_names);
    if (found === undefined || found === 'ambiguous') return undefined;
    const isQualified =
      (part.column_names.length > 1 && part.column_names[0]!.toLowerCase() !== found.column) ||
      (part.column_names[0]!.toLowerCase() === leaf.alias && part.column_names.length > 1);
    return isQualified
      ? {
          ...part,
          column_names: part.column_names.slice(
            part.column_names.findIndex((name, i) => i > 0 && name.toLowerCase() === found.column),
          ),
        }
      : part;
  });
}

function sameText(a: Expression, b: Expression): boolean {
  const text = (e: Expression): string =>
    JSON.stringify(e, (key, value: unknown) => (key === 'alias' || key === 'query_location' ? undefined : value));
  return text(a) === text(b);
}
