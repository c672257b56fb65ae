import type { FieldDef } from '../json/data.js';

/** What the compiler made of a loop. */
export interface LoopReport {
  readonly action: string;
  readonly vectorised: boolean;
  /** Why not; of several reasons for several versions of the loop, the first. */
  readonly reason?: string;
}

/** Fields or cells that are copied as a block. */
export interface MoveReport {
  readonly from: string;
  readonly to: string;
  /** Number of fields or cells of 32 bits. */
  readonly words: number;
}

/** What the compiler did with what it could make vectors of; `fpisa switch --explain` prints it. */
export interface CompilerReport {
  readonly loops: LoopReport[];
  readonly moves: MoveReport[];
}

const BLOCK_WORDS = 4;

/** Collects fields of a header that are copied four at a time, one after the other. */
export class BlockMoves {
  private first: FieldDef | undefined;
  private words = 0;

  constructor(
    private readonly report: CompilerReport,
    private readonly describe: (name: string, words: number) => MoveReport,
  ) {}

  /** @param field the first of four. */
  add(field: FieldDef): void {
    this.first ??= field;
    this.words += BLOCK_WORDS;
  }

  /** Something else follows. */
  end(): void {
    if (this.first === undefined) return;
    this.report.moves.push(this.describe(`${this.first.header.name}.${this.first.name}`, this.words));
    this.first = undefined;
    this.words = 0;
  }
}
