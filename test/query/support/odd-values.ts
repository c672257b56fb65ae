/** Tables with what databases stumble over: NULL, NaN, -0, infinities, long texts, wide numbers, nothing at all. */
const of = (salt: string, n: number): string => `(hash(i, '${salt}') % ${n})::BIGINT`;
const orNull = (salt: string, sql: string): string => `CASE WHEN ${of(`${salt}null`, 9)} = 0 THEN NULL ELSE ${sql} END`;

export const ODD_SETUP: readonly string[] = [
  `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`,
  `CREATE TABLE t AS SELECT
    ${orNull('k', `${of('k', 7)}::INTEGER`)} AS k,
    ${orNull('g', `list_value('a', 'bb', 'a text of 22 bytes, ok', 'a text that is too long for any key of ours', 'ünï', '')[1 + ${of('g', 6)}]`)} AS g,
    ${orNull('x', `list_value(0.1, 2.5e10, 1e-7, 33.3, 0.0, -0.0)[1 + ${of('x', 6)}]::DOUBLE * ${of('x2', 1000)}`)} AS x,
    list_value('NaN', 'Infinity', '-Infinity', '0', '-0', '1.5', NULL)[1 + ${of('y', 7)}]::DOUBLE AS y,
    ${orNull('f', `(${of('f', 1000)} / 8)::FLOAT`)} AS f,
    ${orNull('n', `${of('n', 1000000)} - 500000`)} AS n,
    ${orNull('d', `(${of('d', 100000)} / 100)::DECIMAL(9,2)`)} AS d,
    ${orNull('w', `(${of('w', 1000000)} / 8)::DECIMAL(30,4)`)} AS w,
    ${orNull('h', `${of('h', 50)}::HUGEINT`)} AS h,
    ${of('u', 90)}::UBIGINT + 18446744073709551000 AS u,
    ${orNull('dt', `CASE ${of('dti', 50)} WHEN 0 THEN DATE 'infinity' WHEN 1 THEN DATE '-infinity' ELSE DATE '1960-01-01' + ${of('dt', 9000)}::INTEGER END`)} AS dt,
    ${orNull('ts', `CASE ${of('tsi', 50)} WHEN 0 THEN TIMESTAMP 'infinity' WHEN 1 THEN TIMESTAMP '-infinity' ELSE make_timestamp(${of('ts', 100000000)} * 7919) END`)} AS ts,
    make_timestamp(${of('tz', 1000000)} * 1000003) AT TIME ZONE 'UTC' AS tz,
    ${orNull('b', `${of('b', 2)} = 1`)} AS b,
    list_value('sad', 'ok', 'happy', NULL)[1 + ${of('m', 4)}]::mood AS m,
    i AS id
    FROM range(600) r(i)`,
  "CREATE TABLE other AS SELECT i::INTEGER AS k, list_value('a', 'bb', 'zz', NULL)[(1 + i % 4)::BIGINT] AS g, i * 10 AS v, (i / 2)::DOUBLE AS y FROM range(12) r(i)",
  'CREATE TABLE third AS SELECT (i % 30)::SMALLINT AS v, i AS z FROM range(40) r(i)',
  'CREATE TABLE nothing AS SELECT * FROM t LIMIT 0',
];
