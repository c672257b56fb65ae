import { PacketAbortError } from '../errors.js';
import type {
  ArithmeticOp,
  ComparisonOp,
  Expression,
  FieldRef,
  HeaderDef,
  HeaderStackDef,
  UnionDef,
  UnionStackDef,
} from '../json/data.js';
import type { Packet } from './packet.js';
import type { Context } from './context.js';
import { elementAt, equalHeaders, equalUnions, validMember } from './headers.js';
import { MAX_SHIFT } from '../limits.js';

export type DataFn = (p: Packet) => bigint;
export type BoolFn = (p: Packet) => boolean;

/** Compiles an expression whose type is data, or a truth value that counts as 0 or 1. */
export function compileData(e: Expression, context: Context): DataFn {
  switch (e.op) {
    case 'constant': {
      const { value } = e;
      return () => value;
    }
    case 'field':
      return compileField(e.ref);
    case 'argument': {
      const { index } = e;
      return (p) => p.args[index]!;
    }
    case 'register':
      return compileRegisterRead(e, context);
    case 'lastField': {
      const { stack, offset } = e;
      return (p) => p.fields[lastOf(p, stack).fields[offset]!.index]!;
    }
    case 'arithmetic':
      return compileArithmetic(e.operator, e.left, e.right, context);
    case 'invert': {
      const of = compileData(e.of, context);
      return (p) => ~of(p);
    }
    case 'fromBool': {
      const of = compileBool(e.of, context);
      return (p) => (of(p) ? 1n : 0n);
    }
    case 'choose': {
      const condition = compileBool(e.condition, context);
      const left = compileData(e.left, context);
      const right = compileData(e.right, context);
      return (p) => (condition(p) ? left(p) : right(p));
    }
    case 'fieldAt': {
      const header = compileHeader(e.header, context);
      const { offset } = e;
      // The offset after the last field is the hidden $valid$ field.
      return (p) => {
        const h = header(p);
        return offset < h.fields.length ? p.fields[h.fields[offset]!.index]! : BigInt(p.valid[h.index]!);
      };
    }
    case 'lastIndex': {
      const stack = stackOf(e.stack).index;
      return (p) => BigInt.asUintN(64, BigInt(p.next[stack]! - 1));
    }
    case 'stackSize': {
      const stack = stackOf(e.stack).index;
      return (p) => BigInt(p.next[stack]!);
    }
    default: {
      const bool = compileBool(e, context);
      return (p) => (bool(p) ? 1n : 0n);
    }
  }
}

export function compileField(ref: FieldRef): DataFn {
  if ('field' in ref) {
    const { index } = ref.field;
    return (p) => p.fields[index]!;
  }
  const { index } = ref.validOf;
  return (p) => (p.valid[index] === 0 ? 0n : 1n);
}

function compileRegisterRead(e: Extract<Expression, { op: 'register' }>, context: Context): DataFn {
  const array = context.host.state.registers[e.register.index]!;
  const index = compileData(e.index, context);
  return (p) => {
    const i = index(p);
    if (i < 0n || i >= array.size) {
      p.trace?.add({ kind: 'outOfRange', object: `register ${array.def.name}`, index: i, size: array.size });
      return 0n;
    }
    return array.read(Number(i));
  };
}

export function compileBool(e: Expression, context: Context): BoolFn {
  switch (e.op) {
    case 'boolean': {
      const { value } = e;
      return () => value;
    }
    case 'toBool': {
      const of = compileData(e.of, context);
      return (p) => of(p) !== 0n;
    }
    case 'compare':
      return compileComparison(e.operator, compileData(e.left, context), compileData(e.right, context));
    case 'equal':
      return compileEquality(e, context);
    case 'logic': {
      const left = compileBool(e.left, context);
      const right = compileBool(e.right, context);
      // BMv2 evaluates both sides; expressions change nothing, so skipping one cannot be seen.
      return e.operator === 'and' ? (p) => left(p) && right(p) : (p) => left(p) || right(p);
    }
    case 'not': {
      const of = compileBool(e.of, context);
      return (p) => !of(p);
    }
    case 'valid': {
      if (e.of.op === 'header') {
        const { index } = e.of.header;
        return (p) => p.valid[index] !== 0;
      }
      if (e.of.type === 'header') {
        const header = compileHeader(e.of, context);
        return (p) => p.valid[header(p).index] !== 0;
      }
      const union = compileUnion(e.of, context);
      return (p) => validMember(p, union(p)) >= 0;
    }
    case 'choose': {
      const condition = compileBool(e.condition, context);
      const left = compileBool(e.left, context);
      const right = compileBool(e.right, context);
      return (p) => (condition(p) ? left(p) : right(p));
    }
    default: {
      const data = compileData(e, context);
      return (p) => data(p) !== 0n;
    }
  }
}

function compileEquality(e: Extract<Expression, { op: 'equal' }>, context: Context): BoolFn {
  const { negated } = e;
  switch (e.left.type) {
    case 'bool': {
      const left = compileBool(e.left, context);
      const right = compileBool(e.right, context);
      return negated ? (p) => left(p) !== right(p) : (p) => left(p) === right(p);
    }
    case 'header': {
      const left = compileHeader(e.left, context);
      const right = compileHeader(e.right, context);
      return (p) => equalHeaders(p, left(p), right(p)) !== negated;
    }
    case 'union': {
      const left = compileUnion(e.left, context);
      const right = compileUnion(e.right, context);
      return (p) => equalUnions(p, left(p), right(p)) !== negated;
    }
    default: {
      const left = compileData(e.left, context);
      if (e.right.op === 'constant') {
        const { value } = e.right;
        return negated ? (p) => left(p) !== value : (p) => left(p) === value;
      }
      const right = compileData(e.right, context);
      return negated ? (p) => left(p) !== right(p) : (p) => left(p) === right(p);
    }
  }
}

function compileComparison(operator: ComparisonOp, left: DataFn, right: DataFn): BoolFn {
  switch (operator) {
    case '<':
      return (p) => left(p) < right(p);
    case '>':
      return (p) => left(p) > right(p);
    case '<=':
      return (p) => left(p) <= right(p);
    case '>=':
      return (p) => left(p) >= right(p);
  }
}

/** Operators whose right side is a constant get their own closures: that side is constant in most programs. */
function compileArithmetic(
  operator: ArithmeticOp,
  leftSide: Expression,
  rightSide: Expression,
  context: Context,
): DataFn {
  const left = compileData(leftSide, context);
  if (rightSide.op === 'constant') {
    const c = rightSide.value;
    switch (operator) {
      case '+':
        return (p) => left(p) + c;
      case '-':
        return (p) => left(p) - c;
      case '*':
        return (p) => left(p) * c;
      case '&':
        return (p) => left(p) & c;
      case '|':
        return (p) => left(p) | c;
      case '^':
        return (p) => left(p) ^ c;
      case '<<':
        return c > MAX_SHIFT ? () => 0n : (p) => left(p) << c;
      case '>>':
        return (p) => left(p) >> c;
      case 'two_comp_mod': {
        const width = Number(c);
        return (p) => BigInt.asIntN(width, left(p));
      }
      default:
        break;
    }
  }
  const right = compileData(rightSide, context);
  switch (operator) {
    case '+':
      return (p) => left(p) + right(p);
    case '-':
      return (p) => left(p) - right(p);
    case '*':
      return (p) => left(p) * right(p);
    case '/':
      return (p) => left(p) / divisor(right(p));
    case '%':
      return (p) => left(p) % divisor(right(p));
    case '&':
      return (p) => left(p) & right(p);
    case '|':
      return (p) => left(p) | right(p);
    case '^':
      return (p) => left(p) ^ right(p);
    case '<<':
      return (p) => {
        const bits = right(p);
        return bits > MAX_SHIFT ? 0n : left(p) << bits;
      };
    case '>>':
      return (p) => left(p) >> right(p);
    case 'two_comp_mod':
      return (p) => BigInt.asIntN(Number(right(p)), left(p));
    case 'usat_cast':
      return (p) => clamp(left(p), 0n, (1n << right(p)) - 1n);
    case 'sat_cast':
      return (p) => {
        const half = 1n << (right(p) - 1n);
        return clamp(left(p), -half, half - 1n);
      };
  }
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new PacketAbortError('division by zero');
  return value;
}

function clamp(value: bigint, min: bigint, max: bigint): bigint {
  return value < min ? min : value > max ? max : value;
}

export function compileHeader(e: Expression, context: Context): (p: Packet) => HeaderDef {
  switch (e.op) {
    case 'header': {
      const { header } = e;
      return () => header;
    }
    case 'headerAt': {
      const stack = stackOf(e.stack) as HeaderStackDef;
      const index = compileData(e.index, context);
      return (p) => {
        const i = index(p);
        const element = elementAt(p, stack, i);
        if (element === stack.outside)
          p.trace?.add({
            kind: 'outOfRange',
            object: `header stack ${stack.name}`,
            index: i,
            size: stack.headers.length,
          });
        return element;
      };
    }
    case 'memberAt': {
      const union = compileUnion(e.union, context);
      const { member } = e;
      return (p) => union(p).members[member]!;
    }
    case 'choose': {
      const condition = compileBool(e.condition, context);
      const left = compileHeader(e.left, context);
      const right = compileHeader(e.right, context);
      return (p) => (condition(p) ? left(p) : right(p));
    }
    default:
      throw new Error(`not a header expression: ${e.op}`);
  }
}

export function compileUnion(e: Expression, context: Context): (p: Packet) => UnionDef {
  switch (e.op) {
    case 'union': {
      const { union } = e;
      return () => union;
    }
    case 'unionAt': {
      const stack = stackOf(e.stack) as UnionStackDef;
      const index = compileData(e.index, context);
      return (p) => {
        const i = index(p);
        const union = i >= 0n && i < stack.unions.length ? stack.unions[Number(i)] : undefined;
        if (union === undefined)
          throw new PacketAbortError(`index ${i} is outside union stack ${stack.name} of size ${stack.unions.length}`);
        return union;
      };
    }
    case 'choose': {
      const condition = compileBool(e.condition, context);
      const left = compileUnion(e.left, context);
      const right = compileUnion(e.right, context);
      return (p) => (condition(p) ? left(p) : right(p));
    }
    default:
      throw new Error(`not a union expression: ${e.op}`);
  }
}

/** Stacks themselves are never computed at run time. */
export function stackOf(e: Expression): HeaderStackDef | UnionStackDef {
  if (e.op === 'headerStack' || e.op === 'unionStack') return e.stack;
  throw new Error(`not a stack expression: ${e.op}`);
}

/** The last element in use; of an empty stack the element that reads as zero. */
export function lastOf(p: Packet, stack: HeaderStackDef): HeaderDef {
  return elementAt(p, stack, BigInt(p.next[stack.index]! - 1));
}
