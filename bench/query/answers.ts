/** Whether two systems gave the same answer. */

/** A value in JSON; decimals and wide integers are text. */
export type Value = string | number | boolean | null;
export type Answer = readonly (readonly Value[])[];

/** Relative: sums of doubles depend on their order. */
const TOLERANCE = 1e-9;

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function asNumber(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined;
}

/** Possible rounding error of a decimal: Spark gives averages of decimals four more digits than their column has. */
function roundingOf(value: Value): number {
  if (typeof value !== 'string') return 0;
  const point = value.indexOf('.');
  return point < 0 ? 0 : 0.500001 * 10 ** (point + 1 - value.length);
}

function equal(a: Value, b: Value): boolean {
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x === undefined || y === undefined) return a === b;
  if (x === y) return true;
  // Two decimals with the same number of digits are compared exactly.
  const rounding = roundingOf(a) === roundingOf(b) ? 0 : Math.max(roundingOf(a), roundingOf(b));
  return Math.abs(x - y) <= Math.max(rounding, TOLERANCE * Math.max(Math.abs(x), Math.abs(y)));
}

/** Sorted by the columns that are not rounded, then by the others, approximately. */
function inOrder(answer: Answer, isRounded: readonly boolean[]): Answer {
  const text = (value: Value, column: number): string => {
    const number = asNumber(value);
    return number === undefined ? String(value) : isRounded[column] ? number.toPrecision(4) : String(number);
  };
  const keyOf = (row: readonly Value[]): string => {
    const shown = row.map(text);
    return [...shown.filter((_, column) => !isRounded[column]), ...shown.filter((_, column) => isRounded[column])].join(
      '\u0000',
    );
  };
  const keyed = answer.map((row) => ({ row, key: keyOf(row) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}

/** @returns a description of the first difference, ignoring the order of rows; undefined if there is none */
export function difference(got: Answer, wanted: Answer): string | undefined {
  if (got.length !== wanted.length) return `${got.length} rows instead of ${wanted.length}`;
  const columns = wanted[0]?.length ?? 0;
  const isRounded = Array.from({ length: columns }, (_, column) =>
    wanted.some((row) => {
      const number = asNumber(row[column]!);
      return number !== undefined && !Number.isInteger(number);
    }),
  );
  const [a, b] = [inOrder(got, isRounded), inOrder(wanted, isRounded)];
  const at = a.findIndex(
    (row, i) => row.length !== b[i]!.length || !row.every((value, column) => equal(value, b[i]![column]!)),
  );
  return at < 0 ? undefined : `row ${at} is (${a[at]!.join(', ')}) instead of (${b[at]!.join(', ')})`;
}
