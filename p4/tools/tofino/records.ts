/** The contents of p4/build/tofino/resources.json, and their table in docs/tofino.md. */
import type { Compilation } from './compiler.js';
import type { TofinoLayout, TofinoChip } from './layouts.js';
import type { Resources } from './reports.js';

export interface LayoutRecord extends Partial<Resources> {
  readonly name: string;
  readonly target: TofinoChip;
  readonly format: string;
  readonly valuesPerPass: number;
  readonly note: string;
  readonly compiles: boolean;
  /** The compiler's reason. */
  readonly notFitting?: string;
}

export interface ResourcesFile {
  readonly compiler: string;
  readonly layouts: readonly LayoutRecord[];
}

const START = '<!-- layouts: from p4/build/tofino/resources.json by npm run p4:tofino -->';
const END = '<!-- end of layouts -->';

export function recordOf(layout: TofinoLayout, compilation: Compilation): LayoutRecord {
  const { name, target, valuesPerPass, note } = layout;
  const common = { name, target, format: 'fp32', valuesPerPass, note };
  return compilation.compiles
    ? { ...common, compiles: true, ...compilation.resources }
    : { ...common, compiles: false, notFitting: compilation.notFitting };
}

export function tableOf(layouts: readonly LayoutRecord[]): string {
  const rows = layouts.map((layout) => {
    const { total, perStage = [], phv = {} } = layout;
    const head = [`\`${layout.name}\``, layout.note, layout.valuesPerPass];
    if (total === undefined)
      return [...head, 'no', `${layout.notFitting ?? ''}`.replaceAll('|', '\\|'), '', '', '', '', '', ''];
    const busiest = Math.max(...perStage.map(({ vliw }) => vliw));
    return [
      ...head,
      'yes',
      layout.stages,
      total.tables,
      total.salu,
      `${total.vliw} (${busiest})`,
      total.tcam,
      total.sram,
      ['8', '16', '32'].map((width) => phv[width] ?? 0).join(' / '),
    ];
  });
  const head = [
    'layout',
    'shifts',
    'values a pass',
    'compiles',
    'stages',
    'tables',
    'stateful ALUs',
    'VLIW words (busiest stage)',
    'TCAM blocks',
    'SRAM blocks',
    'containers of 8 / 16 / 32 bits',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @throws an Error when the page has no place for the table */
export function withTable(page: string, layouts: readonly LayoutRecord[]): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`docs/tofino.md has no lines "${START}" and "${END}".`);
  return `${page.slice(0, start)}${START}\n${tableOf(layouts)}\n${page.slice(end)}`;
}
