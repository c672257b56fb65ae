import { Graph, LOW_WORDS, type Node } from './graph.js';

const MANTISSA_BITS = 52;
const EXPONENT_BIAS = 1023;
/** Bits of a float's high word that are below the exponent. */
const HIGH_MANTISSA_BITS = MANTISSA_BITS - 32;
/** A float of this size has the integer that was added to it in its low bits, also a negative one. */
const INTEGER_IN_LOW_BITS = 0x4338000000000000n;
const ZEROS_AND_LOW_HALF = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const ZEROS_AND_HIGH_HALF = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * Shifts of each lane by its own distance, which WebAssembly does not have, in terms of what it has. The distance is
 * at most 255, or any number of 64 bits for lanes of 64 bits.
 */
export function lowered(node: Node, graph: Graph): Node {
  const { operation } = node;
  const [value, distance] = node.args as [Node, Node];
  if (operation.kind !== 'shiftEach') throw new Error(`a node of kind ${operation.kind} needs no lowering`);
  switch (operation.name) {
    case 'i32x4.shl':
      return shiftedLeft(graph, value, distance);
    case 'i32x4.shr_s':
    case 'i32x4.shr_u':
      return shiftedRight(graph, value, distance, operation.name === 'i32x4.shr_s');
    default:
      return graph.node({ kind: 'shiftOneByOne', name: operation.name }, [value, distance]);
  }
}

/**
 * A number of 32 bits is exact as a float of 64 bits, and so is its product with a power of two. Rounded down, that is
 * what the arithmetic shift gives, for any distance.
 */
function shiftedRight(graph: Graph, value: Node, distance: Node, signed: boolean): Node {
  const exponents = graph.shift(
    'i32x4.shl',
    graph.apply('i32x4.sub', graph.constant32(EXPONENT_BIAS), distance),
    HIGH_MANTISSA_BITS,
  );
  const zero = graph.constant32(0);
  const half = (from: Node, order: readonly number[]): Node => {
    const convert = signed ? 'f64x2.convert_low_i32x4_s' : 'f64x2.convert_low_i32x4_u';
    const factors = graph.shuffle(zero, exponents, order);
    const quotient = graph.apply('f64x2.floor', graph.apply('f64x2.mul', graph.apply(convert, from), factors));
    return graph.apply('f64x2.add', quotient, graph.constant64(INTEGER_IN_LOW_BITS));
  };
  const high = graph.shuffle(value, value, HIGH_HALF);
  return graph.shuffle(half(value, ZEROS_AND_LOW_HALF), half(high, ZEROS_AND_HIGH_HALF), LOW_WORDS);
}

/**
 * A multiplication by a power of two, which is made as a float of 32 bits. It is a negative one: 2^31 is too large for
 * a signed number, but its negative is not.
 */
function shiftedLeft(graph: Graph, value: Node, distance: Node): Node {
  const floats = graph.apply('i32x4.add', graph.shift('i32x4.shl', distance, 23), graph.constant32(0xbf800000));
  const factors = graph.apply('i32x4.trunc_sat_f32x4_s', floats);
  const product = graph.apply('i32x4.mul', graph.apply('i32x4.neg', value), factors);
  const tooFar = graph.apply('i32x4.gt_s', distance, graph.constant32(31));
  return graph.select(tooFar, graph.constant32(0), product);
}
