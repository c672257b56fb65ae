import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { ChunkEncoder } from '../../../query/plan/chunk-encoder.js';
import type { AggregateStep, KeyColumn } from '../../../query/plan/plan.js';
import { keyTypeOf } from '../../../query/plan/types.js';
import { GroupRelation } from '../../../query/session/relation.js';
import { KEY_BYTES } from '../../../query/tuples.js';
import { LaneOp, Operator, QUERY_BUILDS } from '../../../protocol/query/constants.js';

const BUILD = QUERY_BUILDS[0];
/** More than one of DuckDB's chunks, and not a whole number of them. */
const ROWS = 5_000;

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
});

function stepOf(types: readonly string[], lanes: AggregateStep['lanes']): AggregateStep {
  const keys = types.map((sqlType, i): KeyColumn => ({ name: `k${i}`, sqlType, type: keyTypeOf(sqlType)! }));
  return { operator: Operator.GROUP, select: '', keys, lanes, relation: 'groups' };
}

/** Keys of a SELECT as groups of one row each, with the lanes' bits that are given for a row. */
async function through(
  step: AggregateStep,
  select: string,
  put: (view: DataView, row: number, lanes: number, counts: number) => void,
): Promise<unknown[][]> {
  const relation = await GroupRelation.create(connection, step, BUILD);
  const encoder = new ChunkEncoder(step.keys, []);
  let row = 0;
  for (const chunk of await (await connection.run(select)).fetchAllChunks()) {
    const { batch, unfit } = encoder.encode(chunk);
    expect(unfit).toEqual([]);
    for (let i = 0; i < batch.rows; i++, row++) {
      // As in a message, after other bytes.
      const view = new DataView(new ArrayBuffer(3 + KEY_BYTES + 8 + 16 * BUILD.lanes), 3);
      if (batch.keys !== undefined)
        new Uint8Array(view.buffer, 3).set(batch.keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES));
      view.setBigInt64(KEY_BYTES, BigInt(row) + (1n << 40n));
      put(view, row, KEY_BYTES + 8, KEY_BYTES + 8 + 8 * BUILD.lanes);
      relation.addGroup(view, 0);
    }
  }
  relation.close();
  return (await connection.runAndReadAll('SELECT * FROM groups')).getRows();
}

describe('groups in columns', () => {
  it.each([
    ['BOOLEAN', 'i % 2 = 0'],
    ['TINYINT', 'i % 200 - 100'],
    ['UTINYINT', 'i % 256'],
    ['SMALLINT', 'i - 2500'],
    ['INTEGER', '(i - 2500) * 800000'],
    ['UINTEGER', 'i * 800000'],
    ['BIGINT', '(i - 2500) * 3000000000000000'],
    ['UBIGINT', 'i::UBIGINT * 3600000000000000'],
    ['FLOAT', 'i / 7'],
    ['DOUBLE', '-i / 7'],
    ['DATE', `DATE '1969-01-01' + i::INTEGER`],
    ['TIME', `TIME '00:00:00' + to_microseconds(i * 1000003)`],
    ['TIMESTAMP', `TIMESTAMP '1969-12-31' + to_microseconds(i * 1000000007)`],
    ['TIMESTAMP WITH TIME ZONE', `to_timestamp(i * 1003)`],
    ['TIMESTAMP_S', `make_timestamp(i * 1000003000000)`],
    ['TIMESTAMP_MS', `make_timestamp(i * 1000003000)`],
    ['TIMESTAMP_NS', 'make_timestamp_ns(i * 1000003)'],
    ['DECIMAL(4,2)', '(i - 2500) / 100'],
    ['DECIMAL(9,3)', '(i - 2500) / 1000'],
    ['DECIMAL(18,0)', '(i - 2500) * 300000000000000'],
    ['VARCHAR', `repeat('ä', (i % 12)::INTEGER)`],
    ['VARCHAR', `left(i::VARCHAR || 'abcdefghijklmnopqrstuvwxyz', (i % 23)::INTEGER)`],
  ])('have %s keys as they were (%s)', async (type, expression) => {
    const select = `SELECT CASE WHEN i % 5 <> 3 THEN CAST(${expression} AS ${type}) END AS k0 FROM range(${ROWS}) t(i)`;
    const rows = await through(stepOf([type], []), select, () => undefined);
    const wanted = (await connection.runAndReadAll(`${select} ORDER BY i`)).getRows();
    expect(rows.map(([key]) => String(key))).toEqual(wanted.map(([key]) => String(key)));
    expect(rows.map(([, count]) => count)).toEqual(wanted.map((_, row) => BigInt(row) + (1n << 40n)));
  });

  it('have several keys, in any order of fixed and variable width', async () => {
    const select = `SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE i::VARCHAR END AS k0, (i * 7)::BIGINT AS k1, CASE WHEN i % 4 = 0 THEN NULL ELSE 'x' || i END AS k2, (i % 99)::SMALLINT AS k3 FROM range(${ROWS}) t(i)`;
    const rows = await through(stepOf(['VARCHAR', 'BIGINT', 'VARCHAR', 'SMALLINT'], []), select, () => undefined);
    expect(rows.map((row) => row.slice(0, 4))).toEqual(
      (await connection.runAndReadAll(`${select} ORDER BY i`)).getRows(),
    );
  });

  it('have lanes of doubles, integers and singles, and NULL where there is no value', async () => {
    const lanes = [
      { name: 'l0', op: LaneOp.SUM_I64 },
      { name: 'l1', op: LaneOp.SUM_F32 },
    ];
    const rows = await through(
      stepOf(['INTEGER'], lanes),
      `SELECT i::INTEGER AS k0 FROM range(${ROWS}) t(i)`,
      (view, row, at, counts) => {
        view.setBigInt64(at, BigInt(row) * -(1n << 45n));
        view.setFloat32(at + 12, row / 3);
        view.setBigInt64(counts, BigInt(row % 3));
        view.setBigInt64(counts + 8, row % 2 === 0 ? 0n : 1n << 33n);
      },
    );
    expect(rows.map((row) => row.slice(2))).toEqual(
      rows.map((_, row) => [
        row % 3 === 0 ? null : BigInt(row) * -(1n << 45n),
        BigInt(row % 3),
        row % 2 === 0 ? null : Math.fround(row / 3),
        row % 2 === 0 ? 0n : 1n << 33n,
      ]),
    );
    const [[sum]] = (await through(
      stepOf([], [{ name: 'l0', op: LaneOp.MAX_F64 }]),
      'SELECT 1',
      (view, _, at, counts) => {
        view.setFloat64(at, -1.5);
        view.setBigInt64(counts, 1n);
      },
    ).then((all) => all.map(([, value]) => [value]))) as [[number]];
    expect(sum).toBe(-1.5);
  });

  it('take tuples that found no slot as groups of one row', async () => {
    const relation = await GroupRelation.create(
      connection,
      stepOf(
        ['INTEGER'],
        [
          { name: 'l0', op: LaneOp.SUM_F64 },
          { name: 'l1', op: LaneOp.SUM_I64 },
        ],
      ),
      BUILD,
    );
    const view = new DataView(new ArrayBuffer(KEY_BYTES + 16));
    view.setUint8(1, 9);
    view.setFloat64(KEY_BYTES, 0.25);
    view.setBigInt64(KEY_BYTES + 8, -8n);
    for (let nulls = 0; nulls < 4; nulls++) relation.addTuple(view, 0, nulls);
    relation.close();
    expect((await connection.runAndReadAll('SELECT * FROM groups')).getRows()).toEqual([
      [9, 1n, 0.25, 1n, -8n, 1n],
      [9, 1n, null, 0n, -8n, 1n],
      [9, 1n, 0.25, 1n, null, 0n],
      [9, 1n, null, 0n, null, 0n],
    ]);
  });
});
