/** Packets that a program's parser accepts, made by walking through its states, and spoilt ones. */
import type { Random } from '../../emulator/random.js';
import type { FieldDef, HeaderDef, ParserStateDef, Program, TransitionKey } from '../../emulator/json/program.js';

const MOST_STATES = 12;
const MOST_PAYLOAD = 40;

export function below(random: Random, limit: number): number {
  return Number(random.next64() % BigInt(limit));
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!;
}

/** Small numbers, numbers near the ends of the range, and any. */
export function randomValue(random: Random, width: number): bigint {
  const all = (1n << BigInt(width)) - 1n;
  switch (below(random, 6)) {
    case 0:
      return BigInt(below(random, 4)) & all;
    case 1:
      return all - (BigInt(below(random, 3)) & all);
    case 2:
      return width === 0 ? 0n : 1n << BigInt(below(random, width));
    case 3:
      return BigInt(below(random, 256)) & all;
    default: {
      let value = 0n;
      for (let bits = 0; bits < width; bits += 64) value = (value << 64n) | random.next64();
      return value & all;
    }
  }
}

class Bits {
  private readonly bits: number[] = [];

  get length(): number {
    return this.bits.length;
  }

  set(at: number, width: number, value: bigint): void {
    while (this.bits.length < at + width) this.bits.push(0);
    for (let i = 0; i < width; i++) this.bits[at + i] = Number((value >> BigInt(width - 1 - i)) & 1n);
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.bits.length / 8));
    this.bits.forEach((bit, i) => (bytes[i >> 3]! |= bit << (7 - (i % 8))));
    return bytes;
  }
}

/** A packet that takes a random way through the parser, as far as that can be told from its keys. */
export function walkParser(program: Program, random: Random, pool: readonly bigint[]): Uint8Array {
  const bits = new Bits();
  const places = new Map<FieldDef, number>();
  const lastOf = new Map<number, HeaderDef>();
  let cursor = 0;
  let state: ParserStateDef | null = program.parser.start;
  for (let n = 0; state !== null && n < MOST_STATES; n++) {
    for (const op of state.ops) {
      if (op.op === 'advance' && op.bits.op === 'constant') {
        const width = Number(op.bits.value);
        if (cursor + width > bits.length) bits.set(bits.length, cursor + width - bits.length, 0n);
        cursor += width;
      }
      if (op.op !== 'extract') continue;
      const header = headerOf(op.target, lastOf);
      if (header === undefined) break;
      for (const field of header.fields) {
        const width = field.varbit ? 8 * below(random, 5) : field.width;
        const value = pool.length > 0 && below(random, 3) === 0 ? pick(random, pool) : randomValue(random, width);
        if (cursor + width > bits.length) bits.set(cursor, width, value);
        places.set(field, cursor);
        cursor += width;
      }
    }
    state = takeTransition(state, random, bits, places, lastOf, cursor);
  }
  const payload = Uint8Array.from({ length: below(random, MOST_PAYLOAD) }, () => below(random, 256));
  return Uint8Array.from([...bits.bytes(), ...payload]);
}

function headerOf(target: Extract<ParserStateDef['ops'][number], { op: 'extract' }>['target'], lastOf: Map<number, HeaderDef>): HeaderDef | undefined {
  if (target.kind === 'header') return target.header;
  const elements = target.kind === 'stack' ? target.stack.headers : target.stack.unions.map((u) => u.members[target.member]!);
  const last = lastOf.get(target.stack.index);
  const next = last === undefined ? 0 : elements.indexOf(last) + 1;
  const header = elements[next];
  if (header !== undefined) lastOf.set(target.stack.index, header);
  return header;
}

function takeTransition(
  state: ParserStateDef, random: Random, bits: Bits, places: ReadonlyMap<FieldDef, number>, lastOf: ReadonlyMap<number, HeaderDef>, cursor: number,
): ParserStateDef | null {
  const choice = below(random, state.transitions.length + 1);
  const transition = state.transitions[choice];
  if (transition === undefined || transition.match.kind !== 'value') return state.defaultNext;
  let value = transition.match.value;
  for (const part of [...state.key].reverse()) {
    const padded = Math.ceil(part.width / 8) * 8;
    const own = BigInt.asUintN(part.width, value);
    value >>= BigInt(padded);
    const place = placeOf(part, places, lastOf, cursor);
    if (place !== undefined) bits.set(place, part.width, own);
  }
  return transition.next;
}

function placeOf(part: TransitionKey, places: ReadonlyMap<FieldDef, number>, lastOf: ReadonlyMap<number, HeaderDef>, cursor: number): number | undefined {
  switch (part.kind) {
    case 'field':
      return 'field' in part.ref ? places.get(part.ref.field) : undefined;
    case 'lookahead':
      return cursor + part.bitOffset;
    default: {
      const header = lastOf.get(part.stack.index);
      return header === undefined ? undefined : places.get(header.fields[part.offset]!);
    }
  }
}

/** Changes, cuts or lengthens a packet a little. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let n = below(random, 4); n > 0 && copy.length > 0; n--) {
    const at = below(random, copy.length);
    copy[at] = below(random, 2) === 0 ? copy[at]! ^ (1 << below(random, 8)) : below(random, 256);
  }
  if (below(random, 4) === 0) return copy.slice(0, below(random, copy.length + 1));
  if (below(random, 8) === 0) return Uint8Array.from([...copy, ...Array.from({ length: below(random, 64) }, () => below(random, 256))]);
  return copy;
}
