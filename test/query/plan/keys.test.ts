import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ChunkEncoder } from '../../../query/plan/chunk-encoder.js';
import { KeyEncoder } from '../../../query/plan/keys.js';
import type { KeyColumn } from '../../../query/plan/plan.js';
import { keyTypeOf } from '../../../query/plan/types.js';
import { KEY_BYTES } from '../../../query/tuples.js';
import { LaneOp } from '../../../protocol/query/constants.js';
import { KeyDecoder } from '../support/key-decoder.js';

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
});

const column = (sqlType: string, i = 0): KeyColumn => ({ name: `k${i}`, type: keyTypeOf(sqlType)!, sqlType });

async function encode(
  columns: readonly KeyColumn[],
  sql: string,
  options = {},
): Promise<{ keys: Uint8Array[]; unfit: readonly number[]; rows: DuckDBValue[][] }> {
  const keys: Uint8Array[] = [];
  const unfit: number[] = [];
  const rows: DuckDBValue[][] = [];
  for (const chunk of await (await connection.run(sql)).fetchAllChunks()) {
    const buffer = new Uint8Array(chunk.rowCount * KEY_BYTES).fill(0xee);
    const found = new KeyEncoder(columns, options).encode(
      columns.map((_, i) => chunk.getColumnVector(i)),
      chunk.rowCount,
      buffer,
    );
    unfit.push(...found.map((row) => row + rows.length));
    for (let row = 0; row < chunk.rowCount; row++) keys.push(buffer.slice(row * KEY_BYTES, (row + 1) * KEY_BYTES));
    rows.push(...chunk.getRows());
  }
  return { keys, unfit, rows };
}

const TYPES: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['BOOLEAN', fc.boolean().map(String)],
  ['TINYINT', fc.integer({ min: -128, max: 127 }).map(String)],
  ['USMALLINT', fc.integer({ min: 0, max: 65535 }).map(String)],
  ['SMALLINT', fc.integer({ min: -32768, max: 32767 }).map(String)],
  ['INTEGER', fc.integer().map(String)],
  ['UINTEGER', fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(String)],
  ['BIGINT', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ['UBIGINT', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)],
  ['FLOAT', fc.float().map(String)],
  ['DOUBLE', fc.double().map(String)],
  [
    'DATE',
    fc
      .integer({ min: -700000, max: 2000000 })
      .map((days) =>
        new Date(days * 86_400_000)
          .toISOString()
          .slice(0, 10)
          .replace(/^([-+])/, ''),
      )
      .filter((text) => /^[12]\d{3}-/.test(text)),
  ],
  [
    'TIMESTAMP',
    fc
      .date({ min: new Date('0002-01-01'), max: new Date('9998-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 23)),
  ],
  ['DECIMAL(4,2)', fc.integer({ min: -9999, max: 9999 }).map((value) => (value / 100).toFixed(2))],
  ['DECIMAL(9,0)', fc.integer({ min: -999999999, max: 999999999 }).map(String)],
  ['DECIMAL(18,3)', fc.integer({ min: -1e9, max: 1e9 }).map((value) => (value / 1000).toFixed(3))],
  [
    'VARCHAR',
    fc
      .oneof(fc.string({ maxLength: 14 }), fc.string({ unit: 'binary', maxLength: 6 }))
      .map((text) => text.replaceAll('\0', '?')),
  ],
];

const literal = (text: string | null, type: string): string =>
  text === null ? `CAST(NULL AS ${type})` : `CAST('${text.replaceAll("'", "''")}' AS ${type})`;

describe('keys', () => {
  it('come back as the values that they were made of, whatever columns there are', async () => {
    const table = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }).chain((types) =>
      fc.record({
        types: fc.constant(types.map(([type]) => type)),
        rows: fc.array(fc.tuple(...types.map(([, value]) => fc.option(value, { freq: 4 }))), {
          minLength: 1,
          maxLength: 20,
        }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(table, async ({ types, rows }) => {
        const columns = types.map(column);
        const width = columns.reduce((sum, { type }) => sum + ('bytes' in type ? type.bytes : 1), 1);
        fc.pre(width <= KEY_BYTES);
        const names = columns.map(({ name }) => name);
        const sql = rows
          .map(
            (row, i) =>
              `SELECT ${row.map((value, c) => `${literal(value, types[c]!)} AS ${names[c]}`).join(', ')}, ${i} AS i`,
          )
          .join(' UNION ALL ');
        const got = await encode(columns, sql);
        const decoder = new KeyDecoder(columns);
        // Equal keys just where DuckDB has one group.
        const group = (
          await connection.runAndReadAll(
            `WITH t AS (${sql}) SELECT i, dense_rank() OVER (ORDER BY ${names.join(', ')}) FROM t ORDER BY i`,
          )
        )
          .getRows()
          .map(([, rank]) => Number(rank));
        const order = got.rows.map((row) => Number(row.at(-1)));
        const hex = got.keys.map((key) => Buffer.from(key).toString('hex'));
        for (const [a, i] of order.entries()) {
          if (got.unfit.includes(a)) {
            const texts = got.rows[a]!.slice(0, -1).filter((value): value is string => typeof value === 'string');
            const free = KEY_BYTES - width;
            expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeGreaterThan(free);
            continue;
          }
          const back = decoder.decode(got.keys[a]!, 0, []);
          back.forEach((value, c) => {
            const original = got.rows[a]![c]!;
            if (typeof original === 'number') expect(Object.is(value, original + 0)).toBe(true);
            else expect(value === null ? null : String(value)).toBe(original === null ? null : String(original));
          });
          for (const [b, j] of order.entries())
            if (!got.unfit.includes(b)) expect(hex[a] === hex[b]).toBe(group[i] === group[j]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('take -0 for 0 and every NaN for one', async () => {
    for (const type of ['DOUBLE', 'FLOAT']) {
      const { keys } = await encode([column(type)], `SELECT unnest(['0', '-0', 'nan', '-nan', '1'])::${type}`);
      const hex = keys.map((key) => Buffer.from(key).toString('hex'));
      expect([hex[0] === hex[1], hex[2] === hex[3], new Set(hex).size]).toEqual([true, true, 3]);
    }
  });

  it('keep the sign of zero for groups, whose answers show it', async () => {
    for (const type of ['DOUBLE', 'FLOAT']) {
      const { keys } = await encode([column(type)], `SELECT unnest(['0', '-0', 'nan', '-nan'])::${type}`, {
        keepsZeroSign: true,
      });
      const values = keys.map((key) => new KeyDecoder([column(type)]).decode(key, 0, [])[0]);
      expect(values.map((value) => Object.is(value, -0))).toEqual([false, true, false, false]);
      expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(3);
    }
  });

  it('hold a text of 22 bytes, and report longer ones', async () => {
    const { keys, unfit } = await encode(
      [column('VARCHAR')],
      `SELECT repeat('ä', 11) UNION ALL SELECT repeat('a', 23) UNION ALL SELECT repeat('b', 12) UNION ALL SELECT repeat('b', 13)`,
    );
    expect(unfit).toEqual([1]);
    expect([0, 2, 3].map((row) => new KeyDecoder([column('VARCHAR')]).decode(keys[row]!, 0, [])[0])).toEqual([
      'ä'.repeat(11),
      'b'.repeat(12),
      'b'.repeat(13),
    ]);
  });
});

describe('chunks', () => {
  it('become keys and lanes; rows that do not fit are left out of the batch', async () => {
    const encoder = new ChunkEncoder(
      [column('VARCHAR')],
      [
        { name: 'l0', op: LaneOp.SUM_F64 },
        { name: 'l1', op: LaneOp.SUM_I64 },
      ],
    );
    const sql = `SELECT * FROM (VALUES ('a', 1.5::DOUBLE, 7::BIGINT), (repeat('long', 9), 2.5, 8), (NULL, NULL, -9), ('b', 3.5, NULL)) t(k0, l0, l1)`;
    const [chunk] = await (await connection.run(sql)).fetchAllChunks();
    const { batch, unfit } = encoder.encode(chunk!);
    expect(unfit).toEqual([1]);
    expect(batch.rows).toBe(3);
    expect([...batch.nulls!]).toEqual([0, 0b01, 0b10]);
    expect([batch.lanes[0]![0], batch.lanes[0]![2]]).toEqual([1.5, 3.5]);
    expect([batch.lanes[1]![0], batch.lanes[1]![1]]).toEqual([7n, -9n]);
    const decoder = new KeyDecoder([column('VARCHAR')]);
    expect([0, 1, 2].map((row) => decoder.decode(batch.keys!, row * KEY_BYTES, [])[0])).toEqual(['a', null, 'b']);
  });

  it('have no keys where there is one group', async () => {
    const [chunk] = await (await connection.run('SELECT 1::DOUBLE AS l0 FROM range(3)')).fetchAllChunks();
    expect(new ChunkEncoder([], [{ name: 'l0', op: LaneOp.SUM_F64 }]).encode(chunk!)).toMatchObject({
      unfit: [],
      batch: { rows: 3, keys: undefined, nulls: undefined },
    });
  });
});
