/**
 * What a query becomes: a part for the workers, a part for the switch, and one for the master. The planner creates it,
 * session and CLI execute it, and `fpisa query --explain` prints it.
 *
 * Two things can be done with a table in the network. Its rows can be *aggregated*: the switch keeps groups, and the
 * master gets groups in their place. Or they can be *pruned*: rows that certainly do not matter are dropped, and the
 * master runs the same SQL as before over what is left of the table, so that the answer is the same by
 * construction. What fits neither is *fetched*: its rows go to the master as they are, and the plan says why.
 */
import type { Having, LaneOp, Operator, Order } from '../../protocol/query/constants.js';

/** How a value of a key column is put into the key's bytes; one NULL bit a column comes before them. */
export type KeyType =
  | { readonly kind: 'int'; readonly bytes: 1 | 2 | 4 | 8 }
  | { readonly kind: 'float'; readonly bytes: 4 | 8 }
  /** A length byte, then up to the bytes that the other columns leave of the key. A longer text does not fit. */
  | { readonly kind: 'text' };

export interface KeyColumn {
  /** Name in the worker's SELECT. */
  readonly name: string;
  readonly type: KeyType;
  /** DuckDB type of the column in the master's relation, for example DATE or DECIMAL(15,2). */
  readonly sqlType: string;
}

export interface LaneColumn {
  /** Name in the worker's SELECT, where it is a DOUBLE or BIGINT; null for a lane that counts rows. */
  readonly name: string;
  readonly op: LaneOp;
}

/** HAVING as far as the switch can apply it; the master applies all of it again. */
export interface SwitchHaving {
  readonly comparison: Exclude<Having, 0>;
  /** Index of the lane, or HAVING_ON_ROWS. */
  readonly lane: number;
  /** Order-preserving key (docs/arithmetic.md) of the bound. */
  readonly key: bigint;
}

/** Rows of one table, aggregated in the switch. */
export interface AggregateStep {
  readonly operator: typeof Operator.GROUP;
  /** The worker's SELECT over its share: key columns, then lanes. Tables in it are views of the worker's share. */
  readonly select: string;
  readonly keys: readonly KeyColumn[];
  readonly lanes: readonly LaneColumn[];
  readonly having?: SwitchHaving;
  /**
   * Relation that it becomes in the master: the key columns by their names and `sqlType`, `rows` BIGINT, and for each
   * lane its value by its name (NULL if no value was not NULL) and `<name>_count` BIGINT (`groupColumns` lists them).
   * A group may be in it several times, because rows without a slot in the switch arrive as they are: the master adds up.
   */
  readonly relation: string;
}

/** One pass of a row set's remaining rows through an operator. */
export type PruneStep =
  | {
      readonly operator: typeof Operator.TOP;
      readonly rowSet: string;
      /** Column of the row set by which it is ordered, greatest first; a descending order is the column's negation. */
      readonly column: string;
      readonly order: Order;
      /** LIMIT + OFFSET, at most TOP_SLOTS. */
      readonly n: number;
    }
  | {
      readonly operator: typeof Operator.BUILD | typeof Operator.PROBE;
      readonly rowSet: string;
      /** Of both sides of the join in the same order, with the same types. */
      readonly keys: readonly KeyColumn[];
      /** Which filter. */
      readonly filter: number;
      /** Each worker sends a key once, however many of its rows have it. */
      readonly isDistinct: boolean;
    };

/** Rows of one table of which the master needs all that remain. */
export interface RowSet {
  /** Also the name of the relation in the master: that of the table, so that the query's text need not change. */
  readonly name: string;
  /** The worker's SELECT over its share: what the query uses of the table, filtered by the conditions on this table alone; then the helpers. */
  readonly select: string;
  /** Columns in addition to the table's own that steps work on; the master does not get them. */
  readonly helpers: readonly string[];
}

export interface Explanation {
  readonly workers: readonly string[];
  readonly switch: readonly string[];
  readonly master: readonly string[];
  /** What could have been done in the switch but is not, with the reason. */
  readonly notPushed: readonly string[];
}

export interface QueryPlan {
  readonly sql: string;
  /** In order; each begins when all workers have finished the one before. */
  readonly steps: readonly (AggregateStep | PruneStep)[];
  readonly rowSets: readonly RowSet[];
  /** Runs in the master over the relations that steps and row sets made. */
  readonly masterSql: string;
  readonly explanation: Explanation;
}
