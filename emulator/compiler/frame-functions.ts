import { FRAME, NOT_TRUNCATED } from '../machine/layout.js';
import { HEADROOM_BYTES } from '../limits.js';
import type { Ref } from './binaryen.js';
import type { Unit } from './unit.js';

const VECTOR_BYTES = 16;
/** Up to this size, stores are faster than a call of V8's function for filling memory. */
const MAX_STORES = 64;

/**
 * clear(frame) resets a frame for a new packet; receive(frame, port, address, length) does so for a packet that arrives,
 * and zeroes the bytes after it; copy(to, from) copies headers and metadata; clearMetadata(frame).
 */
export function addFrames(unit: Unit): void {
  const { m, b, program, layout } = unit;
  const frame = (): Ref => m.local.get(0, b.i32);
  const { start, end } = layout.state;
  const word = (offset: number, value: Ref): Ref => m.i32.store(offset, 4, frame(), value);
  const zero = [
    FRAME.exit,
    FRAME.cloneFieldList,
    FRAME.digestList,
    FRAME.resubmitList,
    FRAME.recirculateList,
    FRAME.checksumError,
  ];
  const flags = [
    word(FRAME.truncated, m.i32.const(NOT_TRUNCATED)),
    word(FRAME.cloneSession, m.i32.const(-1)),
    ...zero.map((offset) => word(offset, m.i32.const(0))),
  ];
  const at = (base: Ref, offset: number): Ref => m.i32.add(base, m.i32.const(offset));
  m.addFunction(
    'clear',
    b.createType([b.i32]),
    b.none,
    [],
    m.block(
      null,
      [
        ...zeroed(unit, frame, start, end - start),
        ...flags,
        ...program.headers
          .filter((h) => h.metadata)
          .map((h) => m.i32.store8(layout.valid[h.index]!, 1, frame(), m.i32.const(1))),
      ],
      b.none,
    ),
  );
  const [port, address, length] = [1, 2, 3].map((local) => (): Ref => m.local.get(local, b.i32)) as [
    () => Ref,
    () => Ref,
    () => Ref,
  ];
  m.addFunction(
    'receive',
    b.createType([b.i32, b.i32, b.i32, b.i32]),
    b.none,
    [],
    m.block(
      null,
      [
        m.call('clear', [frame()], b.none),
        ...zeroed(unit, () => m.i32.add(address(), length()), 0, layout.slack),
        word(FRAME.start, address()),
        word(FRAME.end, m.i32.add(address(), length())),
        word(FRAME.length, length()),
        word(FRAME.ingressLength, length()),
        word(FRAME.capacity, at(length(), HEADROOM_BYTES)),
        word(FRAME.ingressPort, port()),
      ],
      b.none,
    ),
  );
  m.addFunction(
    'copy',
    b.createType([b.i32, b.i32]),
    b.none,
    [],
    m.memory.copy(at(frame(), start), at(m.local.get(1, b.i32), start), m.i32.const(end - start)),
  );
  const metadata = layout.metadata.end - layout.metadata.start;
  m.addFunction(
    'clearMetadata',
    b.createType([b.i32]),
    b.none,
    [],
    m.memory.fill(at(frame(), layout.metadata.start), m.i32.const(0), m.i32.const(metadata)),
  );
  for (const name of ['clear', 'receive', 'copy', 'clearMetadata']) m.addFunctionExport(name, name);
}

/** Zeroes a number of bytes that is known in advance. */
function zeroed({ m, simd }: Unit, base: () => Ref, offset: number, bytes: number): Ref[] {
  const whole = Math.floor(bytes / VECTOR_BYTES);
  if (!simd || whole === 0 || whole > MAX_STORES)
    return [m.memory.fill(m.i32.add(base(), m.i32.const(offset)), m.i32.const(0), m.i32.const(bytes))];
  const places = Array.from({ length: whole }, (_, i) => i * VECTOR_BYTES);
  // The last ones overlap with those before them.
  if (bytes % VECTOR_BYTES !== 0) places.push(bytes - VECTOR_BYTES);
  const zeros = (): Ref => m.v128.const(new Array<number>(VECTOR_BYTES).fill(0));
  return places.map((place) => m.v128.store(offset + place, 1, base(), zeros()));
}
