import { createHash } from '../../emulator/externs/hash.js';
import type { ChecksumDef, ParserStateDef, Program, TransitionKey } from '../../emulator/json/program.js';
import type { FieldDef, HeaderDef } from '../../emulator/json/data.js';
import { BitBuffer } from './bit-buffer.js';
import type { Dice } from './dice.js';
import type { Dictionary } from './dictionary.js';

const MAX_STATES = 12;
const MAX_PAYLOAD = 40;

/** Values that fields must have for an entry to be hit. */
export type Wishes = ReadonlyMap<FieldDef, bigint>;

/** Makes packets by walking through the parser, as far as its keys allow, and corrupts some. */
export class PacketMaker {
  private readonly bits = new BitBuffer();
  private readonly places = new Map<FieldDef, number>();
  private readonly lastOf = new Map<number, HeaderDef>();
  private cursor = 0;

  /** @param pool values that any field may have. */
  constructor(
    private readonly program: Program,
    private readonly dictionary: Dictionary,
    private readonly dice: Dice,
    private readonly pool: readonly bigint[],
  ) {}

  make(wishes: Wishes): Uint8Array {
    const { bits, dice } = this;
    bits.clear();
    this.places.clear();
    this.lastOf.clear();
    this.cursor = 0;
    let state: ParserStateDef | null = this.program.parser.start;
    for (let n = 0; state !== null && n < MAX_STATES && bits.hasRoom; n++) {
      for (const op of state.ops) {
        if (op.op === 'advance' && op.bits.op === 'constant' && op.bits.value < 1_024n)
          this.cursor += Number(op.bits.value);
        if (op.op === 'extract') this.fill(this.headerOf(op.target), wishes);
      }
      state = this.takeTransition(state);
    }
    bits.reach(this.cursor);
    if (!dice.oneIn(8)) for (const checksum of this.program.checksums) if (checksum.verify) this.correct(checksum);
    const headers = bits.take();
    const packet = new Uint8Array(headers.length + dice.below(MAX_PAYLOAD));
    packet.set(headers);
    for (let i = headers.length; i < packet.length; i++) packet[i] = dice.word();
    return packet;
  }

  /** Changes, cuts or lengthens a packet a little. */
  spoil(bytes: Uint8Array): Uint8Array {
    const { dice } = this;
    const copy = Uint8Array.from(bytes);
    for (let n = dice.below(4); n > 0 && copy.length > 0; n--) {
      const at = dice.below(copy.length);
      copy[at] = dice.oneIn(2) ? copy[at]! ^ (1 << dice.below(8)) : dice.word();
    }
    if (dice.oneIn(4)) return copy.slice(0, dice.below(copy.length + 1));
    if (dice.oneIn(8))
      return Uint8Array.from([...copy, ...Array.from({ length: dice.below(64) }, () => dice.below(256))]);
    return copy;
  }

  private fill(header: HeaderDef | undefined, wishes: Wishes): void {
    for (const field of header?.fields ?? []) {
      const width = field.varbit ? 8 * this.dice.below(5) : field.width;
      // A value that a lookahead has written here stays.
      if (this.cursor + width > this.bits.length) this.bits.set(this.cursor, width, this.valueOf(field, width, wishes));
      this.places.set(field, this.cursor);
      this.cursor += width;
    }
  }

  /** Corrects the checksum, if it covers fields of the packet. */
  private correct({ target, calculation }: ChecksumDef): void {
    const place = this.places.get(target);
    if (place === undefined) return;
    const input = new BitBuffer();
    for (const part of calculation.input) {
      const from = part.kind === 'field' ? this.places.get(part.field) : undefined;
      if (part.kind === 'field' && from !== undefined)
        input.set(input.length, part.field.width, this.bits.get(from, part.field.width));
      else if (part.kind === 'constant') input.set(input.length, part.width, part.value);
      else return;
    }
    if (input.length % 8 === 0) this.bits.set(place, target.width, createHash(calculation.algorithm)(input.take()));
  }

  private valueOf(field: FieldDef, width: number, wishes: Wishes): bigint {
    const { dice, pool } = this;
    const wish = wishes.get(field);
    if (wish !== undefined && !dice.oneIn(16)) return wish;
    const known = this.dictionary.valuesOf(field);
    if (known.length > 0 && dice.below(3) > 0) return dice.pick(known);
    return pool.length > 0 && dice.oneIn(3) ? dice.pick(pool) : dice.value(width);
  }

  private headerOf(target: Extract<ParserStateDef['ops'][number], { op: 'extract' }>['target']): HeaderDef | undefined {
    if (target.kind === 'header') return target.header;
    const elements =
      target.kind === 'stack' ? target.stack.headers : target.stack.unions.map((u) => u.members[target.member]!);
    const last = this.lastOf.get(target.stack.index);
    const next = last === undefined ? 0 : elements.indexOf(last) + 1;
    const header = elements[next];
    if (header !== undefined) this.lastOf.set(target.stack.index, header);
    return header;
  }

  private takeTransition(state: ParserStateDef): ParserStateDef | null {
    const transition = state.transitions[this.dice.below(state.transitions.length + 1)];
    if (transition === undefined || transition.match.kind !== 'value') return state.defaultNext;
    let { value } = transition.match;
    for (const part of [...state.key].reverse()) {
      const own = BigInt.asUintN(part.width, value);
      value >>= BigInt(Math.ceil(part.width / 8) * 8);
      const place = this.placeOf(part);
      if (place !== undefined) this.bits.set(place, part.width, own);
    }
    return transition.next;
  }

  private placeOf(part: TransitionKey): number | undefined {
    switch (part.kind) {
      case 'field': {
        if (!('field' in part.ref)) return undefined;
        const origin = this.dictionary
          .originsOf(part.ref.field)
          .find((field) => field.width === part.width && this.places.has(field));
        return origin === undefined ? undefined : this.places.get(origin);
      }
      case 'lookahead':
        return this.cursor + part.bitOffset;
      default: {
        const header = this.lastOf.get(part.stack.index);
        return header === undefined ? undefined : this.places.get(header.fields[part.offset]!);
      }
    }
  }
}
