/** Filling measured values into pages of docs/. */
import { describe, expect, it } from 'vitest';
import { DocsPage, DocsPageError } from '../../bench/docs-page.js';

const PAGE = `# Page

Measured on a machine; by hand.

### First

Words | with a bar.

| a | b |
| - | - |
| 1 | 2 |

Between.

| not | this |

### Second

### Third

| c |
`;

describe('a page with measured values', () => {
  it('has a value replaced where it stands, and nothing around it', () => {
    const page = new DocsPage(PAGE).fill('machine', /(\nMeasured on )[^;\n]*/, '64 x $1 something');
    expect(page.text).toBe(PAGE.replace('a machine', () => '64 x $1 something'));
  });

  it('has the first table below a heading replaced, whatever its length', () => {
    const page = new DocsPage(PAGE).fillTable('### First', '| x |').fillTable('### Third', '| c |\n| $& |');
    expect(page.text).toBe(
      PAGE.replace('| a | b |\n| - | - |\n| 1 | 2 |', '| x |').replace('| c |', () => '| c |\n| $& |'),
    );
  });

  it('is filled with what it shows without a change', () => {
    expect(new DocsPage(PAGE).fillTable('### Third', '| c |').text).toBe(PAGE);
  });

  it.each([
    ['a value', (page: DocsPage) => page.fill('version', /(node )\S+/, 'v1'), 'the page has no version'],
    ['a heading', (page: DocsPage) => page.fillTable('### Fourth', ''), 'the page has no table below "### Fourth"'],
    [
      'a table before the next heading',
      (page: DocsPage) => page.fillTable('### Second', ''),
      'the page has no table below "### Second"',
    ],
  ])('without %s is an error', (_, fill, message) => {
    const page = new DocsPage(PAGE);
    expect(() => fill(page)).toThrow(expect.objectContaining({ code: 'FPISA_BENCH_DOCS', message }) as Error);
    expect(() => fill(page)).toThrow(DocsPageError);
    expect(page.text).toBe(PAGE);
  });
});
