/**
 * Layouts of the Tofino program: how many values a packet carries, and how their steps are laid over the stages
 * (docs/tofino.md). Those that do not fit stay in the list, because why they do not is a result.
 */
export type TofinoChip = 'tofino' | 'tofino2';

export interface Layout {
  readonly name: string;
  readonly target: TofinoChip;
  /** Values of fp32 that one packet carries through one pass of ingress and egress. */
  readonly valuesPerPass: number;
  /** Preprocessor definitions besides the number of values. */
  readonly defines: readonly string[];
  /** Compiles within a minute, so a test may do it. */
  readonly quick?: boolean;
  /** What was tried with it, for the table. */
  readonly note: string;
}

export const ARCHITECTURES: Readonly<Record<TofinoChip, string>> = { tofino: 'tna', tofino2: 't2na' };

export const LAYOUTS: readonly Layout[] = [
  { name: 'tofino-paper-n1', target: 'tofino', valuesPerPass: 1, defines: ['-DPAPER_LAYOUT'], quick: true, note: "the paper's: one action a distance" },
  { name: 'tofino-paper-n2', target: 'tofino', valuesPerPass: 2, defines: ['-DPAPER_LAYOUT'], note: "the paper's, twice" },
  { name: 'tofino-n1', target: 'tofino', valuesPerPass: 1, defines: [], quick: true, note: 'two-step shifts' },
  { name: 'tofino-n8', target: 'tofino', valuesPerPass: 8, defines: [], note: 'two-step shifts' },
];
