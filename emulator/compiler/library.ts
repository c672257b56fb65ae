import type { Ref } from './binaryen.js';
import type { Unit } from './unit.js';

/** Functions that every module has; the optimizer inlines the small ones. */
export function addLibrary(unit: Unit): void {
  addByteSwaps(unit);
  addChecksum(unit);
  addVarbit(unit);
}

function addByteSwaps({ m, b }: Unit): void {
  const { i32, i64 } = b;
  const x = (): Ref => m.local.get(0, i32);
  const swap32 = m.i32.or(
    m.i32.and(m.i32.rotl(x(), m.i32.const(8)), m.i32.const(0x00ff00ff)),
    m.i32.and(m.i32.rotr(x(), m.i32.const(8)), m.i32.const(0xff00ff00 | 0)),
  );
  m.addFunction('swap32', b.createType([i32]), i32, [], swap32);
  const swap16 = m.i32.or(
    m.i32.shl(m.i32.and(x(), m.i32.const(0xff)), m.i32.const(8)),
    m.i32.and(m.i32.shr_u(x(), m.i32.const(8)), m.i32.const(0xff)),
  );
  m.addFunction('swap16', b.createType([i32]), i32, [], swap16);
  const y = (): Ref => m.local.get(0, i64);
  const exchange = (bits: bigint, mask: bigint): Ref =>
    m.local.set(
      0,
      m.i64.or(
        m.i64.shl(m.i64.and(y(), m.i64.const(mask)), m.i64.const(bits)),
        m.i64.and(m.i64.shr_u(y(), m.i64.const(bits)), m.i64.const(mask)),
      ),
    );
  const swap64 = m.block(
    null,
    [exchange(8n, 0x00ff00ff00ff00ffn), exchange(16n, 0x0000ffff0000ffffn), m.i64.rotl(y(), m.i64.const(32n))],
    i64,
  );
  m.addFunction('swap64', b.createType([i64]), i64, [], swap64);
}

/** csum16(address, length): RFC 1071. The sum of words is the same in either byte order, so only the result is byte-swapped. */
function addChecksum({ m, b }: Unit): void {
  const { i32, i64 } = b;
  const at = (): Ref => m.local.get(0, i32);
  const left = (): Ref => m.local.get(1, i32);
  const sum = (): Ref => m.local.get(2, i64);
  const add = (value: Ref): Ref => m.local.set(2, m.i64.add(sum(), value));
  const advance = (bytes: number): Ref[] => [
    m.local.set(0, m.i32.add(at(), m.i32.const(bytes))),
    m.local.set(1, m.i32.sub(left(), m.i32.const(bytes))),
  ];
  const fold = (bits: bigint): Ref =>
    m.local.set(2, m.i64.add(m.i64.and(sum(), m.i64.const((1n << bits) - 1n)), m.i64.shr_u(sum(), m.i64.const(bits))));
  const body = m.block(
    null,
    [
      m.block('done', [
        m.loop(
          'more',
          m.block(null, [
            m.br_if('done', m.i32.lt_s(left(), m.i32.const(4))),
            add(m.i64.load32_u(0, 1, at())),
            ...advance(4),
            m.br('more'),
          ]),
        ),
      ]),
      m.if(m.i32.ge_s(left(), m.i32.const(2)), m.block(null, [add(m.i64.load16_u(0, 1, at())), ...advance(2)])),
      m.if(left(), add(m.i64.load8_u(0, 1, at()))),
      fold(32n),
      fold(32n),
      fold(16n),
      fold(16n),
      fold(16n),
      m.i64.extend_u(m.i32.xor(m.call('swap16', [m.i32.wrap(sum())], i32), m.i32.const(0xffff))),
    ],
    i64,
  );
  m.addFunction('csum16', b.createType([i32, i32]), i64, [i64], body);
}

/** reverse(to, from, length): copies bytes in reverse order, for varbit fields between packet and frame. */
function addVarbit({ m, b }: Unit): void {
  const { i32 } = b;
  const to = (): Ref => m.local.get(0, i32);
  const from = (): Ref => m.local.get(1, i32);
  const left = (): Ref => m.local.get(2, i32);
  const body = m.block('done', [
    m.loop(
      'more',
      m.block(null, [
        m.br_if('done', m.i32.le_s(left(), m.i32.const(0))),
        m.local.set(2, m.i32.sub(left(), m.i32.const(1))),
        m.i32.store8(0, 1, to(), m.i32.load8_u(0, 1, m.i32.add(from(), left()))),
        m.local.set(0, m.i32.add(to(), m.i32.const(1))),
        m.br('more'),
      ]),
    ),
  ]);
  m.addFunction('reverse', b.createType([i32, i32, i32]), b.none, [], body);
}
