/** Tables with TPC-H's schema and a generator of our own, small and with the values that the queries look for. */

const pick = (salt: string, ...values: string[]): string =>
  `list_value(${values.map((value) => `'${value}'`).join(', ')})[(1 + hash(i, '${salt}') % ${values.length})::BIGINT]`;
const number = (salt: string, least: number, most: number): string =>
  `(${least} + (hash(i, '${salt}') % ${most - least + 1})::BIGINT)`;
const money = (salt: string, most: number): string => `(${number(salt, 100, most * 100)} / 100)::DECIMAL(15,2)`;
const day = (salt: string): string => `(DATE '1992-01-01' + ${number(salt, 0, 2500)}::INTEGER)`;

export const TPCH_SETUP: readonly string[] = [
  `CREATE TABLE region AS SELECT i::INTEGER AS r_regionkey, list_value('AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST')[i + 1] AS r_name, 'c' || i AS r_comment FROM range(5) t(i)`,
  `CREATE TABLE nation AS SELECT i::INTEGER AS n_nationkey, list_value('ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA', 'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM', 'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES')[i + 1] AS n_name, (i % 5)::INTEGER AS n_regionkey, 'c' || i AS n_comment FROM range(25) t(i)`,
  `CREATE TABLE supplier AS SELECT i AS s_suppkey, 'Supplier#' || lpad(i::VARCHAR, 9, '0') AS s_name, 'address ' || i AS s_address, ${number('sn', 0, 24)}::INTEGER AS s_nationkey, '10-' || i AS s_phone, ${money('sb', 9000)} AS s_acctbal, ${pick('sc', 'slow', 'Customer many Complaints', 'quick')} AS s_comment FROM range(1, 31) t(i)`,
  `CREATE TABLE customer AS SELECT i AS c_custkey, 'Customer#' || lpad(i::VARCHAR, 9, '0') AS c_name, 'address ' || i AS c_address, ${number('cn', 0, 24)}::INTEGER AS c_nationkey, (${number('cp', 10, 34)}) || '-555-' || i AS c_phone, (${number('cb', -99999, 999999)} / 100)::DECIMAL(15,2) AS c_acctbal, ${pick('cm', 'AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD')} AS c_mktsegment, 'c' || i AS c_comment FROM range(1, 151) t(i)`,
  `CREATE TABLE part AS SELECT i AS p_partkey, ${pick('pn', 'forest green', 'forest blue', 'lime red', 'navy green')} || i AS p_name, 'Manufacturer#' || i % 5 AS p_mfgr, 'Brand#' || ${number('pb', 1, 2)} || ${number('pc', 1, 3)} AS p_brand, ${pick('pt', 'PROMO BRUSHED BRASS', 'MEDIUM POLISHED TIN', 'ECONOMY ANODIZED STEEL', 'SMALL PLATED COPPER')} AS p_type, ${number('ps', 1, 15)}::INTEGER AS p_size, ${pick('pk', 'SM CASE', 'SM BOX', 'MED BAG', 'MED BOX', 'LG CASE')} AS p_container, ${money('pr', 900)} AS p_retailprice, 'c' || i AS p_comment FROM range(1, 101) t(i)`,
  `CREATE TABLE partsupp AS SELECT 1 + i // 4 AS ps_partkey, 1 + ((i // 4) + (i % 4) * 7) % 30 AS ps_suppkey, ${number('pa', 1, 200)}::INTEGER AS ps_availqty, ${money('pc', 900)} AS ps_supplycost, 'c' || i AS ps_comment FROM range(400) t(i)`,
  `CREATE TABLE orders AS SELECT i AS o_orderkey, ${number('oc', 1, 140)} AS o_custkey, ${pick('os', 'F', 'O', 'P')} AS o_orderstatus, ${money('ot', 300000)} AS o_totalprice, ${day('od')} AS o_orderdate, ${pick('op', '1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW')} AS o_orderpriority, 'Clerk#' || i % 9 AS o_clerk, 0::INTEGER AS o_shippriority, ${pick('om', 'quiet', 'special requests', 'packages')} AS o_comment FROM range(1, 701) t(i)`,
  `CREATE TABLE lineitem AS SELECT 1 + i // 4 AS l_orderkey, ${number('lp', 1, 100)} AS l_partkey, 1 + (l_partkey - 1 + ${number('ls', 0, 3)} * 7) % 30 AS l_suppkey, (1 + i % 4)::INTEGER AS l_linenumber, ${number('lq', 1, 50)}::DECIMAL(15,2) AS l_quantity, ${money('le', 90000)} AS l_extendedprice, (${number('ld', 0, 10)} / 100)::DECIMAL(15,2) AS l_discount, (${number('lt', 0, 8)} / 100)::DECIMAL(15,2) AS l_tax, ${pick('lr', 'A', 'N', 'R')} AS l_returnflag, ${pick('lf', 'F', 'O')} AS l_linestatus, ${day('lsd')} AS l_shipdate, ${day('lcd')} AS l_commitdate, ${day('lrd')} AS l_receiptdate, ${pick('li', 'DELIVER IN PERSON', 'NONE')} AS l_shipinstruct, ${pick('lm', 'MAIL', 'SHIP', 'AIR', 'AIR REG', 'RAIL')} AS l_shipmode, 'c' || i AS l_comment FROM range(2800) t(i)`,
];

/** TPC-H's queries by number, with constants for which the tables above have answers. */
export const TPCH: Readonly<Record<number, string>> = {
  1: `SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price, sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
      sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
      FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus`,
  2: `SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr FROM part, supplier, partsupp, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size < 8 AND p_type LIKE '%BRASS'
      AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE'
      AND ps_supplycost = (SELECT min(ps_supplycost) FROM partsupp, supplier, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE')
      ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100`,
  3: `SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority FROM customer, orders, lineitem
      WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
      GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10`,
  4: `SELECT o_orderpriority, count(*) AS order_count FROM orders WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE '1993-07-01' + INTERVAL 3 MONTH
      AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority ORDER BY o_orderpriority`,
  5: `SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM customer, orders, lineitem, supplier, nation, region
      WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
      AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1994-01-01' + INTERVAL 3 YEAR GROUP BY n_name ORDER BY revenue DESC`,
  6: `SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`,
  7: `SELECT supp_nation, cust_nation, l_year, sum(volume) AS revenue FROM (SELECT n1.n_name AS supp_nation, n2.n_name AS cust_nation, extract(year FROM l_shipdate) AS l_year, l_extendedprice * (1 - l_discount) AS volume
      FROM supplier, lineitem, orders, customer, nation n1, nation n2 WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey
      AND ((n1.n_name IN ('FRANCE', 'PERU', 'KENYA') AND n2.n_name > 'J') OR (n1.n_name IN ('GERMANY', 'CHINA') AND n2.n_name < 'F')) AND l_shipdate BETWEEN DATE '1992-01-01' AND DATE '1998-12-31') AS shipping
      GROUP BY supp_nation, cust_nation, l_year ORDER BY supp_nation, cust_nation, l_year`,
  9: `SELECT nation, o_year, sum(amount) AS sum_profit FROM (SELECT n_name AS nation, extract(year FROM o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity AS amount
      FROM part, supplier, lineitem, partsupp, orders, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey AND ps_partkey = l_partkey AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey AND p_name LIKE '%green%') AS profit
      GROUP BY nation, o_year ORDER BY nation, o_year DESC`,
  10: `SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name FROM customer, orders, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate >= DATE '1993-10-01'
      AND o_orderdate < DATE '1993-10-01' + INTERVAL 1 YEAR AND l_returnflag = 'R' AND c_nationkey = n_nationkey GROUP BY c_custkey, c_name, c_acctbal, n_name ORDER BY revenue DESC LIMIT 20`,
  11: `SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS value FROM partsupp, supplier, nation WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name IN ('GERMANY', 'FRANCE', 'PERU') GROUP BY ps_partkey
      HAVING sum(ps_supplycost * ps_availqty) > (SELECT sum(ps_supplycost * ps_availqty) * 0.01 FROM partsupp, supplier, nation WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name IN ('GERMANY', 'FRANCE', 'PERU')) ORDER BY value DESC`,
  12: `SELECT l_shipmode, sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high_line_count, sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low_line_count
      FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate AND l_receiptdate >= DATE '1994-01-01' AND l_receiptdate < DATE '1994-01-01' + INTERVAL 1 YEAR GROUP BY l_shipmode ORDER BY l_shipmode`,
  13: `SELECT c_count, count(*) AS custdist FROM (SELECT c_custkey, count(o_orderkey) FROM customer LEFT OUTER JOIN orders ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%' GROUP BY c_custkey) AS c_orders (c_custkey, c_count) GROUP BY c_count ORDER BY custdist DESC, c_count DESC`,
  14: `SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) / sum(l_extendedprice * (1 - l_discount)) AS promo_revenue FROM lineitem, part WHERE l_partkey = p_partkey AND l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-09-01' + INTERVAL 1 YEAR`,
  15: `WITH revenue AS (SELECT l_suppkey AS supplier_no, sum(l_extendedprice * (1 - l_discount)) AS total_revenue FROM lineitem WHERE l_shipdate >= DATE '1996-01-01' AND l_shipdate < DATE '1996-01-01' + INTERVAL 3 MONTH GROUP BY l_suppkey)
      SELECT s_suppkey, s_name, s_address, s_phone, total_revenue FROM supplier, revenue WHERE s_suppkey = supplier_no AND total_revenue = (SELECT max(total_revenue) FROM revenue) ORDER BY s_suppkey`,
  16: `SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS supplier_cnt FROM partsupp, part WHERE p_partkey = ps_partkey AND p_brand <> 'Brand#11' AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (9, 14, 3, 5)
      AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Customer%Complaints%') GROUP BY p_brand, p_type, p_size ORDER BY supplier_cnt DESC, p_brand, p_type, p_size`,
  17: `SELECT sum(l_extendedprice) / 7.0 AS avg_yearly FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = 'Brand#23' AND l_quantity < (SELECT 0.7 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)`,
  18: `SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) FROM customer, orders, lineitem WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 140) AND c_custkey = o_custkey AND o_orderkey = l_orderkey
      GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice ORDER BY o_totalprice DESC, o_orderdate LIMIT 100`,
  19: `SELECT sum(l_extendedprice * (1 - l_discount)) AS revenue FROM lineitem, part WHERE (p_partkey = l_partkey AND p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX') AND l_quantity >= 1 AND l_quantity <= 31 AND p_size BETWEEN 1 AND 15 AND l_shipmode IN ('AIR', 'AIR REG'))
      OR (p_partkey = l_partkey AND p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX') AND l_quantity >= 10 AND l_quantity <= 40 AND p_size BETWEEN 1 AND 10 AND l_shipmode IN ('AIR', 'AIR REG'))`,
  20: `SELECT s_name, s_address FROM supplier, nation WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%')
      AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey AND l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 2 YEAR))
      AND s_nationkey = n_nationkey AND n_name IN ('CANADA', 'PERU', 'BRAZIL', 'JAPAN', 'KENYA') ORDER BY s_name`,
  21: `SELECT s_name, count(*) AS numwait FROM supplier, lineitem l1, orders, nation WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate
      AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND NOT EXISTS (SELECT * FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate)
      AND s_nationkey = n_nationkey AND n_regionkey < 4 GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100`,
  22: `SELECT cntrycode, count(*) AS numcust, sum(c_acctbal) AS totacctbal FROM (SELECT substring(c_phone FROM 1 FOR 2) AS cntrycode, c_acctbal FROM customer WHERE substring(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17')
      AND c_acctbal > (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > 0.00 AND substring(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17')) AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey)) AS custsale GROUP BY cntrycode ORDER BY cntrycode`,
};

/** The Big Data benchmark's tables and its three queries. */
export const BIG_DATA_SETUP: readonly string[] = [
  `CREATE TABLE rankings AS SELECT 'http://example.org/page/' || i AS pageURL, ${number('rk', 1, 2000)}::INTEGER AS pageRank, ${number('rd', 1, 100)}::INTEGER AS avgDuration FROM range(500) t(i)`,
  `CREATE TABLE uservisits AS SELECT ${number('u1', 1, 250)} || '.' || ${number('u2', 0, 3)} || '.1.9' AS sourceIP, 'http://example.org/page/' || ${number('up', 0, 700)} AS destURL, (DATE '1979-01-01' + ${number('ud', 0, 1500)}::INTEGER) AS visitDate,
   ${number('ur', 0, 1000000)} / 1e6 AS adRevenue, 'agent' AS userAgent, 'DEU' AS countryCode, 'de' AS languageCode, 'word' AS searchWord, ${number('ut', 1, 10)}::INTEGER AS duration FROM range(2000) t(i)`,
];

export const BIG_DATA = {
  scan: `SELECT pageURL, pageRank FROM rankings WHERE pageRank > 1500`,
  aggregation: `SELECT substr(sourceIP, 1, 8) AS prefix, sum(adRevenue) AS revenue FROM uservisits GROUP BY substr(sourceIP, 1, 8)`,
  join: `SELECT sourceIP, totalRevenue, avgPageRank FROM (SELECT sourceIP, avg(pageRank) AS avgPageRank, sum(adRevenue) AS totalRevenue FROM rankings AS R, uservisits AS UV
    WHERE R.pageURL = UV.destURL AND UV.visitDate BETWEEN DATE '1980-01-01' AND DATE '1980-04-01' GROUP BY UV.sourceIP) ORDER BY totalRevenue DESC LIMIT 1`,
} as const;
