"""Spark alone, with the line protocol of bench/query/duckdb-runner.ts.

Spark's defaults, except for what local mode needs to perform best on few cores: twice as many shuffle partitions as
cores (200 by default, which costs small data seconds), memory for the driver, and no web interface. Answers come as
Arrow, the fastest way out of the JVM.
"""

import contextlib
import datetime
import decimal
import json
import os
import sys
import time


def to_value(value):
    if isinstance(value, (decimal.Decimal, datetime.date)):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def main():
    lines = iter(sys.stdin.readline, '')
    answers = os.fdopen(os.dup(1), 'w')

    def say(line):
        answers.write(json.dumps(line) + '\n')
        answers.flush()

    setup = json.loads(next(lines))
    try:
        import pyspark
        from pyspark.sql import SparkSession
        import pyarrow  # noqa: F401
    except ImportError as error:
        say({'error': '%s, so Spark cannot be measured: pip install pyspark pyarrow pandas' % error})
        return
    with contextlib.redirect_stdout(sys.stderr):
        cores = setup['threads']
        spark = (
            SparkSession.builder.master('local[%d]' % cores)
            .config('spark.sql.shuffle.partitions', 2 * cores)
            .config('spark.driver.memory', '4g')
            .config('spark.driver.bindAddress', '127.0.0.1')
            .config('spark.driver.host', '127.0.0.1')
            .config('spark.ui.enabled', 'false')
            .getOrCreate()
        )
        spark.sparkContext.setLogLevel('ERROR')
        for name, pattern in setup['tables']:
            spark.read.parquet(pattern).createOrReplaceTempView(name)
        java = spark.sparkContext._jvm.java.lang.System.getProperty('java.version')
    say({'version': pyspark.__version__, 'java': java})
    for line in lines:
        question = json.loads(line)
        try:
            started = time.perf_counter()
            table = spark.sql(question['sql']).toArrow()
            answer = {'seconds': time.perf_counter() - started, 'rows': table.num_rows}
            if question.get('answer'):
                columns = [column.to_pylist() for column in table.columns]
                answer['answer'] = [[to_value(value) for value in row] for row in zip(*columns)]
            say(answer)
        except Exception as error:
            say({'error': str(error).split('\n')[0]})
    spark.stop()


main()
