import type { FieldDef, HeaderDef } from '../json/data.js';
import { kindOf, unsignedRange, type ScalarKind } from '../machine/value-representation.js';
import type { Ref } from './binaryen.js';
import type { Slot } from '../machine/layout.js';
import { BlockMoves } from './report.js';
import type { CompileScope } from './scope.js';

/** Four 32-bit fields, each byte-swapped. */
const SWAP_FOUR = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

/**
 * Bit fields between packets and frames. Reads and writes may touch up to 16 bytes after the field: buffers are that
 * much longer, and what comes after is written later.
 */
export class BitCompiler {
  constructor(private readonly scope: CompileScope) {}

  /**
   * At most 64 bits, in the kind that holds that many.
   * @param pointer gives the address of the byte that `bit` counts from.
   */
  read(pointer: () => Ref, bit: number, width: number): Ref {
    const { m, b } = this.scope.unit;
    const first = bit >> 3;
    const bytes = ((bit + width + 7) >> 3) - first;
    const pad = (first + bytes) * 8 - bit - width;
    if (width <= 32 && bytes <= 4) {
      const [value, size] =
        bytes === 1
          ? [m.i32.load8_u(first, 1, pointer()), 8]
          : bytes === 2
            ? [m.call('swap16', [m.i32.load16_u(first, 1, pointer())], b.i32), 16]
            : [m.call('swap32', [m.i32.load(first, 1, pointer())], b.i32), 32];
      const shift = size - bytes * 8 + pad;
      const shifted = shift === 0 ? value : m.i32.shr_u(value, m.i32.const(shift));
      return size - shift === width
        ? shifted
        : m.i32.and(shifted, m.i32.const(Number(BigInt.asIntN(32, unsignedRange(width).max))));
    }
    const word = m.call('swap64', [m.i64.load(first, 1, pointer())], b.i64);
    let value: Ref;
    let have: number;
    if (bytes <= 8) {
      const shift = 64 - bytes * 8 + pad;
      value = shift === 0 ? word : m.i64.shr_u(word, m.i64.const(BigInt(shift)));
      have = 64 - shift;
    } else {
      const rest = m.i64.shr_u(m.i64.load8_u(first + 8, 1, pointer()), m.i64.const(BigInt(pad)));
      value = m.i64.or(m.i64.shl(word, m.i64.const(BigInt(8 - pad))), rest);
      have = 64;
    }
    if (have !== width) value = m.i64.and(value, m.i64.const(unsignedRange(width).max));
    return width <= 32 ? m.i32.wrap(value) : value;
  }

  /** Reads consecutive fields, from bit `bit` on, into their slots. None of them is a varbit field. */
  extract(fields: readonly FieldDef[], pointer: () => Ref, bit: number): Ref[] {
    const { m } = this.scope.unit;
    const steps: Ref[] = [];
    let at = bit;
    const blocks = new BlockMoves(this.scope.unit.report, (name, words) => ({ from: 'packet', to: name, words }));
    for (let i = 0; i < fields.length;) {
      const field = fields[i]!;
      const { offset, kind } = this.scope.slot(field);
      if (at % 8 === 0 && this.fourWords(fields, i)) {
        steps.push(m.v128.store(offset, 4, this.scope.frame, this.swapped(m.v128.load(at / 8, 1, pointer()))));
        blocks.add(field);
        i += 4;
        at += 128;
        continue;
      }
      if (kind === 'wide') steps.push(...this.extractWide(field, pointer, at));
      else steps.push(this.scope.writeField(field, this.readScalar(field, kind, pointer, at)));
      i++;
      at += field.width;
      blocks.end();
    }
    blocks.end();
    return steps;
  }

  private readScalar(field: FieldDef, kind: ScalarKind, pointer: () => Ref, bit: number): Ref {
    const { m } = this.scope.unit;
    const { width, signed } = field;
    if (width === 0) return kind === 'i32' ? m.i32.const(0) : m.i64.const(0n);
    const value = this.read(pointer, bit, width);
    const own: ScalarKind = width <= 32 ? 'i32' : 'i64';
    if (!signed) return value;
    const size = kind === 'i32' ? 32 : 64;
    const wide = own === kind ? value : m.i64.extend_u(value);
    if (size === width) return wide;
    return kind === 'i32'
      ? m.i32.shr_s(m.i32.shl(wide, m.i32.const(size - width)), m.i32.const(size - width))
      : m.i64.shr_s(m.i64.shl(wide, m.i64.const(BigInt(size - width))), m.i64.const(BigInt(size - width)));
  }

  private extractWide(field: FieldDef, pointer: () => Ref, bit: number): Ref[] {
    const { m } = this.scope.unit;
    const { offset, limbs } = this.scope.slot(field);
    const { width, signed } = field;
    const steps: Ref[] = [];
    for (let i = 0; i < limbs; i++) {
      const bits = Math.max(0, Math.min(64, width - 64 * i));
      let limb: Ref;
      if (bits === 0) {
        // A signed field of 64 bits: the limb above them is its sign.
        limb = signed
          ? m.i64.shr_s(m.i64.load(offset + 8 * (i - 1), 8, this.scope.frame), m.i64.const(63n))
          : m.i64.const(0n);
      } else {
        const value = this.read(pointer, bit + width - 64 * i - bits, bits);
        limb = bits <= 32 ? m.i64.extend_u(value) : value;
        if (signed && bits < 64)
          limb = m.i64.shr_s(m.i64.shl(limb, m.i64.const(BigInt(64 - bits))), m.i64.const(BigInt(64 - bits)));
      }
      steps.push(m.i64.store(offset + 8 * i, 8, this.scope.frame, limb));
    }
    return steps;
  }

  /** Writes consecutive pieces that add up to whole bytes, starting `byte` bytes after the pointer. */
  write(pieces: readonly Piece[], pointer: () => Ref, byte: number): Ref[] {
    const { m } = this.scope.unit;
    const steps: Ref[] = [];
    const queue = [...pieces].filter((p) => p.width > 0);
    let at = byte;
    let group: Piece[] = [];
    let bits = 0;
    const blocks = new BlockMoves(this.scope.unit.report, (name, words) => ({ from: name, to: 'packet', words }));
    while (queue.length > 0) {
      if (bits === 0 && this.fourWordPieces(queue)) {
        const { field } = queue[0] as { field: FieldDef };
        const { offset } = this.scope.slot(field);
        blocks.add(field);
        steps.push(m.v128.store(at, 1, pointer(), this.swapped(m.v128.load(offset, 4, this.scope.frame))));
        queue.splice(0, 4);
        at += 16;
        continue;
      }
      blocks.end();
      const piece = queue.shift()!;
      const free = 64 - bits;
      if (piece.width > free) {
        group.push({ ...piece, width: free, shift: piece.shift + piece.width - free });
        queue.unshift({ ...piece, width: piece.width - free });
        bits = 64;
      } else {
        group.push(piece);
        bits += piece.width;
      }
      if (
        bits % 8 === 0 &&
        (bits === 64 || queue.length === 0 || (bits >= 32 && queue[0]!.width >= 32) || bits === 32)
      ) {
        steps.push(this.writeGroup(group, bits, pointer, at));
        at += bits / 8;
        group = [];
        bits = 0;
      }
    }
    blocks.end();
    if (bits !== 0) throw new Error('fields do not add up to whole bytes');
    return steps;
  }

  private writeGroup(group: readonly Piece[], bits: number, pointer: () => Ref, at: number): Ref {
    const { m, b } = this.scope.unit;
    const kind: ScalarKind = bits <= 32 ? 'i32' : 'i64';
    const size = kind === 'i32' ? 32 : 64;
    // A single byte or two are stored as such; anything else is stored from the top of a whole word.
    const small = bits === 8 || bits === 16;
    let below = small ? bits : size;
    let value: Ref | undefined;
    for (const piece of group) {
      below -= piece.width;
      const part = this.piece(piece, kind);
      const shifted =
        below === 0
          ? part
          : kind === 'i32'
            ? m.i32.shl(part, m.i32.const(below))
            : m.i64.shl(part, m.i64.const(BigInt(below)));
      value = value === undefined ? shifted : m[kind].or(value, shifted);
    }
    if (bits === 8) return m.i32.store8(at, 1, pointer(), value!);
    if (bits === 16) return m.i32.store16(at, 1, pointer(), m.call('swap16', [value!], b.i32));
    if (kind === 'i32') return m.i32.store(at, 1, pointer(), m.call('swap32', [value!], b.i32));
    return m.i64.store(at, 1, pointer(), m.call('swap64', [value!], b.i64));
  }

  /** `width` bits of a field from bit `shift` on, counted from its lowest bit. */
  piece(piece: Piece, kind: ScalarKind): Ref {
    const { m } = this.scope.unit;
    const { width, shift } = piece;
    const whole = unsignedRange(width);
    if ('constant' in piece) {
      const value = BigInt.asUintN(width, piece.constant >> BigInt(shift));
      return kind === 'i32' ? m.i32.const(Number(BigInt.asIntN(32, value))) : m.i64.const(BigInt.asIntN(64, value));
    }
    const { field } = piece;
    const slot = this.scope.slot(field);
    if (slot.kind === 'i32') {
      const word = this.scope.readField(field, 'i32');
      const shifted = shift === 0 ? word : m.i32.shr_u(word, m.i32.const(shift));
      const cut =
        shift + width === field.width && !field.signed
          ? shifted
          : m.i32.and(shifted, m.i32.const(Number(BigInt.asIntN(32, whole.max))));
      return kind === 'i32' ? cut : m.i64.extend_u(cut);
    }
    let limb: Ref;
    if (slot.kind === 'i64') limb = this.shifted(this.scope.readField(field, 'i64'), shift);
    else limb = this.fromLimbs(slot, shift, width);
    const exact = shift + width === field.width && !field.signed;
    const cut = exact || width === 64 ? limb : m.i64.and(limb, m.i64.const(whole.max));
    return kind === 'i64' ? cut : m.i32.wrap(cut);
  }

  private shifted(value: Ref, shift: number): Ref {
    const { m } = this.scope.unit;
    return shift === 0 ? value : m.i64.shr_u(value, m.i64.const(BigInt(shift)));
  }

  private fromLimbs(slot: Slot, shift: number, width: number): Ref {
    const { m } = this.scope.unit;
    const limb = Math.floor(shift / 64);
    const bit = shift % 64;
    const load = (i: number): Ref => m.i64.load(slot.offset + 8 * i, 8, this.scope.frame);
    const low = this.shifted(load(limb), bit);
    if (bit + width <= 64 || limb + 1 >= slot.limbs) return low;
    return m.i64.or(low, m.i64.shl(load(limb + 1), m.i64.const(BigInt(64 - bit))));
  }

  private swapped(value: Ref): Ref {
    const { m, b } = this.scope.unit;
    const local = this.scope.params + this.scope.vars.push(b.v128) - 1;
    return m.i8x16.shuffle(m.local.tee(local, value, b.v128), m.local.get(local, b.v128), SWAP_FOUR);
  }

  private fourWords(fields: readonly FieldDef[], from: number): boolean {
    if (!this.scope.unit.simd || from + 4 > fields.length) return false;
    const start = this.scope.slot(fields[from]!).offset;
    return [0, 1, 2, 3].every(
      (i) => this.isWord(fields[from + i]!) && this.scope.slot(fields[from + i]!).offset === start + 4 * i,
    );
  }

  private fourWordPieces(queue: readonly Piece[]): boolean {
    const fields = queue.slice(0, 4).flatMap((p) => ('field' in p && p.shift === 0 && p.width === 32 ? [p.field] : []));
    return fields.length === 4 && this.fourWords(fields, 0);
  }

  private isWord(field: FieldDef): boolean {
    return field.width === 32 && !field.signed && !field.varbit && kindOf(unsignedRange(field.width)) === 'i32';
  }
}

/** Some bits of a field or a constant, from bit `shift` on, counted from the lowest. */
export type Piece = { readonly width: number; readonly shift: number } & (
  { readonly field: FieldDef } | { readonly constant: bigint }
);

export function pieceOf(field: FieldDef): Piece {
  return { field, width: field.width, shift: 0 };
}

/** Fields of a header before and after its varbit field. */
export function aroundVarbit({ fields, varbit }: HeaderDef): {
  readonly before: readonly FieldDef[];
  readonly after: readonly FieldDef[];
} {
  if (varbit === undefined) return { before: fields, after: [] };
  return { before: fields.slice(0, varbit.offset), after: fields.slice(varbit.offset + 1) };
}
