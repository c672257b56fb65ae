import type { TableDef } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { BitCompiler } from './bits.js';
import { ENTRY, GROUP, TABLE } from '../machine/layout.js';
import { CompileScope } from './scope.js';
import type { Unit } from './unit.js';

/** Keys with more limbs, and ranges of more than 64 bits, are looked up by the host. */
const MAX_KEY_LIMBS = 8;
const NO_ENTRY = 0;

export function lookupName(table: TableDef): string {
  return `lookup${table.index}`;
}

/**
 * Adds lookup(frame) of a table, which returns the address of the entry that matches, or 0. It reads the structures
 * that TableMemory keeps: hash tables with open addressing, one for each mask.
 */
export function addLookup(table: TableDef, unit: Unit): void {
  const { m, b, layout } = unit;
  const { keyLimbs, address } = layout.tables[table.index]!;
  const scope = new CompileScope(unit, 1, undefined);
  const limbs = Array.from({ length: keyLimbs }, () => scope.local('i64'));
  const key = keyOf(table, scope);
  const count = (): Ref => m.i32.load(address + TABLE.count, 4, m.i32.const(0));
  const steps: Ref[] = [
    m.if(m.i32.eqz(count()), m.return(m.i32.const(NO_ENTRY))),
    ...limbs.map((local, i) => m.local.set(local, key(i))),
  ];
  const limb = (i: number): Ref => m.local.get(limbs[i]!, b.i64);
  if (keyLimbs > MAX_KEY_LIMBS || table.keys.some(({ kind, width }) => kind === 'range' && width > 64)) {
    const at = scope.scratch(keyLimbs);
    steps.push(
      ...limbs.map((_, i) => m.i64.store(at + 8 * i, 8, m.i32.const(0), limb(i))),
      m.call('lookup', [m.i32.const(table.index), m.i32.const(at)], b.i32),
    );
  } else if (table.matchKind === 'range') {
    steps.push(searchRanges(table, scope, limb));
  } else {
    addProbe(table, unit);
    const group = (): Ref => m.i32.load(address + TABLE.index, 4, m.i32.const(0));
    steps.push(
      table.matchKind === 'exact'
        ? probe(
            table,
            scope,
            group,
            limbs.map((_, i) => limb(i)),
          )
        : searchGroups(table, scope, limb),
    );
  }
  m.addFunction(lookupName(table), b.createType([b.i32]), b.i32, scope.vars, m.block(null, steps, b.i32));
}

/** Each limb of the concatenated key, the first key in the highest bits; a field of an invalid header counts as zero. */
function keyOf(table: TableDef, scope: CompileScope): (limb: number) => Ref {
  const { m, layout } = scope.unit;
  const { keys } = layout.tables[table.index]!;
  const bits = new BitCompiler(scope);
  return (limb) => {
    let value: Ref | undefined;
    for (const [i, { ref, width, mask }] of table.keys.entries()) {
      const shift = Number(keys.shifts[i]!);
      const from = Math.max(0, 64 * limb - shift);
      const to = Math.min(width, 64 * limb + 64 - shift);
      if (from >= to) continue;
      let part: Ref;
      if ('validOf' in ref) part = m.i64.extend_u(scope.isValid(ref.validOf));
      else {
        part = bits.piece({ field: ref.field, shift: from, width: to - from }, 'i64');
        if (mask !== null) part = m.i64.and(part, m.i64.const(BigInt.asIntN(64, mask >> BigInt(from))));
        if (!ref.field.header.metadata) part = m.select(scope.isValid(ref.field.header), part, m.i64.const(0n));
      }
      const place = shift + from - 64 * limb;
      const placed = place === 0 ? part : m.i64.shl(part, m.i64.const(BigInt(place)));
      value = value === undefined ? placed : m.i64.or(value, placed);
    }
    return value ?? m.i64.const(0n);
  };
}

/** probe(buckets, mask of the bucket number, key limbs...): the entry with this key in one hash table. */
function addProbe(table: TableDef, unit: Unit): void {
  const { m, b, layout } = unit;
  const { keyLimbs } = layout.tables[table.index]!;
  const { i32, i64 } = b;
  const [hash, entry] = [2 + keyLimbs, 3 + keyLimbs];
  const limb = (i: number): Ref => m.local.get(2 + i, i64);
  const get = (local: number): Ref => m.local.get(local, i32);
  const bucket = m.i32.load(0, 4, m.i32.add(get(0), m.i32.shl(m.i32.and(get(hash), get(1)), m.i32.const(2))));
  const equal = Array.from({ length: keyLimbs }, (_, i) =>
    m.i64.eq(m.i64.load(ENTRY.key + 8 * i, 8, get(entry)), limb(i)),
  );
  const body = m.block(null, [
    m.local.set(
      hash,
      hashOf(
        unit,
        Array.from({ length: keyLimbs }, (_, i) => () => limb(i)),
      ),
    ),
    m.loop(
      'next',
      m.block(null, [
        m.if(m.i32.eqz(m.local.tee(entry, bucket, i32)), m.return(m.i32.const(NO_ENTRY))),
        m.if(
          equal.reduce((x, y) => m.i32.and(x, y)),
          m.return(get(entry)),
        ),
        m.local.set(hash, m.i32.add(get(hash), m.i32.const(1))),
        m.br('next'),
      ]),
    ),
    m.unreachable(),
  ]);
  m.addFunction(
    `probe${table.index}`,
    b.createType([i32, i32, ...Array.from({ length: keyLimbs }, () => i64)]),
    i32,
    [i32, i32],
    body,
  );
}

/** Must be the same as hashKey of TableMemory. */
function hashOf({ m }: Unit, limbs: readonly (() => Ref)[]): Ref {
  let hash = m.i32.const(0x9e3779b9 | 0);
  for (const limb of limbs) {
    hash = m.i32.mul(m.i32.xor(hash, m.i32.wrap(limb())), m.i32.const(0x85ebca6b | 0));
    hash = m.i32.rotl(hash, m.i32.const(15));
    hash = m.i32.mul(m.i32.xor(hash, m.i32.wrap(m.i64.shr_u(limb(), m.i64.const(32n)))), m.i32.const(0xc2b2ae35 | 0));
    hash = m.i32.rotl(hash, m.i32.const(13));
  }
  return hash;
}

function probe(table: TableDef, scope: CompileScope, group: () => Ref, limbs: readonly Ref[]): Ref {
  const { m, b } = scope.unit;
  return m.call(
    `probe${table.index}`,
    [m.i32.load(GROUP.buckets, 4, group()), m.i32.load(GROUP.bucketMask, 4, group()), ...limbs],
    b.i32,
  );
}

/** Groups in order: longest prefix first, or the one with the most preferred entry first. */
function searchGroups(table: TableDef, scope: CompileScope, limb: (i: number) => Ref): Ref {
  const { m, b, layout } = scope.unit;
  const { keyLimbs, address } = layout.tables[table.index]!;
  const [at, left, group, found, best] = [0, 1, 2, 3, 4].map(() => scope.local('i32')) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const get = (local: number): Ref => m.local.get(local, b.i32);
  const masked = Array.from({ length: keyLimbs }, (_, i) =>
    m.i64.and(limb(i), m.i64.load(GROUP.mask + 8 * i, 8, get(group))),
  );
  const find = m.local.set(
    found,
    probe(table, scope, () => get(group), masked),
  );
  const prefixes = table.matchKind === 'lpm';
  /** Whether the entry in `best` is preferred to what has its priority and handle at these offsets. */
  const bestBefore = (other: number, priority: number, handle: number): Ref => {
    const mine = (): Ref => m.f64.load(ENTRY.priority, 8, get(best));
    const theirs = (): Ref => m.f64.load(priority, 8, get(other));
    const sameOrder = m.i32.lt_s(m.i32.load(ENTRY.handle, 4, get(best)), m.i32.load(handle, 4, get(other)));
    return m.i32.or(m.f64.lt(mine(), theirs()), m.i32.and(m.f64.eq(mine(), theirs()), sameOrder));
  };
  const take = prefixes
    ? m.if(get(found), m.return(get(found)))
    : m.if(
        get(found),
        m.if(
          m.if(get(best), bestBefore(found, ENTRY.priority, ENTRY.handle), m.i32.const(0)),
          m.nop(),
          m.local.set(best, get(found)),
        ),
      );
  const stop = prefixes ? m.nop() : m.if(get(best), m.br_if('done', bestBefore(group, GROUP.priority, GROUP.handle)));
  return m.block(
    null,
    [
      m.local.set(at, m.i32.load(address + TABLE.index, 4, m.i32.const(0))),
      m.local.set(left, m.i32.load(address + TABLE.count, 4, m.i32.const(0))),
      m.block('done', [
        m.loop(
          'next',
          m.block(null, [
            m.local.set(group, m.i32.load(0, 4, get(at))),
            stop,
            find,
            take,
            m.local.set(at, m.i32.add(get(at), m.i32.const(4))),
            m.br_if('next', m.local.tee(left, m.i32.sub(get(left), m.i32.const(1)), b.i32)),
          ]),
        ),
      ]),
      get(best),
    ],
    b.i32,
  );
}

/** A list in order of preference; the entries of range tables also have a mask, and bounds for each range key. */
function searchRanges(table: TableDef, scope: CompileScope, limb: (i: number) => Ref): Ref {
  const { m, b, layout } = scope.unit;
  const { keyLimbs, address, keys } = layout.tables[table.index]!;
  const [at, left, entry] = [0, 1, 2].map(() => scope.local('i32')) as [number, number, number];
  const get = (local: number): Ref => m.local.get(local, b.i32);
  const masks = ENTRY.key + 8 * keyLimbs;
  const tests = Array.from({ length: keyLimbs }, (_, i) =>
    m.i64.eq(
      m.i64.and(limb(i), m.i64.load(masks + 8 * i, 8, get(entry))),
      m.i64.load(ENTRY.key + 8 * i, 8, get(entry)),
    ),
  );
  table.keys.forEach(({ kind, width }, i) => {
    if (kind !== 'range') return;
    const shift = Number(keys.shifts[i]!);
    const part = (): Ref => {
      const [first, bit] = [Math.floor(shift / 64), shift % 64];
      const low = m.i64.shr_u(limb(first), m.i64.const(BigInt(bit)));
      const value = bit + width <= 64 ? low : m.i64.or(low, m.i64.shl(limb(first + 1), m.i64.const(BigInt(64 - bit))));
      return width === 64 ? value : m.i64.and(value, m.i64.const((1n << BigInt(width)) - 1n));
    };
    const bounds = masks + 8 * keyLimbs + 16 * i;
    tests.push(
      m.i64.ge_u(part(), m.i64.load(bounds, 8, get(entry))),
      m.i64.le_u(part(), m.i64.load(bounds + 8, 8, get(entry))),
    );
  });
  return m.block(
    null,
    [
      m.local.set(at, m.i32.load(address + TABLE.index, 4, m.i32.const(0))),
      m.local.set(left, m.i32.load(address + TABLE.count, 4, m.i32.const(0))),
      m.loop(
        'next',
        m.block(null, [
          m.local.set(entry, m.i32.load(0, 4, get(at))),
          m.if(
            tests.reduce((x, y) => m.i32.and(x, y)),
            m.return(get(entry)),
          ),
          m.local.set(at, m.i32.add(get(at), m.i32.const(4))),
          m.br_if('next', m.local.tee(left, m.i32.sub(get(left), m.i32.const(1)), b.i32)),
        ]),
      ),
      m.i32.const(NO_ENTRY),
    ],
    b.i32,
  );
}
