import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { framed } from '../../cli/framed-table.js';
import { Output } from '../../cli/output.js';

const COLUMNS = [
  { name: 'id', type: 'INTEGER' },
  { name: 'name', type: 'VARCHAR' },
  { name: 'remark', type: 'VARCHAR' },
];

describe('a framed table', () => {
  it('aligns characters that take two columns, one or none of their own', () => {
    expect(
      framed(
        COLUMNS,
        [
          ['1', '東京', 'e\u0301te\u0301'],
          ['20', 'Bonn', '👩‍👩‍👧'],
        ],
        Infinity,
      ),
    ).toEqual([
      '┌─────────┬─────────┬─────────┐',
      '│ id      │ name    │ remark  │',
      '│ INTEGER │ VARCHAR │ VARCHAR │',
      '├─────────┼─────────┼─────────┤',
      '│       1 │ 東京    │ e\u0301te\u0301     │',
      '│      20 │ Bonn    │ 👩‍👩‍👧      │',
      '└─────────┴─────────┴─────────┘',
      '2 rows',
    ]);
  });

  it('shortens text, never numbers, to the width of the terminal', () => {
    expect(framed(COLUMNS, [['1234567', '北海道札幌市中央区', 'a remark that is rather long']], 40)).toEqual([
      '┌─────────┬─────────────┬──────────────┐',
      '│ id      │ name        │ remark       │',
      '│ INTEGER │ VARCHAR     │ VARCHAR      │',
      '├─────────┼─────────────┼──────────────┤',
      '│ 1234567 │ 北海道札幌… │ a remark th… │',
      '└─────────┴─────────────┴──────────────┘',
      '1 row',
    ]);
  });

  it('leaves out columns for which there is no room, and says so', () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ name: `column ${i}`, type: 'DOUBLE' }));
    const lines = framed(many, [many.map((_, i) => String(i / 8))], 40);
    expect(lines.at(-1)).toBe('1 row, 3 of 12 columns shown: --csv and --json print all');
    expect(lines.slice(0, -1).every((line) => stringWidth(line) <= 40)).toBe(true);
  });

  it('shows what a terminal would obey', () => {
    expect(framed([{ name: 's', type: 'VARCHAR' }], [['a\tb\r\nc\u001b[2J\u0007']], Infinity)[4]).toBe(
      '│ a\\tb\\nc\\x1b[2J\\x07 │',
    );
  });

  it('has a whole frame, whatever is in it and however narrow the terminal is', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.constantFrom('', '한국어 텍스트', '１２３', '🇩🇪🇯🇵', 'ｱｲｳ', '\u200b', 'a\u0308'.repeat(70), '漢'.repeat(70)),
    );
    const table = fc
      .array(fc.record({ name: cell, type: fc.constantFrom('VARCHAR', 'INTEGER', 'DOUBLE') }), {
        minLength: 1,
        maxLength: 6,
      })
      .chain((columns) =>
        fc.tuple(
          fc.constant(columns),
          fc.array(fc.array(cell, { minLength: columns.length, maxLength: columns.length }), { maxLength: 4 }),
        ),
      );
    fc.assert(
      fc.property(table, fc.integer({ min: 5, max: 100 }), ([columns, rows], width) => {
        const lines = framed(columns, rows, width).slice(0, -1);
        expect(lines).toHaveLength(rows.length + 5);
        expect(new Set(lines.map((line) => stringWidth(line))).size).toBe(1);
        expect(stringWidth(lines[0]!)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

it('a table without a frame aligns them, too', () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  new Output(false).table(
    ['name', 'count'],
    [
      ['東京', 1],
      ['Bonn', 20],
    ],
  );
  expect(lines).toEqual(['name  count\n', '----  -----\n', '東京      1\n', 'Bonn     20\n']);
});
