"""Spark queries whose rows go through the switch: executors are the workers of `fpisa query`.

    import fpisa_spark
    answer = fpisa_spark.query(lines, 'lines', 'SELECT l_suppkey, sum(l_quantity) AS quantity FROM lines GROUP BY ALL')

`lines` is any DataFrame: files, filters, joins and Python functions are evaluated by Spark. Each of its partitions
is written to a Parquet file on its executor's host, whose local agent (`fpisa query worker`) combines the rows and sends
them through the switch. The driver runs the master (`fpisa query`) and gets the answer as a DataFrame. The SQL is
DuckDB's dialect.
"""

import contextlib
import datetime
import decimal
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid

import pyarrow
import pyarrow.parquet
from pyspark.sql import types
from pyspark.sql.pandas.types import to_arrow_schema

# How long agents and master wait for each other.
WAIT_SECONDS = 60
POLL_SECONDS = 0.1


class FpisaError(Exception):
    """The query failed; the message comes from fpisa or Spark."""


def query(frame, table, sql, *, partitions=None, fpisa=('fpisa',), host='127.0.0.1', options=(), agent_options=None):
    """The answer of `sql`, in which `table` is the DataFrame `frame`, as a DataFrame.

    partitions: how many workers take part (default: the partitions that `frame` has, at most as many as tasks run in
        parallel, since they wait for each other). A number other than that of `frame` costs a shuffle.
    fpisa: the command, on the driver and on every executor.
    host: the driver's address, as executors reach it.
    options: for the master: the switch (`--p4runtime` ...; by default one is started), other tables (`--data` ...).
    agent_options: for the agents of an executor's host, by the host's name: `{'node1': ['--switch-port', '1']}`.
    """
    spark = frame.sparkSession
    context = spark.sparkContext
    workers = partitions or min(frame.rdd.getNumPartitions(), context.defaultParallelism)
    if frame.rdd.getNumPartitions() != workers:
        frame = frame.repartition(workers)
    schema = to_arrow_schema(frame.schema)
    folder = tempfile.mkdtemp(prefix='fpisa-spark-')
    try:
        # The rows are at the executors; only the columns of this file matter.
        columns = os.path.join(folder, 'columns.parquet')
        pyarrow.parquet.write_table(schema.empty_table(), columns)
        address = '%s:%d' % (host, free_port(host))
        command = [*fpisa, 'query', sql, '--json', '--workers', str(workers), '--listen', address]
        command += ['--wait', str(WAIT_SECONDS), '--data', '%s=%s' % (table, columns), *options]
        task = agent(list(fpisa), address, table, schema, dict(agent_options or {}))
        job = Job(context, lambda: frame.mapInArrow(task, 'rank int, rows long', barrier=True).collect())
        output = run_master(command, folder, job)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return to_frame(spark, json.loads(output))


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def agent(fpisa, address, table, schema, agent_options):
    """What an executor does with its partition. It is serialised and sent there, so it must contain everything it needs."""

    def task(batches):
        import os
        import shutil
        import socket
        import subprocess
        import tempfile

        import pyarrow
        import pyarrow.parquet
        from pyspark import BarrierTaskContext

        rank = BarrierTaskContext.get().partitionId()
        folder = tempfile.mkdtemp(prefix='fpisa-spark-')
        try:
            path = os.path.join(folder, 'rows.parquet')
            rows = 0
            with pyarrow.parquet.ParquetWriter(path, schema) as writer:
                for batch in batches:
                    writer.write_table(pyarrow.Table.from_batches([batch]).cast(schema))
                    rows += batch.num_rows
            command = [*fpisa, 'query', 'worker', '--master', address, '--rank', str(rank), '--wait', '60']
            command += ['--data', '%s=%s' % (table, path), *agent_options.get(socket.gethostname(), ())]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError('agent %d: %s' % (rank, done.stderr.strip() or 'code %d' % done.returncode))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        yield pyarrow.RecordBatch.from_pydict({'rank': pyarrow.array([rank], pyarrow.int32()), 'rows': [rows]})

    return task


class Job:
    """A Spark action in another thread."""

    def __init__(self, context, action):
        self.context = context
        self.group = 'fpisa-%s' % uuid.uuid4()
        self.action = action
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            # Job groups are per thread.
            self.context.setJobGroup(self.group, 'rows through the switch', interruptOnCancel=True)
            self.action()
        except Exception as error:
            self.error = error

    def cancel(self):
        self.context.cancelJobGroup(self.group)
        self.thread.join()


def reason_of(error):
    """The executor's own error, which Spark's message has between two stack traces."""
    text = str(error).strip()
    lines = [line for line in text.split('\n') if re.match(r'\w+(Error|Exception): ', line)]
    return lines[0] if lines else text.split('\n')[0]


def message_of(output):
    """Of an error, which is a line of JSON, too."""
    try:
        return json.loads(output)['error']['message']
    except (ValueError, KeyError, TypeError):
        return None


def run_master(command, folder, job):
    """The master's standard output. If master or executors fail, the others are stopped."""
    with open(os.path.join(folder, 'out'), 'w+') as out, open(os.path.join(folder, 'err'), 'w+') as err:
        master = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        job.thread.start()
        try:
            while master.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    master.wait(POLL_SECONDS)
                if job.error is not None:
                    master.terminate()
                    master.wait()
                    raise FpisaError('the executors failed: %s' % reason_of(job.error)) from job.error
        except BaseException:
            master.kill()
            master.wait()
            job.cancel()
            raise
        out.seek(0)
        err.seek(0)
        if master.returncode != 0:
            job.cancel()
            raise FpisaError(message_of(out.read()) or err.read().strip() or 'fpisa query ended with code %d' % master.returncode)
        job.thread.join()
        return out.read()


DECIMAL = re.compile(r'DECIMAL\((\d+),\s*(\d+)\)$')
# DuckDB type, Spark type, and conversion from the JSON value to a Python value.
SIMPLE_TYPES = {
    'BOOLEAN': (types.BooleanType(), bool),
    'TINYINT': (types.ByteType(), int),
    'SMALLINT': (types.ShortType(), int),
    'INTEGER': (types.IntegerType(), int),
    'BIGINT': (types.LongType(), int),
    'HUGEINT': (types.DecimalType(38, 0), decimal.Decimal),
    'FLOAT': (types.FloatType(), float),
    'DOUBLE': (types.DoubleType(), float),
    'DATE': (types.DateType(), datetime.date.fromisoformat),
    'TIMESTAMP': (types.TimestampNTZType(), datetime.datetime.fromisoformat),
    'TIMESTAMP WITH TIME ZONE': (types.TimestampType(), datetime.datetime.fromisoformat),
}


def type_of(name):
    match = DECIMAL.match(name)
    if match:
        return types.DecimalType(int(match[1]), int(match[2])), decimal.Decimal
    return SIMPLE_TYPES.get(name, (types.StringType(), str))


def to_frame(spark, answer):
    known = [(column['name'], *type_of(column['type'])) for column in answer['columns']]
    schema = types.StructType([types.StructField(name, kind) for name, kind, _ in known])
    rows = [
        tuple(None if value is None else read(value) for value, (_, _, read) in zip(row, known))
        for row in answer['rows']
    ]
    return spark.createDataFrame(rows, schema)
