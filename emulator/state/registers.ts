import type { RegisterDef } from '../json/data.js';
import { plainStorage, type CellStorage } from './storage.js';

/**
 * Cells of a register array. Unsigned, as in BMv2: a signed value reads back as its two's complement bits.
 * Storage is as narrow as the width allows, since one program can have millions of cells.
 */
export class RegisterArray {
  readonly size: number;
  private cells: Uint32Array | BigUint64Array;
  private readonly limbs: number;

  constructor(
    readonly def: RegisterDef,
    storage: CellStorage = plainStorage,
  ) {
    this.size = def.size;
    this.cells = storage.registers(def.index, def.width, def.size);
    this.limbs = Math.ceil(def.width / 64);
  }

  /** @param index must be within the array. */
  read(index: number): bigint {
    const { cells, limbs } = this;
    if (cells instanceof Uint32Array) return BigInt(cells[index]!);
    if (limbs === 1) return cells[index]!;
    let value = 0n;
    for (let i = limbs - 1; i >= 0; i--) value = (value << 64n) | cells[index * limbs + i]!;
    return value;
  }

  /** Moves the cells to other storage, with their contents. */
  moveTo(storage: CellStorage): void {
    const held = this.cells;
    this.cells = storage.registers(this.def.index, this.def.width, this.def.size);
    this.restore(held);
  }

  /** A copy of the cells as they are stored. */
  save(): Uint32Array | BigUint64Array {
    return this.cells.slice();
  }

  restore(saved: Uint32Array | BigUint64Array): void {
    if (this.cells instanceof Uint32Array) this.cells.set(saved as Uint32Array);
    else this.cells.set(saved as BigUint64Array);
  }

  /** Cuts the value to the width. @param index must be within the array. */
  write(index: number, value: bigint): void {
    const { cells, limbs } = this;
    let cut = BigInt.asUintN(this.def.width, value);
    if (cells instanceof Uint32Array) {
      cells[index] = Number(cut);
      return;
    }
    for (let i = 0; i < limbs; i++) {
      cells[index * limbs + i] = BigInt.asUintN(64, cut);
      cut >>= 64n;
    }
  }
}
