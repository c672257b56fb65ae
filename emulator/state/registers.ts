import type { RegisterDef } from '../json/program.js';

/**
 * Cells of a register array. Unsigned, as in BMv2: a signed value comes back as its two's complement bits.
 * Storage is as narrow as the width allows, since one program can have millions of cells.
 */
export type RegisterCells =
  | { readonly kind: 'u32'; readonly cells: Uint32Array }
  | { readonly kind: 'u64'; readonly cells: BigUint64Array }
  | { readonly kind: 'wide'; readonly cells: bigint[] };

export class RegisterArray {
  readonly storage: RegisterCells;
  readonly size: number;

  constructor(readonly def: RegisterDef) {
    this.size = def.size;
    if (def.width <= 32) this.storage = { kind: 'u32', cells: new Uint32Array(def.size) };
    else if (def.width <= 64) this.storage = { kind: 'u64', cells: new BigUint64Array(def.size) };
    else this.storage = { kind: 'wide', cells: new Array<bigint>(def.size).fill(0n) };
  }

  /** @param index must be within the array. */
  read(index: number): bigint {
    const { storage } = this;
    return storage.kind === 'u32' ? BigInt(storage.cells[index]!) : storage.cells[index]!;
  }

  /** Cuts the value to the width. @param index must be within the array. */
  write(index: number, value: bigint): void {
    const { storage } = this;
    const cut = BigInt.asUintN(this.def.width, value);
    if (storage.kind === 'u32') storage.cells[index] = Number(cut);
    else storage.cells[index] = cut;
  }
}
