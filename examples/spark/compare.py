"""The same query by Spark alone and with its rows through the switch: prints both times, and whether answers agree.

    python compare.py
    python compare.py --data 'lineitem/*.parquet' --table lineitem "SELECT l_suppkey, sum(l_quantity) AS quantity FROM lineitem GROUP BY l_suppkey"
"""

import argparse
import decimal
import math
import os
import shlex
import sys
import time

from pyspark.sql import SparkSession

import fpisa_spark

SQL = 'SELECT k, sum(v) AS total, max(v) AS greatest, count(*) AS n FROM sample GROUP BY k'
# Relative: sums of floating-point numbers depend on their order.
TOLERANCE = 1e-9


def same(a, b):
    if isinstance(a, (int, float, decimal.Decimal)) and isinstance(b, (int, float, decimal.Decimal)):
        return a == b or math.isclose(a, b, rel_tol=TOLERANCE)
    return a == b


def in_order(rows):
    exact = [tuple(str(value) for value in row if not isinstance(value, float)) for row in rows]
    return [row for _, row in sorted(zip(exact, rows), key=lambda pair: (pair[0], [value or 0 for value in pair[1] if isinstance(value, float)]))]


def difference(got, wanted):
    if len(got) != len(wanted):
        return '%d rows instead of %d' % (len(got), len(wanted))
    for a, b in zip(in_order(got), in_order(wanted)):
        if len(a) != len(b) or not all(map(same, a, b)):
            return '%s instead of %s' % (tuple(a), tuple(b))
    return None


def timed(work):
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sql', nargs='?', default=SQL, help='in a dialect that Spark and DuckDB share')
    parser.add_argument('--data', help='Parquet files of the table (default: a table sample(k, v) of 200,000 rows)')
    parser.add_argument('--table', default='sample', help='name of the table in the query')
    parser.add_argument('--workers', type=int, default=2, help='executors that take part')
    parser.add_argument('--fpisa', default='fpisa', help='the command (default fpisa)')
    parser.add_argument('--option', action='append', default=[], help='for the master, such as --option=--no-combine; repeatable')
    arguments = parser.parse_args()

    # Executors on this machine, with this interpreter's packages.
    os.environ.setdefault('PYSPARK_PYTHON', sys.executable)
    spark = SparkSession.builder.master('local[%d]' % arguments.workers).config('spark.ui.enabled', 'false')
    spark = spark.config('spark.sql.shuffle.partitions', 2 * arguments.workers).getOrCreate()
    spark.sparkContext.setLogLevel('ERROR')
    if arguments.data:
        frame = spark.read.parquet(arguments.data)
    else:
        frame = spark.range(200_000).selectExpr('cast(id % 1000 as int) AS k', 'sin(cast(id as double)) AS v')
    frame.createOrReplaceTempView(arguments.table)

    alone, seconds = timed(lambda: spark.sql(arguments.sql).collect())
    print('Spark alone: %d rows in %.2f s' % (len(alone), seconds))
    through = lambda: fpisa_spark.query(
        frame, arguments.table, arguments.sql, partitions=arguments.workers, fpisa=shlex.split(arguments.fpisa), options=arguments.option
    ).collect()
    try:
        answer, seconds = timed(through)
    except fpisa_spark.FpisaError as error:
        print('through the switch: %s' % error, file=sys.stderr)
        return 2
    print('through the switch: %d rows in %.2f s' % (len(answer), seconds))
    differs = difference(answer, alone)
    print('the same answer' if differs is None else 'ANOTHER ANSWER: %s' % differs)
    spark.stop()
    return 0 if differs is None else 1


if __name__ == '__main__':
    sys.exit(main())
