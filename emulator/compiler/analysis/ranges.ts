import type { Expression, FieldDef, HeaderDef, HeaderStackDef, UnionDef, UnionStackDef } from '../../json/data.js';
import {
  BIT,
  bitLength,
  clampRange,
  contains,
  fieldRange,
  signedRange,
  union,
  unsignedRange,
  type Range,
} from '../../machine/value-representation.js';
import { MAX_SHIFT } from '../../limits.js';

/** Whether a mask is all ones from the lowest bit on, for at least as many bits as the values have. */
export function keepsAll(mask: bigint, values: Range): boolean {
  return values.min >= 0n && (mask & (mask + 1n)) === 0n && values.max <= mask;
}

/** What fields hold at one place of an action; a field without a range there may hold any value that fits it. */
export type Facts = ReadonlyMap<FieldDef, Range>;

const NO_FACTS: Facts = new Map();

/** Ranges of expressions, each computed once. `argument` gives the range of an argument of the enclosing action. */
export class Ranges {
  private readonly known = new Map<Expression, Range>();
  private facts = NO_FACTS;

  constructor(private readonly argument: (index: number) => Range) {}

  /** From now on, ranges are those at a place where these facts hold. */
  at(facts: Facts): this {
    this.known.clear();
    this.facts = facts;
    return this;
  }

  field(field: FieldDef): Range {
    return this.facts.get(field) ?? fieldRange(field);
  }

  of(e: Expression): Range {
    let range = this.known.get(e);
    if (range === undefined) this.known.set(e, (range = this.compute(e)));
    return range;
  }

  private compute(e: Expression): Range {
    switch (e.op) {
      case 'constant':
        return { min: e.value, max: e.value };
      case 'field':
        return 'field' in e.ref ? this.field(e.ref.field) : BIT;
      case 'argument':
        return this.argument(e.index);
      case 'register':
        return unsignedRange(e.register.width);
      case 'lastField':
        return [...e.stack.headers, e.stack.outside].map((h) => fieldRange(h.fields[e.offset]!)).reduce(union);
      case 'arithmetic':
        return arithmeticRange(e, this.of(e.left), this.of(e.right));
      case 'invert': {
        const { min, max } = this.of(e.of);
        return { min: -max - 1n, max: -min - 1n };
      }
      case 'choose':
        return union(this.of(e.left), this.of(e.right));
      case 'fieldAt':
        return headersOf(e.header)
          .map((h) => (e.offset < h.fields.length ? this.field(h.fields[e.offset]!) : BIT))
          .reduce(union);
      case 'lastIndex':
        return unsignedRange(64);
      case 'stackSize':
        return { min: 0n, max: BigInt(stackSizeOf(stackIn(e.stack))) };
      default:
        return BIT;
    }
  }
}

/** Headers that a header expression can refer to. */
function headersOf(e: Expression): readonly HeaderDef[] {
  switch (e.op) {
    case 'header':
      return [e.header];
    case 'headerAt': {
      const stack = stackIn(e.stack) as HeaderStackDef;
      return [...stack.headers, stack.outside];
    }
    case 'memberAt':
      return unionsOf(e.union).map((u) => u.members[e.member]!);
    case 'choose':
      return [...headersOf(e.left), ...headersOf(e.right)];
    default:
      throw new Error(`not a header expression: ${e.op}`);
  }
}

function unionsOf(e: Expression): readonly UnionDef[] {
  switch (e.op) {
    case 'union':
      return [e.union];
    case 'unionAt':
      return (stackIn(e.stack) as UnionStackDef).unions;
    case 'choose':
      return [...unionsOf(e.left), ...unionsOf(e.right)];
    default:
      throw new Error(`not a union expression: ${e.op}`);
  }
}

export function stackIn(e: Expression): HeaderStackDef | UnionStackDef {
  if (e.op === 'headerStack' || e.op === 'unionStack') return e.stack;
  throw new Error(`not a stack expression: ${e.op}`);
}

function stackSizeOf(stack: HeaderStackDef | UnionStackDef): number {
  return stack.kind === 'headerStack' ? stack.headers.length : stack.unions.length;
}

function arithmeticRange(e: Extract<Expression, { op: 'arithmetic' }>, a: Range, b: Range): Range {
  switch (e.operator) {
    case '+':
      return { min: a.min + b.min, max: a.max + b.max };
    case '-':
      return { min: a.min - b.max, max: a.max - b.min };
    case '*':
      return hull([a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max]);
    case '/': {
      if (a.min >= 0n && b.min >= 0n)
        return { min: b.max === 0n ? 0n : a.min / b.max, max: a.max / (b.min === 0n ? 1n : b.min) };
      const most = largest(a);
      return { min: -most, max: most };
    }
    case '%': {
      const most = largest(b) === 0n ? 0n : largest(b) - 1n;
      if (a.min >= 0n) return { min: 0n, max: a.max < most ? a.max : most };
      return { min: -most, max: most };
    }
    case '<<':
      return b.min < 0n
        ? union(shiftedLeft(a, { min: 0n, max: b.max }), shiftedRight(a, { min: 0n, max: -b.min }))
        : shiftedLeft(a, b);
    case '>>':
      return b.min < 0n
        ? union(shiftedRight(a, { min: 0n, max: b.max }), shiftedLeft(a, { min: 0n, max: -b.min }))
        : shiftedRight(a, b);
    case '&':
      if (a.min >= 0n && b.min >= 0n) return { min: 0n, max: a.max < b.max ? a.max : b.max };
      if (a.min >= 0n) return { min: 0n, max: a.max };
      if (b.min >= 0n) return { min: 0n, max: b.max };
      return envelope(a, b);
    case '|':
    case '^':
      return a.min >= 0n && b.min >= 0n ? unsignedRange(Math.max(bitLength(a.max), bitLength(b.max))) : envelope(a, b);
    case 'two_comp_mod': {
      const to = signedRange(Number(cap(b.max)));
      return contains(to, a) && b.min === b.max ? a : to;
    }
    case 'usat_cast':
      return clampRange(a, unsignedRange(Number(cap(b.max))));
    case 'sat_cast':
      return clampRange(a, signedRange(Number(cap(b.max))));
  }
}

function cap(bits: bigint): bigint {
  return bits < 0n ? 0n : bits > MAX_SHIFT ? MAX_SHIFT : bits;
}

function shiftedLeft(a: Range, b: Range): Range {
  const [low, high] = [cap(b.min), cap(b.max)];
  const range = hull([a.min << low, a.min << high, a.max << low, a.max << high]);
  return b.max > MAX_SHIFT ? union(range, { min: 0n, max: 0n }) : range;
}

function shiftedRight(a: Range, b: Range): Range {
  const [low, high] = [cap(b.min), cap(b.max)];
  return hull([a.min >> low, a.min >> high, a.max >> low, a.max >> high]);
}

/** The smallest two's complement range that holds both. */
function envelope(a: Range, b: Range): Range {
  const { min, max } = union(a, b);
  return signedRange(Math.max(bitLength(max), bitLength(-min - 1n)) + 1);
}

function largest({ min, max }: Range): bigint {
  return -min > max ? -min : max;
}

function hull(values: readonly bigint[]): Range {
  return values.map((v): Range => ({ min: v, max: v })).reduce(union);
}
