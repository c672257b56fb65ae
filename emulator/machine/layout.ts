import type { Program, TableDef } from '../json/program.js';
import type { FieldDef, HeaderDef } from '../json/data.js';
import { HASH_TABLE_BYTES, tableHashes } from './hash-tables.js';
import { fieldRange, kindOf, limbsOf, union, unsignedRange, type Kind, type Range } from './value-representation.js';
import { KeyLayout } from '../tables/key-layout.js';

/** Where a value lies, relative to its frame or record. */
export interface Slot {
  readonly offset: number;
  readonly kind: Kind;
  readonly limbs: number;
  readonly range: Range;
}

/**
 * Words at the start of the frame of a packet, all i32; the addresses are absolute. The fields have the same meaning as
 * in the interpreter's Packet.
 */
export const FRAME = {
  start: 0,
  end: 4,
  cursor: 8,
  truncated: 12,
  length: 16,
  ingressLength: 20,
  capacity: 24,
  exit: 28,
  cloneSession: 32,
  cloneFieldList: 36,
  digestList: 40,
  resubmitList: 44,
  recirculateList: 48,
  checksumError: 52,
  ingressPort: 56,
  parserError: 60,
} as const;
const FRAME_WORDS_END = 64;

/** truncate() has not been called. */
export const NOT_TRUNCATED = 0x7fffffff;

/** Words of a table, at a fixed address; the control plane changes them. */
export const TABLE = { defaultAction: 0, defaultArgs: 4, index: 8, count: 12, bytes: 16 } as const;

/** Words of a group of entries with one mask: mask limbs follow. */
export const GROUP = { priority: 0, handle: 8, buckets: 12, bucketMask: 16, mask: 24 } as const;

/**
 * Words of an entry: key limbs, then mask limbs and bounds where the match kind needs them, then arguments follow.
 * Priority and the direct counter are f64, as in the table.
 */
export const ENTRY = { action: 0, id: 4, priority: 8, handle: 16, packets: 24, bytes: 32, key: 40 } as const;

/** Bytes for a varbit field whose maximum width the program does not specify. */
const UNBOUNDED_VARBIT_BYTES = 4096;

/** Nothing lies below it, so that address 0 can mean "none". */
const FIRST_ADDRESS = 64;

export interface TableLayout {
  readonly address: number;
  readonly keys: KeyLayout;
  readonly keyLimbs: number;
  readonly args: number;
  readonly entryBytes: number;
}

/** Addresses of everything whose place is fixed for a program, and the shape of a packet's frame. */
export class Layout {
  readonly fields: readonly Slot[];
  readonly valid: readonly number[];
  /** By header; undefined for a header without a varbit field. */
  readonly varbits: readonly (number | undefined)[];
  readonly next: readonly number[];
  readonly headerStart: number[] = [];
  readonly headerEnd: number[] = [];
  readonly metadata: { readonly start: number; readonly end: number };
  /** How many bytes after the end of a packet a parser may read; they read as zero. */
  readonly slack: number;
  /** Bytes that a copy of a packet takes over, and that are zeroed for a new one. */
  readonly state: { readonly start: number; readonly end: number };
  readonly frameBytes: number;
  readonly tables: readonly TableLayout[];
  readonly registers: readonly number[];
  readonly counters: readonly { readonly packets: number; readonly bytes: number }[];
  /** Addresses by algorithm. */
  readonly hashTables: ReadonlyMap<string, number>;
  /** By action: its arguments, relative to their address. */
  readonly params: readonly (readonly Slot[])[];
  /** Intermediate values of more than 64 bits, and the input of calculations. The heap follows it. */
  readonly scratch: number;

  constructor(readonly program: Program) {
    const frame = new Allocator(FRAME_WORDS_END);
    this.valid = program.headers.map(() => frame.take(1, 1));
    this.varbits = program.headers.map((h) => (h.varbit === undefined ? undefined : frame.take(4, 4)));
    this.next = Array.from({ length: program.stackCount }, () => frame.take(4, 4));
    const fields = new Array<Slot>(program.fieldCount);
    const place = (headers: readonly HeaderDef[]): void => {
      for (const header of headers) {
        // Headers of one type then have the same layout, wherever they lie.
        frame.align(16);
        this.headerStart[header.index] = frame.at;
        for (const field of header.fields) fields[field.index] = fieldSlot(field, frame);
        this.headerEnd[header.index] = frame.at;
      }
    };
    frame.align(8);
    const metadataStart = frame.at;
    place(program.headers.filter((h) => h.metadata));
    this.metadata = { start: metadataStart, end: frame.at };
    place(program.headers.filter((h) => !h.metadata));
    frame.align(16);
    this.fields = fields;
    this.state = { start: FRAME_WORDS_END, end: frame.at };
    this.frameBytes = frame.at;

    const ahead = program.parser.states.flatMap((state) => [
      ...state.ops.map((op) => (op.op === 'lookahead' ? op.bitOffset + op.width : 0)),
      ...state.key.map((key) => (key.kind === 'lookahead' ? key.bitOffset + key.width : 0)),
    ]);
    this.slack = Math.ceil(Math.max(0, ...ahead) / 8) + 16;
    this.params = paramSlots(program);
    const fixed = new Allocator(FIRST_ADDRESS);
    this.tables = program.tables.map((def) => tableLayout(def, fixed, this.params));
    this.registers = program.registers.map(({ size, width }) => fixed.take(size * registerCellBytes(width), 64));
    this.counters = program.counters.map(({ size }) => ({
      packets: fixed.take(size * 8, 64),
      bytes: fixed.take(size * 8, 64),
    }));
    this.hashTables = new Map(tableHashes(program).map((algorithm) => [algorithm, fixed.take(HASH_TABLE_BYTES, 64)]));
    fixed.align(64);
    this.scratch = fixed.at;
  }
}

export function registerCellBytes(width: number): number {
  return width <= 32 ? 4 : Math.ceil(width / 64) * 8;
}

function fieldSlot(field: FieldDef, frame: Allocator): Slot {
  const range = field.varbit && field.width === 0 ? unsignedRange(UNBOUNDED_VARBIT_BYTES * 8) : fieldRange(field);
  return slot(range, frame);
}

function slot(range: Range, to: Allocator): Slot {
  const kind = kindOf(range);
  const limbs = limbsOf(range);
  return { offset: to.take(kind === 'i32' ? 4 : limbs * 8, kind === 'i32' ? 4 : 8), kind, limbs, range };
}

/** Arguments lie in whole limbs, so that the control plane writes all of them alike. */
function paramSlots(program: Program): Slot[][] {
  const calls = program.tables.flatMap((t) => [
    ...(t.entries ?? []).map((e) => e.call),
    ...(t.defaultEntry === undefined ? [] : [t.defaultEntry]),
  ]);
  return program.actions.map((action) => {
    let offset = 0;
    const slots = action.params.map(({ width }, i): Slot => {
      // Arguments from the program itself are not cut to their width.
      const given = calls.filter((c) => c.action === action).map((c): Range => ({ min: c.args[i]!, max: c.args[i]! }));
      const range = [unsignedRange(width), ...given].reduce(union);
      const placed = { offset, kind: kindOf(range), limbs: limbsOf(range), range };
      offset += placed.limbs * 8;
      return placed;
    });
    return slots;
  });
}

function argumentBytes(slots: readonly Slot[]): number {
  return slots.reduce((bytes, { limbs }) => bytes + limbs * 8, 0);
}

function tableLayout(def: TableDef, fixed: Allocator, params: readonly (readonly Slot[])[]): TableLayout {
  const keys = new KeyLayout(def.keys);
  const keyLimbs = Math.max(1, Math.ceil(keys.width / 64));
  const extra = def.matchKind === 'range' ? keyLimbs * 8 + def.keys.length * 16 : 0;
  const args = ENTRY.key + keyLimbs * 8 + extra;
  const most = Math.max(0, ...params.map(argumentBytes));
  return { address: fixed.take(TABLE.bytes, 16), keys, keyLimbs, args, entryBytes: args + most };
}

class Allocator {
  constructor(public at: number) {}

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  take(bytes: number, alignment: number): number {
    this.align(alignment);
    const address = this.at;
    this.at += bytes;
    return address;
  }
}
