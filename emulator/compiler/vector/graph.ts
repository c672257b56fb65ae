import type { FieldDef, RegisterDef } from '../../json/data.js';

/** Cells of a register that the passes of a loop access one after the other: pass k accesses the first one plus k. */
export interface Cells {
  readonly register: RegisterDef;
  readonly ramp: Ramp;
}

/** counter + base + offset, modulo 2^32; the counter of pass k is the one of the first pass plus k steps. */
export interface Ramp {
  readonly counter: FieldDef;
  readonly step: number;
  /** Something that the loop does not change. */
  readonly base: Scalar | undefined;
  readonly offset: number;
}

/** A local that is set once, before the loop. */
export interface Scalar {
  readonly local: number;
  readonly kind: 'i32' | 'i64';
}

/** A local of four or two lanes that goes from one group of passes to the next. */
export interface Carried {
  readonly local: number;
}

/** Operators of WebAssembly; in a mask, a lane is all zeros or all ones. */
export type VectorOperator =
  | 'v128.and'
  | 'v128.or'
  | 'v128.xor'
  | 'v128.andnot'
  | 'v128.not'
  | 'v128.bitselect'
  | 'i8x16.swizzle'
  | 'i8x16.sub'
  | 'i32x4.add'
  | 'i32x4.sub'
  | 'i32x4.mul'
  | 'i32x4.neg'
  | 'i32x4.eq'
  | 'i32x4.gt_s'
  | 'i32x4.ge_u'
  | 'i32x4.min_s'
  | 'i32x4.max_s'
  | 'i32x4.min_u'
  | 'i32x4.max_u'
  | 'i32x4.trunc_sat_f32x4_s'
  | 'i64x2.add'
  | 'i64x2.sub'
  | 'i64x2.mul'
  | 'i64x2.eq'
  | 'i64x2.gt_s'
  | 'i64x2.extmul_low_i32x4_u'
  | 'i64x2.extmul_high_i32x4_u'
  | 'i64x2.extend_low_i32x4_s'
  | 'i64x2.extend_high_i32x4_s'
  | 'i64x2.extend_low_i32x4_u'
  | 'i64x2.extend_high_i32x4_u';
export type VectorShift = `${'i32x4' | 'i64x2'}.${'shl' | 'shr_s' | 'shr_u'}`;

export type Operation =
  | { readonly kind: 'constant'; readonly words: readonly number[] }
  | { readonly kind: 'splat'; readonly scalar: Scalar }
  | { readonly kind: 'ramp'; readonly ramp: Ramp }
  /** What cells held before the pass; four of 32 bits, or two of 64 bits of which `part` says which. */
  | { readonly kind: 'cells'; readonly cells: Cells; readonly part: 0 | 1 }
  | { readonly kind: 'carried'; readonly carried: Carried }
  | { readonly kind: 'vector'; readonly name: VectorOperator }
  /** All lanes by the same distance, which is less than their width. */
  | { readonly kind: 'shift'; readonly name: VectorShift; readonly by: number | Scalar }
  | { readonly kind: 'shuffle'; readonly bytes: readonly number[] }
  /** Each lane by a distance of its own, which may be any unsigned number (see shifts.ts). */
  | { readonly kind: 'shiftEach'; readonly name: VectorShift }
  /** The same for two lanes of 64 bits, as one scalar operation for each. */
  | { readonly kind: 'shiftOneByOne'; readonly name: VectorShift }
  /**
   * Choices for which `a` is computed only if the mask is set in some lane; the results are nodes of their own (see
   * Graph.rare).
   */
  | { readonly kind: 'rare' }
  | { readonly kind: 'resultOfRare'; readonly index: number };

/** A value of 128 bits. Nodes are pure, and equal ones are one node. */
export interface Node {
  readonly id: number;
  readonly operation: Operation;
  args: readonly Node[];
  /** The same for all passes. */
  readonly invariant: boolean;
}

/** `a` where the mask is set, `b` elsewhere. */
export interface Choice {
  readonly mask: Node;
  readonly a: Node;
  readonly b: Node;
}

export const SWAP_BYTES = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
/** The low words of four 64-bit lanes. */
export const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** The computation of a group of passes, as a graph that is simplified while it is built. */
export class Graph {
  private readonly known = new Map<string, Node>();
  private readonly rares = new Map<Node, Node>();
  private nodes = 0;

  /** Number of nodes so far: how much a part of the loop costs. */
  get size(): number {
    return this.nodes;
  }

  words(...words: readonly [number, number, number, number]): Node {
    return this.node({ kind: 'constant', words: words.map((word) => word | 0) }, []);
  }

  constant32(value: number): Node {
    return this.words(value, value, value, value);
  }

  constant64(value: bigint): Node {
    const [low, high] = [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
    return this.words(low, high, low, high);
  }

  node(operation: Operation, args: readonly Node[]): Node {
    const key = keyOf(operation, args);
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const { kind } = operation;
    const invariant =
      kind === 'constant' ||
      kind === 'splat' ||
      (args.length > 0 && kind !== 'rare' && kind !== 'resultOfRare' && args.every((arg) => arg.invariant));
    const made: Node = { id: this.nodes++, operation, args, invariant };
    this.known.set(key, made);
    return made;
  }

  /** A node whose arguments are about to change no longer stands for equal ones. */
  forget(node: Node): void {
    this.known.delete(keyOf(node.operation, node.args));
  }

  splat(scalar: Scalar): Node {
    return this.node({ kind: 'splat', scalar }, []);
  }

  shuffle(a: Node, b: Node, bytes: readonly number[]): Node {
    return this.node({ kind: 'shuffle', bytes }, [a, b]);
  }

  shift(name: VectorShift, value: Node, by: number | Scalar): Node {
    if (by === 0) return value;
    const words = wordsOf(value);
    if (words !== undefined && typeof by === 'number' && name.startsWith('i32x4')) {
      const shifted = words.map((w) => (name.endsWith('shl') ? w << by : name.endsWith('_s') ? w >> by : w >>> by));
      return this.words(shifted[0]!, shifted[1]!, shifted[2]!, shifted[3]!);
    }
    return this.node({ kind: 'shift', name, by }, [value]);
  }

  apply(name: VectorOperator, ...args: readonly Node[]): Node {
    return this.simplified(name, args) ?? this.node({ kind: 'vector', name }, args);
  }

  not(mask: Node): Node {
    return this.apply('v128.not', mask);
  }

  /** `a` where the mask is set, `b` elsewhere. */
  select(mask: Node, a: Node, b: Node): Node {
    if (a === b) return a;
    if (isOnes(mask)) return a;
    if (isZero(mask)) return b;
    const negated = argsOf(mask, 'v128.not');
    if (negated !== undefined) return this.select(negated[0]!, b, a);
    if (isZero(a)) return this.apply('v128.andnot', b, mask);
    if (isZero(b)) return this.apply('v128.and', a, mask);
    if (isOnes(a)) return this.apply('v128.or', b, mask);
    const again = argsOf(a, 'v128.bitselect');
    if (again?.[2] === mask) return this.select(mask, again[0]!, b);
    // Where both conditions must hold for the same value to be replaced, they are combined first.
    if (again?.[1] === b) return this.select(this.apply('v128.and', mask, again[2]!), again[0]!, b);
    const other = argsOf(b, 'v128.bitselect');
    if (other?.[2] === mask) return this.select(mask, a, other[1]!);
    const negative = argsOf(a, 'i32x4.neg');
    if (negative?.[0] === b) return this.apply('i32x4.sub', this.apply('v128.xor', b, mask), mask);
    // Where something constant is added or not, what is selected is that constant or 0: an operation instead of three.
    const more = this.constantAbove(a, b);
    if (more !== undefined) {
      return wordsOf(more)!.every((word) => word === 1)
        ? this.apply('i32x4.sub', b, mask)
        : this.apply('i32x4.add', b, this.apply('v128.and', more, mask));
    }
    const less = this.constantAbove(b, a);
    if (less !== undefined) {
      return wordsOf(less)!.every((word) => word === 1)
        ? this.apply('i32x4.add', b, mask)
        : this.apply('i32x4.add', a, this.apply('v128.andnot', less, mask));
    }
    const [masked, maskedToo] = [argsOf(a, 'v128.and'), argsOf(b, 'v128.and')];
    if (masked !== undefined && masked[1] === maskedToo?.[1])
      return this.apply('v128.and', this.select(mask, masked[0]!, maskedToo![0]!), masked[1]!);
    const [difference, reverse] = [argsOf(a, 'i32x4.sub'), argsOf(b, 'i32x4.sub')];
    if (difference !== undefined && difference[0] === reverse?.[1] && difference[1] === reverse?.[0])
      return this.apply('i32x4.sub', this.apply('v128.xor', b, mask), mask);
    const order = argsOf(mask, 'i32x4.gt_s');
    if (order?.[0] === a && order[1] === b) return this.apply('i32x4.max_s', a, b);
    if (order?.[0] === b && order[1] === a) return this.apply('i32x4.min_s', a, b);
    const unsigned = argsOf(mask, 'i32x4.ge_u');
    if (unsigned?.[0] === a && unsigned[1] === b) return this.apply('i32x4.max_u', a, b);
    if (unsigned?.[0] === b && unsigned[1] === a) return this.apply('i32x4.min_u', a, b);
    return this.node({ kind: 'vector', name: 'v128.bitselect' }, [a, b, mask]);
  }

  /** The constant that `a` is above `b`, if it is known. */
  private constantAbove(a: Node, b: Node): Node | undefined {
    const sum = argsOf(a, 'i32x4.add');
    return sum?.[0] === b && wordsOf(sum[1]!) !== undefined ? sum[1] : undefined;
  }

  /**
   * For each choice, `a` where its mask is set, `b` elsewhere; if the mask of all of them is set in no lane, little
   * else is computed. All choices with one mask are made at one place, if possible.
   * @param mask of 32-bit lanes; those of the choices are the same, for lanes of their width
   */
  rare(mask: Node, choices: readonly Choice[]): Node[] {
    const before = this.rares.get(mask);
    const needed = choices.flatMap(({ a, b }) => [a, b]);
    if (before === undefined || needed.some((value) => dependsOn(value, before))) {
      const node = this.node({ kind: 'rare' }, argsOfRare(mask, choices));
      this.rares.set(mask, node);
      return choices.map((_, index) => this.node({ kind: 'resultOfRare', index }, [node]));
    }
    const others = partsOfRare(before).choices;
    this.forget(before);
    before.args = argsOfRare(mask, [...others, ...choices]);
    return choices.map((_, i) => this.node({ kind: 'resultOfRare', index: others.length + i }, [before]));
  }

  private simplified(name: VectorOperator, args: readonly Node[]): Node | undefined {
    const [a, b] = args as [Node, Node];
    switch (name) {
      case 'v128.not': {
        if (isZero(a)) return this.constant32(-1);
        if (isOnes(a)) return this.constant32(0);
        return argsOf(a, 'v128.not')?.[0];
      }
      case 'v128.and': {
        if (a === b || isOnes(b)) return a;
        if (isZero(a) || isOnes(a)) return isZero(a) ? a : b;
        if (isZero(b)) return b;
        const [na, nb] = [argsOf(a, 'v128.not')?.[0], argsOf(b, 'v128.not')?.[0]];
        if (nb !== undefined) return this.apply('v128.andnot', a, nb);
        if (na !== undefined) return this.apply('v128.andnot', b, na);
        const inner = argsOf(a, 'v128.and');
        if (inner !== undefined && wordsOf(b) !== undefined && wordsOf(inner[1]!) !== undefined)
          return this.apply('v128.and', inner[0]!, this.apply('v128.and', inner[1]!, b));
        return this.folded(a, b, (x, y) => x & y);
      }
      case 'v128.or':
        if (a === b || isZero(b) || isOnes(a)) return a;
        if (isZero(a) || isOnes(b)) return b;
        return this.folded(a, b, (x, y) => x | y);
      case 'v128.xor':
        if (isZero(b)) return a;
        if (isZero(a)) return b;
        if (isOnes(b)) return this.not(a);
        return this.folded(a, b, (x, y) => x ^ y);
      case 'v128.andnot':
        if (isZero(b) || isZero(a)) return a;
        if (isOnes(b)) return this.constant32(0);
        return undefined;
      case 'i32x4.add': {
        if (isZero(b)) return a;
        if (isZero(a)) return b;
        return this.rampPlus(a, b) ?? this.rampPlus(b, a) ?? this.folded(a, b, (x, y) => x + y);
      }
      case 'i32x4.sub': {
        if (isZero(b)) return a;
        if (isZero(a)) return this.apply('i32x4.neg', b);
        const words = wordsOf(b);
        const negated = words === undefined ? undefined : this.words(-words[0]!, -words[1]!, -words[2]!, -words[3]!);
        return this.folded(a, b, (x, y) => x - y) ?? (negated === undefined ? undefined : this.rampPlus(a, negated));
      }
      default:
        return undefined;
    }
  }

  /** A ramp plus a constant or something invariant is a ramp, too. */
  private rampPlus(node: Node, more: Node): Node | undefined {
    if (node.operation.kind !== 'ramp') return undefined;
    const { ramp } = node.operation;
    if (more.operation.kind === 'splat' && ramp.base === undefined && more.operation.scalar.kind === 'i32')
      return this.node({ kind: 'ramp', ramp: { ...ramp, base: more.operation.scalar } }, []);
    const words = wordsOf(more);
    if (words === undefined || words.some((word) => word !== words[0])) return undefined;
    return this.node({ kind: 'ramp', ramp: { ...ramp, offset: (ramp.offset + words[0]!) | 0 } }, []);
  }

  private folded(a: Node, b: Node, operator: (x: number, y: number) => number): Node | undefined {
    const [x, y] = [wordsOf(a), wordsOf(b)];
    if (x === undefined || y === undefined) return undefined;
    const [p, q, r, s] = x.map((word, i) => operator(word, y[i]!)) as [number, number, number, number];
    return this.words(p, q, r, s);
  }
}

function argsOfRare(mask: Node, choices: readonly Choice[]): Node[] {
  return [mask, ...choices.flatMap((choice) => [choice.mask, choice.a, choice.b])];
}

export function partsOfRare({ args }: Node): { mask: Node; choices: Choice[] } {
  const [mask, ...others] = args;
  const choices: Choice[] = [];
  for (let i = 0; i < others.length; i += 3) choices.push({ mask: others[i]!, a: others[i + 1]!, b: others[i + 2]! });
  return { mask: mask!, choices };
}

/** The arguments of a node with this operator. */
export function argsOf(node: Node, name: VectorOperator): readonly Node[] | undefined {
  return node.operation.kind === 'vector' && node.operation.name === name ? node.args : undefined;
}

export function wordsOf({ operation }: Node): readonly number[] | undefined {
  return operation.kind === 'constant' ? operation.words : undefined;
}

/** Whether a node needs another one. */
export function dependsOn(node: Node, other: Node, seen = new Set<Node>()): boolean {
  if (node === other) return true;
  if (seen.has(node)) return false;
  seen.add(node);
  return node.args.some((arg) => dependsOn(arg, other, seen));
}

function isZero(node: Node): boolean {
  return wordsOf(node)?.every((word) => word === 0) === true;
}

function isOnes(node: Node): boolean {
  return wordsOf(node)?.every((word) => word === -1) === true;
}

export function rampKey({ counter, base, offset }: Ramp): string {
  return `${counter.index}+${base?.local ?? ''}+${offset}`;
}

function keyOf(operation: Operation, args: readonly Node[]): string {
  return `${operationKey(operation)}(${args.map(({ id }) => id).join()})`;
}

function operationKey(operation: Operation): string {
  switch (operation.kind) {
    case 'constant':
      return operation.words.join();
    case 'splat':
      return `splat ${operation.scalar.local}`;
    case 'ramp':
      return `ramp ${rampKey(operation.ramp)}`;
    case 'cells':
      return `cells ${operation.cells.register.index} ${rampKey(operation.cells.ramp)} ${operation.part}`;
    case 'carried':
      return `carried ${operation.carried.local}`;
    case 'vector':
      return operation.name;
    case 'shift':
      return `${operation.name} ${typeof operation.by === 'number' ? operation.by : `local ${operation.by.local}`}`;
    case 'shuffle':
      return `shuffle ${operation.bytes.join()}`;
    case 'shiftEach':
      return `each ${operation.name}`;
    case 'shiftOneByOne':
      return `one by one ${operation.name}`;
    case 'rare':
      return 'rare';
    case 'resultOfRare':
      return `result ${operation.index}`;
  }
}
