/**
 * The queries of bench:query, in SQL that both DuckDB and Spark accept. TPC-H's are the published texts with their
 * validation parameters; the Big Data benchmark's are its queries 1B, 2A and 3A.
 */

export type DataSet = 'tpch' | 'big-data';

export interface BenchQuery {
  readonly name: string;
  /** Its description in the table. */
  readonly title: string;
  readonly data: DataSet;
  readonly sql: string;
  /** The benchmark's target that it counts towards: at least {@link TARGET_RATIO} times Spark's throughput. */
  readonly target?: 'sum' | 'top';
}

/** Times Spark's throughput, on queries with a target. */
export const TARGET_RATIO = 5;
/** Maximum share of the scanned rows that may reach the master, for a Top-N. */
export const TARGET_SHARE = 0.01;

export const QUERIES: readonly BenchQuery[] = [
  {
    name: 'top',
    title: 'Top-N (N = 100)',
    data: 'tpch',
    target: 'top',
    sql: `SELECT l_extendedprice, l_orderkey, l_linenumber FROM lineitem ORDER BY l_extendedprice DESC, l_orderkey, l_linenumber LIMIT 100`,
  },
  {
    name: 'sum',
    title: 'Group-by sum',
    data: 'tpch',
    target: 'sum',
    sql: `SELECT l_suppkey, sum(l_quantity) AS quantity, sum(l_extendedprice) AS price FROM lineitem GROUP BY l_suppkey`,
  },
  {
    name: 'max',
    title: 'Group-by max',
    data: 'tpch',
    sql: `SELECT l_suppkey, max(l_extendedprice) AS price FROM lineitem GROUP BY l_suppkey`,
  },
  {
    name: 'having',
    title: 'Group-by having sum',
    data: 'tpch',
    target: 'sum',
    sql: `SELECT l_suppkey, sum(l_quantity) AS quantity FROM lineitem GROUP BY l_suppkey HAVING sum(l_quantity) > 16000`,
  },
  {
    name: 'having-orders',
    title: 'Group-by having sum, more groups than slots',
    data: 'tpch',
    sql: `SELECT l_orderkey, sum(l_quantity) AS quantity FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 300`,
  },
  {
    name: 'distinct',
    title: 'Distinct',
    data: 'tpch',
    sql: `SELECT DISTINCT l_suppkey, l_returnflag FROM lineitem`,
  },
  {
    name: 'tpch-1',
    title: 'TPC-H Q1',
    data: 'tpch',
    target: 'sum',
    sql: `SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
  sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
  avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus`,
  },
  {
    name: 'tpch-3',
    title: 'TPC-H Q3',
    data: 'tpch',
    sql: `SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM customer, orders, lineitem
WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
  AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10`,
  },
  {
    name: 'tpch-6',
    title: 'TPC-H Q6',
    data: 'tpch',
    target: 'sum',
    sql: `SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`,
  },
  {
    name: 'tpch-20',
    title: 'TPC-H Q20',
    data: 'tpch',
    sql: `SELECT s_name, s_address FROM supplier, nation
WHERE s_suppkey IN (
    SELECT ps_suppkey FROM partsupp WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%')
      AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey
        AND l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR))
  AND s_nationkey = n_nationkey AND n_name = 'CANADA' ORDER BY s_name`,
  },
  {
    name: 'big-data-scan',
    title: 'Big Data benchmark, scan',
    data: 'big-data',
    sql: `SELECT pageURL, pageRank FROM rankings WHERE pageRank > 100`,
  },
  {
    name: 'big-data-aggregation',
    title: 'Big Data benchmark, aggregation',
    data: 'big-data',
    target: 'sum',
    sql: `SELECT substr(sourceIP, 1, 8) AS prefix, sum(adRevenue) AS revenue FROM uservisits GROUP BY substr(sourceIP, 1, 8)`,
  },
  {
    name: 'big-data-join',
    title: 'Big Data benchmark, join',
    data: 'big-data',
    sql: `SELECT sourceIP, totalRevenue, avgPageRank FROM (
  SELECT sourceIP, avg(pageRank) AS avgPageRank, sum(adRevenue) AS totalRevenue FROM rankings, uservisits
  WHERE pageURL = destURL AND visitDate BETWEEN DATE '1980-01-01' AND DATE '1980-04-01' GROUP BY sourceIP) AS visitors
ORDER BY totalRevenue DESC LIMIT 1`,
  },
];
