/** Tables with what databases stumble over: NULL, NaN, infinities, zeros of both signs, texts that collations make equal. */
import type { DuckDBConnection } from '@duckdb/node-api';

/** Rows of the tables, small enough that groups have few rows and that ties occur. */
const ROWS = { t: 160, o: 30, p: 24 } as const;

/**
 * Column `x` and `f` hold values whose sums are exact in any order; `r` does not. In `z` every zero is -0, so that its
 * sign shows in answers; in `y` there are zeros of both signs, and which of them stands for their group is undefined.
 */
function tables(seed: number): Readonly<Record<string, string>> {
  const of = (salt: string, n: number): string => `(hash(i, '${salt}', ${seed}) % ${n})::BIGINT`;
  const orNull = (salt: string, sql: string): string => `CASE WHEN ${of(`${salt}?`, 8)} = 0 THEN NULL ELSE ${sql} END`;
  const one = (salt: string, ...values: string[]): string =>
    `list_value(${values.join(', ')})[1 + ${of(salt, values.length)}]`;
  const texts = ["'a'", "'A'", "'á'", "'ab'", "'Ab'", "'aB'", "'x'", "'X'", "''", "'a text of 22 bytes, ok'"];
  const long = "'a text that is too long for any key of ours'";
  const mood = one('m', "'sad'", "'ok'", "'happy'", 'NULL');
  return {
    t: `SELECT i AS id, ${orNull('k', `${of('k', 7)}::INTEGER`)} AS k, ${orNull('g', one('g', ...texts, long))} AS g,
      ${orNull('x', `(${of('x', 400)} - 200) / 8.0::DOUBLE + 0.0625`)} AS x,
      ${one('y', "'NaN'", "'Infinity'", "'-Infinity'", "'0'", "'-0'", "'1.5'", 'NULL')}::DOUBLE AS y,
      ${one('z', "'-0'", "'-0'", "'-1.5'", "'2'", 'NULL', "'NaN'")}::DOUBLE AS z,
      ${orNull('f', one('f', "'0.1'", "'-0'", "'33.3'", "'-2.5'", "'4096.5'"))}::FLOAT AS f,
      ${orNull('r', `(${of('r', 1000)} - 500) / 7.0::DOUBLE`)} AS r,
      ${orNull('n', `${of('n', 2000)} - 1000`)} AS n, ${orNull('d', `(${of('d', 1000)} / 100)::DECIMAL(9,2)`)} AS d,
      ${orNull('w', `${of('w', 1000)}::DECIMAL(30,4) * 1000000000000`)} AS w, ${of('u', 9)}::UBIGINT + 18446744073709551600 AS u,
      ${orNull('dt', one('dt', "DATE 'infinity'", "DATE '-infinity'", "DATE '1969-12-31'", "DATE '2024-02-29'"))} AS dt,
      ${orNull('ts', `make_timestamp(${of('ts', 40)} * 7919000003)`)} AS ts, ${orNull('b', `${of('b', 2)} = 1`)} AS b,
      ${mood}::ENUM('sad', 'ok', 'happy') AS m FROM range(${ROWS.t}) r(i)`,
    o: `SELECT i AS id, ${orNull('ok', `${of('ok', 9)}::INTEGER`)} AS k, ${orNull('og', one('og', ...texts))} AS g,
      ${one('oy', "'NaN'", "'Infinity'", "'0'", "'-0'", "'7'", 'NULL')}::DOUBLE AS y, i * 10 AS v FROM range(${ROWS.o}) r(i)`,
    p: `SELECT (i % 11)::SMALLINT AS v, ${orNull('ps', one('ps', ...texts))} AS s, ${one('px', '0.1', '-2.5', 'NULL')}::FLOAT AS f, i AS q FROM range(${ROWS.p}) r(i)`,
  };
}

/** Writes the tables as files. @returns what `--data` would be given */
export async function writeTables(connection: DuckDBConnection, folder: string, seed: number): Promise<string[]> {
  const data: string[] = [];
  for (const [name, select] of Object.entries(tables(seed))) {
    const path = `${folder}/${name}.parquet`;
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
    data.push(path);
  }
  return data;
}
