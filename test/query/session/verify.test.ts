import { DuckDBDecimalValue } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { compareAnswers, orderKeys } from '../../../query/session/verify.js';

const NONE = { columns: [], hasOrder: false, hasLimit: false };

function answer(
  rows: readonly (readonly (number | string | null | bigint | DuckDBDecimalValue)[])[],
  types = ['VARCHAR', 'DOUBLE'],
) {
  return { rows, names: types.map((_, i) => `c${i}`), types };
}

describe('two answers', () => {
  const expected = answer([
    ['a', 1],
    ['b', 2],
    ['b', 3],
    [null, NaN],
  ]);

  it('are the same in any order, if none was asked for', () => {
    expect(
      compareAnswers(
        answer([
          [null, NaN],
          ['b', 3 * (1 + 1e-14)],
          ['a', 1],
          ['b', 2],
        ]),
        expected,
        NONE,
        1e-12,
      ),
    ).toBeUndefined();
  });

  it.each<[why: string, rows: (number | string | null)[][], message: RegExp]>([
    ['a row is missing', [['a', 1]], /1 rows instead of 4/],
    [
      'a row is twice there and another not',
      [
        ['a', 1],
        ['a', 1],
        ['b', 3],
        [null, NaN],
      ],
      /row \("a", 1\) is not in DuckDB's answer/,
    ],
    [
      'a value is beyond the bound',
      [
        ['a', 1 + 1e-11],
        ['b', 2],
        ['b', 3],
        [null, NaN],
      ],
      /which has \("a", 1\)/,
    ],
    [
      'NULL is something else',
      [
        ['a', 1],
        ['b', 2],
        ['b', 3],
        ['', NaN],
      ],
      /row \("", NaN\)/,
    ],
    [
      'NaN is NULL',
      [
        ['a', 1],
        ['b', 2],
        ['b', 3],
        [null, null],
      ],
      /row \(NULL, NULL\)/,
    ],
  ])('differ when %s', (_, rows, message) => {
    expect(compareAnswers(answer(rows), expected, NONE, 1e-12)).toMatch(message);
  });

  it('differ when the order that was asked for is another one, ties apart', () => {
    const byFirst = { columns: [0], hasOrder: true, hasLimit: false };
    expect(
      compareAnswers(
        answer([
          ['a', 1],
          ['b', 3],
          ['b', 2],
          [null, NaN],
        ]),
        expected,
        byFirst,
        1e-12,
      ),
    ).toBeUndefined();
    expect(
      compareAnswers(
        answer([
          ['b', 3],
          ['a', 1],
          ['b', 2],
          [null, NaN],
        ]),
        expected,
        byFirst,
        1e-12,
      ),
    ).toMatch(/row 1 has c0 "b" instead of "a"/);
  });

  it('differ in decimals by the last digit', () => {
    const types = ['DECIMAL(20,2)'];
    expect(
      compareAnswers(
        answer([[new DuckDBDecimalValue(12_345_678_901_234_567_890n, 20, 2)]], types),
        answer([[new DuckDBDecimalValue(12_345_678_901_234_567_891n, 20, 2)]], types),
        NONE,
        1e-12,
      ),
    ).toMatch(/not in DuckDB's answer/);
  });

  it('differ in types', () => {
    expect(compareAnswers(answer([], ['BIGINT']), answer([], ['HUGEINT']), NONE, 1e-12)).toBe(
      'column c0 has type BIGINT instead of HUGEINT',
    );
  });
});

describe('columns by which an answer is ordered', () => {
  const tree = (orders: unknown[]): string =>
    JSON.stringify({
      statements: [
        {
          node: {
            modifiers: [
              { type: 'ORDER_MODIFIER', orders: orders.map((expression) => ({ expression })) },
              { type: 'LIMIT_MODIFIER' },
            ],
          },
        },
      ],
    });

  it('are those that it has, by name or number', () => {
    expect(
      orderKeys(
        tree([
          { class: 'COLUMN_REF', column_names: ['t', 'B'] },
          { class: 'CONSTANT', value: { value: 1 } },
        ]),
        ['a', 'b'],
      ),
    ).toEqual({ columns: [1, 0], hasOrder: true, hasLimit: true });
  });

  it('end with the first that it does not have', () => {
    expect(orderKeys(tree([{ class: 'FUNCTION' }, { class: 'CONSTANT', value: { value: 1 } }]), ['a'])).toEqual({
      columns: [],
      hasOrder: true,
      hasLimit: true,
    });
  });
});
