import type { Module, Ref } from '../binaryen.js';
import type { VectorOperator, VectorShift } from './graph.js';

type Emit = (m: Module, args: readonly Ref[]) => Ref;
type Unary = (value: Ref) => Ref;
type Binary = (left: Ref, right: Ref) => Ref;

function one(of: (m: Module) => Unary): Emit {
  return (m, [a]) => of(m)(a!);
}

function two(of: (m: Module) => Binary): Emit {
  return (m, [a, c]) => of(m)(a!, c!);
}

const EMIT: Readonly<Record<VectorOperator, Emit>> = {
  'v128.and': two((m) => m.v128.and),
  'v128.or': two((m) => m.v128.or),
  'v128.xor': two((m) => m.v128.xor),
  'v128.andnot': two((m) => m.v128.andnot),
  'v128.not': one((m) => m.v128.not),
  'v128.bitselect': (m, [a, c, mask]) => m.v128.bitselect(a!, c!, mask!),
  'i8x16.swizzle': two((m) => m.i8x16.swizzle),
  'i8x16.sub': two((m) => m.i8x16.sub),
  'i32x4.add': two((m) => m.i32x4.add),
  'i32x4.sub': two((m) => m.i32x4.sub),
  'i32x4.mul': two((m) => m.i32x4.mul),
  'i32x4.neg': one((m) => m.i32x4.neg),
  'i32x4.eq': two((m) => m.i32x4.eq),
  'i32x4.gt_s': two((m) => m.i32x4.gt_s),
  'i32x4.ge_u': two((m) => m.i32x4.ge_u),
  'i32x4.min_s': two((m) => m.i32x4.min_s),
  'i32x4.max_s': two((m) => m.i32x4.max_s),
  'i32x4.min_u': two((m) => m.i32x4.min_u),
  'i32x4.max_u': two((m) => m.i32x4.max_u),
  'i32x4.trunc_sat_f32x4_s': one((m) => m.i32x4.trunc_sat_f32x4_s),
  'i64x2.add': two((m) => m.i64x2.add),
  'i64x2.sub': two((m) => m.i64x2.sub),
  'i64x2.mul': two((m) => m.i64x2.mul),
  'i64x2.eq': two((m) => m.i64x2.eq),
  'i64x2.gt_s': two((m) => m.i64x2.gt_s),
  'i64x2.extmul_low_i32x4_u': two((m) => m.i64x2.extmul_low_i32x4_u),
  'i64x2.extmul_high_i32x4_u': two((m) => m.i64x2.extmul_high_i32x4_u),
  'i64x2.extend_low_i32x4_s': one((m) => m.i64x2.extend_low_i32x4_s),
  'i64x2.extend_high_i32x4_s': one((m) => m.i64x2.extend_high_i32x4_s),
  'i64x2.extend_low_i32x4_u': one((m) => m.i64x2.extend_low_i32x4_u),
  'i64x2.extend_high_i32x4_u': one((m) => m.i64x2.extend_high_i32x4_u),
};

export function emitVector(m: Module, name: VectorOperator, args: readonly Ref[]): Ref {
  return EMIT[name](m, args);
}

export function emitShift(m: Module, name: VectorShift, value: Ref, by: Ref): Ref {
  switch (name) {
    case 'i32x4.shl':
      return m.i32x4.shl(value, by);
    case 'i32x4.shr_s':
      return m.i32x4.shr_s(value, by);
    case 'i32x4.shr_u':
      return m.i32x4.shr_u(value, by);
    case 'i64x2.shl':
      return m.i64x2.shl(value, by);
    case 'i64x2.shr_s':
      return m.i64x2.shr_s(value, by);
    case 'i64x2.shr_u':
      return m.i64x2.shr_u(value, by);
  }
}

export function splatOf(m: Module, kind: 'i32' | 'i64', value: Ref): Ref {
  return kind === 'i32' ? m.i32x4.splat(value) : m.i64x2.splat(value);
}

/** Two lanes of 64 bits, each shifted by its own distance, one after the other. */
export function shiftLanes(m: Module, name: VectorShift, value: () => Ref, distance: () => Ref): Ref {
  const direction = name.slice('i64x2.'.length) as 'shl' | 'shr_s' | 'shr_u';
  const lane = (i: number): Ref => {
    const by = (): Ref => m.i64x2.extract_lane(distance(), i);
    const from = m.i64x2.extract_lane(value(), i);
    const far = m.i64.ge_u(by(), m.i64.const(64n));
    // A number in two's complement that is shifted by 63 bits is only its sign.
    if (direction === 'shr_s') return m.i64.shr_s(from, m.select(far, m.i64.const(63n), by()));
    return m.select(far, m.i64.const(0n), m.i64[direction](from, by()));
  };
  return m.i64x2.replace_lane(m.i64x2.splat(lane(0)), 1, lane(1));
}
