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
