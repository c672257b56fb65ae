import { argsOf, wordsOf, type Graph, type Node } from './graph.js';

/** The lowest byte of each 32-bit lane, in all four bytes of it. */
const LOW_BYTES = [0x00000000, 0x04040404, 0x08080808, 0x0c0c0c0c] as const;
/** How far a number of 32 bits is above the bits of each of its bytes: 24 for the lowest, none for the highest. */
const DISTANCE_OF_BYTES = 0x00081018;
/** Bytes with one bit: for 0 to 7, that many below the highest; and none for 8 to 15. */
const ONE_BIT = [0x10204080, 0x01020408, 0, 0] as const;
const HIGH_WORDS = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];

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
 * The upper half of a product with 2^(32 - distance). The factor is 2^(31 - distance), which fits 32 bits, so the other
 * 2 goes to the number or the product. A negative number is shifted as its complement, which is not negative.
 */
function shiftedRight(graph: Graph, value: Node, distance: Node, signed: boolean): Node {
  const factor = powersBelow31(graph, distance);
  const product = (number: Node, half: 'low' | 'high'): Node =>
    graph.apply(`i64x2.extmul_${half}_i32x4_u`, number, factor);
  if (!signed) {
    const doubled = (half: 'low' | 'high'): Node => {
      const made = product(value, half);
      return graph.apply('i64x2.add', made, made);
    };
    return graph.shuffle(doubled('low'), doubled('high'), HIGH_WORDS);
  }
  const sign = graph.shift('i32x4.shr_s', value, 31);
  const magnitude = graph.apply('v128.xor', value, sign);
  const twice = graph.apply('i32x4.add', magnitude, magnitude);
  return graph.apply('v128.xor', graph.shuffle(product(twice, 'low'), product(twice, 'high'), HIGH_WORDS), sign);
}

/** 2^(31 - distance), or 0 for a longer distance, of which only the low byte is read: its bytes are looked up. */
function powersBelow31(graph: Graph, distance: Node): Node {
  const masked = argsOf(distance, 'v128.and');
  const keepsByte = masked !== undefined && wordsOf(masked[1]!)?.every((word) => (word & 255) === 255) === true;
  const bytes = graph.apply('i8x16.swizzle', keepsByte ? masked[0]! : distance, graph.words(...LOW_BYTES));
  // A swizzle gives zero for what is not from 0 to 15.
  const place = graph.apply('i8x16.sub', bytes, graph.constant32(DISTANCE_OF_BYTES));
  return graph.apply('i8x16.swizzle', graph.words(...ONE_BIT), place);
}

/**
 * A multiplication by a power of two, which is made as a float of 32 bits. It is a negative one: 2^31 is too large for
 * a signed number, but its negative is not.
 */
function shiftedLeft(graph: Graph, value: Node, distance: Node): Node {
  const rest = restOf31(distance);
  if (rest !== undefined) return graph.apply('i32x4.mul', value, powersBelow31(graph, rest));
  const floats = graph.apply('i32x4.add', graph.shift('i32x4.shl', distance, 23), graph.constant32(0xbf800000));
  const factors = graph.apply('i32x4.trunc_sat_f32x4_s', floats);
  const product = graph.apply('i32x4.mul', graph.apply('i32x4.neg', value), factors);
  const tooFar = graph.apply('i32x4.gt_s', distance, graph.constant32(31));
  return graph.select(tooFar, graph.constant32(0), product);
}

/**
 * The d of a distance 31 - d, whole or modulo 256: its power of two is the factor of a right shift by d, which often
 * stands beside it, since what one of them shifts out is what the other one keeps.
 */
function restOf31(distance: Node): Node | undefined {
  const masked = argsOf(distance, 'v128.and');
  const isByte = masked !== undefined && wordsOf(masked[1]!)?.every((word) => word === 255) === true;
  const difference = argsOf(isByte ? masked[0]! : distance, 'i32x4.sub');
  if (difference === undefined || wordsOf(difference[0]!)?.every((word) => word === 31) !== true) return undefined;
  return difference[1];
}
