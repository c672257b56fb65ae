/**
 * Layouts of the Tofino program: how many values a packet carries, and how their steps are assigned to the stages
 * (docs/tofino.md). Layouts that do not fit stay in the list, because the reason is a result.
 */
export type TofinoChip = 'tofino' | 'tofino2';

export interface TofinoLayout {
  readonly name: string;
  readonly target: TofinoChip;
  /** Values of fp32 that one packet carries through one pass of ingress and egress. */
  readonly valuesPerPass: number;
  /** Preprocessor definitions other than the number of values. */
  readonly defines: readonly string[];
  /** Compiles within a minute, so a test may do it. */
  readonly quick?: boolean;
  /** How it aligns, for the table in docs/tofino.md. */
  readonly note: string;
}

export const ARCHITECTURES: Readonly<Record<TofinoChip, string>> = { tofino: 'tna', tofino2: 't2na' };

const PAPER = { defines: ['-DPAPER_LAYOUT'], note: 'the paper: one action a distance' };
const WIDE = { defines: [], note: 'two steps' };
const NARROW = { defines: ['-DNARROW_SHIFT'], note: 'three narrow steps' };

export const LAYOUTS: readonly TofinoLayout[] = [
  { name: 'tofino-paper-n1', target: 'tofino', valuesPerPass: 1, ...PAPER },
  { name: 'tofino-paper-n4', target: 'tofino', valuesPerPass: 4, ...PAPER },
  { name: 'tofino-n1', target: 'tofino', valuesPerPass: 1, ...WIDE, quick: true },
  { name: 'tofino-n8', target: 'tofino', valuesPerPass: 8, ...WIDE },
  { name: 'tofino-n12', target: 'tofino', valuesPerPass: 12, ...WIDE },
  { name: 'tofino-n13', target: 'tofino', valuesPerPass: 13, ...WIDE },
  { name: 'tofino-n14', target: 'tofino', valuesPerPass: 14, ...WIDE },
  { name: 'tofino2-n8', target: 'tofino2', valuesPerPass: 8, ...NARROW },
  { name: 'tofino2-n14', target: 'tofino2', valuesPerPass: 14, ...NARROW },
  { name: 'tofino2-n15', target: 'tofino2', valuesPerPass: 15, ...NARROW },
];

export class LayoutNotFoundError extends Error {
  readonly code = 'FPISA_LAYOUT_NOT_FOUND';
  constructor(name: string) {
    super(`There is no layout "${name}" (layouts: ${LAYOUTS.map((known) => known.name).join(', ')}).`);
    this.name = 'LayoutNotFoundError';
  }
}

/** The layouts with these names; all if none is named. @throws LayoutNotFoundError */
export function layoutsNamed(names: readonly string[]): readonly TofinoLayout[] {
  if (names.length === 0) return LAYOUTS;
  return names.map((name) => {
    const layout = LAYOUTS.find((known) => known.name === name);
    if (layout === undefined) throw new LayoutNotFoundError(name);
    return layout;
  });
}
