/** What a query cost: where rows stayed, and what was sent. */

export interface QueryStatistics {
  /** Rows of the tables that the query reads. */
  rowsScanned: number;
  /** Tuples that workers sent into the switch. */
  tuplesSent: number;
  /** Tuples that the switch kept (groups, filters) or dropped. */
  absorbed: number;
  /** What reached the master in their place. */
  toMaster: {
    /** Tuples that the switch passed on. */
    tuples: number;
    groups: number;
    /** Rows whose key did not fit in a tuple. */
    unfit: number;
    /** Rows that workers shipped after pruning, or of tables that are fetched. */
    shipped: number;
    /** Of all of these, messages' headers included. */
    bytes: number;
  };
  /** Packets of workers, retransmissions included. */
  packets: number;
  repeats: number;
  /** Milliseconds. */
  time: {
    /** Planning the query. */
    plan: number;
    /** Programming the switch. */
    switch: number;
    /** Each step in its order: scanning, sending, and reading groups out. */
    steps: number[];
    /** Fetching the rows that remain. */
    ship: number;
    /** DuckDB in the master. */
    master: number;
    total: number;
  };
  /** Times that the query was run again because a sum of integers exceeded 64 bits. */
  attempts: number;
}

export function emptyStatistics(): QueryStatistics {
  return {
    rowsScanned: 0,
    tuplesSent: 0,
    absorbed: 0,
    toMaster: { tuples: 0, groups: 0, unfit: 0, shipped: 0, bytes: 0 },
    packets: 0,
    repeats: 0,
    time: { plan: 0, switch: 0, steps: [], ship: 0, master: 0, total: 0 },
    attempts: 0,
  };
}

/** @param add is called with the milliseconds that the work took, whether or not it succeeded */
export async function timed<T>(work: () => Promise<T>, add: (ms: number) => void): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    add(performance.now() - started);
  }
}
