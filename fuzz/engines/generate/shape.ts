import type { Dice } from '../dice.js';
import type { Json } from './json.js';
import { STANDARD_METADATA } from './v1model.js';

interface FieldShape {
  readonly name: string;
  readonly width: number;
  readonly signed: boolean;
  readonly saturating: boolean;
}

export interface TypeShape {
  readonly name: string;
  /** Without the varbit field, which is called `rest`. */
  readonly fields: readonly FieldShape[];
  /** Maximum bytes of `rest`; 0: no such field. */
  readonly restBytes: number;
}

export interface HeaderShape {
  readonly name: string;
  readonly type: TypeShape;
}

/** A stack, a union, or a stack of unions. */
export interface GroupShape {
  readonly name: string;
  readonly elements: readonly HeaderShape[];
}

export interface UnionStackShape {
  readonly name: string;
  readonly unions: readonly GroupShape[];
}

export const STACK_SIZE = 3;
const WIDTHS = [1, 2, 3, 4, 7, 8, 8, 9, 12, 16, 16, 17, 24, 31, 32, 32, 33, 40, 48, 63, 64, 64, 65];
const LARGE_WIDTHS = [96, 127, 128, 129, 192, 200, 256, 512, 1024, 2048];
const MEMBERS = ['x', 'y'];

/** The headers of a random program. Every program has the same ones by name; their fields differ. */
export class Shape {
  readonly types: readonly TypeShape[];
  readonly plain: readonly HeaderShape[];
  readonly varbits: readonly HeaderShape[];
  readonly stacks: readonly GroupShape[];
  readonly unions: readonly GroupShape[];
  readonly unionStack: UnionStackShape;
  readonly metadata: HeaderShape;

  constructor(dice: Dice) {
    const plainTypes = ['first_t', 'a_t', 'b_t'].map((name) =>
      packetType(name, dice, 1 + dice.below(6), name === 'first_t'),
    );
    const rest = { name: 'rest_t', fields: [unsigned('length', 8)], restBytes: 1 + dice.below(20) };
    const cell = packetType('cell_t', dice, 1 + dice.below(2), true);
    const members = MEMBERS.map((name) => packetType(`${name}_t`, dice, 1 + dice.below(2), true));
    const meta = {
      name: 'meta_t',
      fields: padded([
        ...Array.from({ length: 4 + dice.below(8) }, (_, i) => randomField(`m${i}`, dice)),
        unsigned('flag', 1),
      ]),
      restBytes: 0,
    };
    this.types = [...plainTypes, rest, cell, ...members, meta];
    const [first, a, b] = plainTypes as [TypeShape, TypeShape, TypeShape];
    this.plain = [
      { name: 'first', type: first },
      { name: 'a', type: a },
      { name: 'a2', type: a },
      { name: 'b', type: b },
    ];
    this.varbits = ['rest', 'rest2'].map((name) => ({ name, type: rest }));
    this.stacks = ['cells', 'more'].map((name) => ({
      name,
      elements: Array.from({ length: STACK_SIZE }, (_, i) => ({ name: `${name}[${i}]`, type: cell })),
    }));
    const union = (name: string): GroupShape => ({
      name,
      elements: members.map((type, i) => ({ name: `${name}.${MEMBERS[i]}`, type })),
    });
    this.unions = ['u', 'w'].map(union);
    this.unionStack = { name: 'us', unions: ['us[0]', 'us[1]'].map(union) };
    this.metadata = { name: 'meta', type: meta };
  }

  get members(): readonly string[] {
    return MEMBERS;
  }

  /** Packet headers, in an order in which they can be deparsed. */
  get packetHeaders(): readonly HeaderShape[] {
    const groups = [...this.stacks, ...this.unions, ...this.unionStack.unions];
    return [...this.plain, ...this.varbits, ...groups.flatMap(({ elements }) => elements)];
  }

  json(): Record<string, Json[]> {
    const headers: HeaderShape[] = [...this.packetHeaders];
    const all = [
      { name: 'standard_metadata', type: 'standard_metadata' },
      { name: 'meta', type: 'meta_t' },
      ...headers.map(({ name, type }) => ({ name, type: type.name })),
    ];
    const idOf = (name: string): number => all.findIndex((each) => each.name === name);
    const unions = [...this.unions, ...this.unionStack.unions];
    return {
      header_types: [
        { name: 'standard_metadata', id: 0, fields: STANDARD_METADATA },
        ...this.types.map(({ name, fields, restBytes }, id) => ({
          name,
          id: id + 1,
          fields: [
            ...fields.map((f) => [f.name, f.width, f.signed, ...(f.saturating ? [true] : [])]),
            ...(restBytes > 0 ? [['rest', '*']] : []),
          ],
          ...(restBytes > 0 ? { max_length: 1 + restBytes } : {}),
        })),
      ],
      headers: all.map(({ name, type }, id) => ({ name, id, header_type: type, metadata: id < 2, pi_omit: true })),
      header_stacks: this.stacks.map(({ name, elements }, id) => ({
        name,
        id,
        header_type: 'cell_t',
        size: STACK_SIZE,
        header_ids: elements.map((e) => idOf(e.name)),
      })),
      header_union_types: [{ name: 'either_t', id: 0, headers: MEMBERS.map((name) => [name, `${name}_t`]) }],
      header_unions: unions.map(({ name, elements }, id) => ({
        name,
        id,
        union_type: 'either_t',
        header_ids: elements.map((e) => idOf(e.name)),
      })),
      header_union_stacks: [
        {
          name: 'us',
          id: 0,
          union_type: 'either_t',
          size: 2,
          header_union_ids: [this.unions.length, this.unions.length + 1],
        },
      ],
    };
  }
}

function unsigned(name: string, width: number): FieldShape {
  return { name, width, signed: false, saturating: false };
}

function randomField(name: string, dice: Dice): FieldShape {
  const width = dice.pick(dice.oneIn(10) ? LARGE_WIDTHS : WIDTHS);
  return { name, width, signed: width > 1 && dice.oneIn(4), saturating: dice.oneIn(6) };
}

/** The first field is a byte that a parser can select on. */
function packetType(name: string, dice: Dice, count: number, selected: boolean): TypeShape {
  const fields = [
    ...(selected ? [unsigned('kind', 8)] : []),
    ...Array.from({ length: count }, (_, i) => randomField(`f${i}`, dice)),
  ];
  return { name, fields: padded(fields), restBytes: 0 };
}

/** Padded to whole bytes, with one more field if necessary. */
function padded(fields: readonly FieldShape[]): readonly FieldShape[] {
  const missing = -fields.reduce((bits, { width }) => bits + width, 0) & 7;
  return missing === 0 ? fields : [...fields, unsigned('pad', missing)];
}
