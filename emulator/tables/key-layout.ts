import { ControlError, type MatchKey } from '../control.js';
import type { KeyDef } from '../json/program.js';

/** Position of each key of a table in the concatenated key. */
export class KeyLayout {
  readonly shifts: readonly bigint[];
  readonly width: number;
  /** The mask of an entry whose keys are all exact. */
  private readonly ones: bigint;

  constructor(readonly keys: readonly KeyDef[]) {
    const shifts: bigint[] = [];
    let width = 0;
    for (const key of [...keys].reverse()) {
      shifts.unshift(BigInt(width));
      width += key.width;
    }
    this.shifts = shifts;
    this.width = width;
    this.ones = (1n << BigInt(width)) - 1n;
  }

  /**
   * Value and mask of an entry over the concatenated key; bits under a zero mask bit are cleared. Range keys have
   * a zero mask: {@link inRanges} checks them.
   * @throws ControlError INVALID_ARGUMENT if the keys are not of this table's kinds and widths.
   */
  pack(table: string, keys: readonly MatchKey[]): { value: bigint; mask: bigint } {
    if (keys.length !== this.keys.length) {
      throw invalid(`table ${table} has ${this.keys.length} key(s), but the entry has ${keys.length}`);
    }
    let value = 0n;
    let mask = 0n;
    const [only] = keys;
    if (keys.length === 1 && only!.kind === 'exact' && this.keys[0]!.kind === 'exact') {
      // The commonest kind of key: entries share these objects with the key and with each other.
      if (only!.value >= 0n && only!.value <= this.ones) return { value: only!.value, mask: this.ones };
    }
    keys.forEach((match, i) => {
      const key = this.keys[i]!;
      if (match.kind !== key.kind) throw invalid(`key ${key.name} of table ${table} is ${key.kind}, not ${match.kind}`);
      const part = this.packOne(table, key, match);
      value |= (part.value & part.mask) << this.shifts[i]!;
      mask |= part.mask << this.shifts[i]!;
    });
    return { value, mask: mask === this.ones ? this.ones : mask };
  }

  private packOne(table: string, key: KeyDef, match: MatchKey): { value: bigint; mask: bigint } {
    const all = (1n << BigInt(key.width)) - 1n;
    const check = (what: string, value: bigint): bigint => {
      if (value < 0n || value > all)
        throw invalid(`the ${what} of key ${key.name} of table ${table} does not fit ${key.width} bit(s)`);
      return value;
    };
    switch (match.kind) {
      case 'exact':
        return { value: check('value', match.value), mask: all };
      case 'lpm': {
        const length = match.prefixLength;
        if (!Number.isInteger(length) || length < 0 || length > key.width) {
          throw invalid(`a prefix of key ${key.name} of table ${table} has 0 to ${key.width} bits, not ${length}`);
        }
        return {
          value: check('value', match.value),
          mask: (all >> BigInt(key.width - length)) << BigInt(key.width - length),
        };
      }
      case 'ternary':
        return { value: check('value', match.value), mask: check('mask', match.mask) };
      case 'range':
        if (check('low end', match.low) > check('high end', match.high)) {
          throw invalid(`the range of key ${key.name} of table ${table} is empty: its low end is above its high end`);
        }
        return { value: 0n, mask: 0n };
    }
  }

  /** The part of a concatenated key that belongs to key `i`. */
  part(key: bigint, i: number): bigint {
    return BigInt.asUintN(this.keys[i]!.width, key >> this.shifts[i]!);
  }

  inRanges(keys: readonly MatchKey[], key: bigint): boolean {
    return keys.every((match, i) => {
      if (match.kind !== 'range') return true;
      const value = this.part(key, i);
      return value >= match.low && value <= match.high;
    });
  }

  /** Cuts the values of an entry of the program to their widths, as BMv2 does. */
  cut(keys: readonly MatchKey[]): MatchKey[] {
    return keys.map((match, i) => {
      const width = this.keys[i]!.width;
      switch (match.kind) {
        case 'exact':
          return { kind: 'exact', value: BigInt.asUintN(width, match.value) };
        case 'lpm':
          return { ...match, value: BigInt.asUintN(width, match.value) };
        case 'ternary':
          return {
            kind: 'ternary',
            value: BigInt.asUintN(width, match.value & match.mask),
            mask: BigInt.asUintN(width, match.mask),
          };
        case 'range':
          return { kind: 'range', low: BigInt.asUintN(width, match.low), high: BigInt.asUintN(width, match.high) };
      }
    });
  }
}

function invalid(message: string): ControlError {
  return new ControlError('INVALID_ARGUMENT', message);
}
