import type { Expression, FieldDef } from '../../json/data.js';
import { kindOf, type ScalarKind } from '../../machine/value-representation.js';
import { mentioned } from '../../json/mentioned.js';
import type { Ref } from '../binaryen.js';
import type { ExpressionCompiler } from '../expression.js';
import type { CompileScope } from '../scope.js';
import type { Graph, Node, Scalar } from './graph.js';
import type { Lanes } from './lanes.js';

/** Expressions that have the same value in each pass of a loop: they are computed once, before it. */
export class Uniforms {
  /** Code that goes before the loop. */
  readonly code: Ref[] = [];
  private readonly scalars = new Map<string, Scalar>();

  /** @param changes fields that the loop writes to. */
  constructor(
    private readonly scope: CompileScope,
    private readonly expressions: ExpressionCompiler,
    private readonly graph: Graph,
    private readonly changes: ReadonlySet<FieldDef>,
  ) {}

  /** Undefined: it is a constant, or may differ between passes. */
  lanes(e: Expression, kind: ScalarKind): Lanes | undefined {
    if (e.type !== 'data' || !this.isUniform(e) || isConstant(e)) return undefined;
    const node = this.graph.splat(this.scalar(e, kind, () => this.expressions.low(e, kind)));
    return { kind, parts: kind === 'i32' ? [node] : [node, node] };
  }

  /** The exact value of something uniform. */
  exact(e: Expression): Scalar {
    return this.scalar(e, this.expressions.kind(e) as ScalarKind, () => this.expressions.exact(e), 'exact');
  }

  mask(e: Expression): Node | undefined {
    const { m } = this.scope.unit;
    if (!this.isUniform(e) || isConstant(e)) return undefined;
    const scalar = this.scalar(e, 'i32', () => m.i32.sub(m.i32.const(0), this.expressions.bool(e)), 'mask');
    return this.graph.splat(scalar);
  }

  /**
   * A distance of less than `bits` bits by which all lanes are shifted.
   * @param most whether a longer one is the same as the longest, as for a number in two's complement.
   */
  distance(e: Expression, bits: number, most: boolean): number | Scalar | undefined {
    const range = this.scope.ranges.of(e);
    if (range.min === range.max) {
      if (range.max < BigInt(bits)) return Number(range.max);
      return most ? bits - 1 : undefined;
    }
    if (range.max >= BigInt(bits) || !this.isUniform(e)) return undefined;
    return this.scalar(e, 'i32', () => this.expressions.low(e, 'i32'));
  }

  powerOfTwo({ local }: Scalar): Scalar {
    const { m, b } = this.scope.unit;
    const key = `power ${local}`;
    let scalar = this.scalars.get(key);
    if (scalar === undefined)
      this.scalars.set(key, (scalar = this.local('i32', m.i32.shl(m.i32.const(1), m.local.get(local, b.i32)))));
    return scalar;
  }

  /** Something that is only known as code. */
  local(kind: ScalarKind, value: Ref): Scalar {
    const { m } = this.scope.unit;
    const local = this.scope.local(kind);
    this.code.push(m.local.set(local, value));
    return { local, kind };
  }

  private scalar(e: Expression, kind: ScalarKind, make: () => Ref, use = 'value'): Scalar {
    const key = `${use} ${kind} ${this.keyOf(e)}`;
    let scalar = this.scalars.get(key);
    if (scalar === undefined) this.scalars.set(key, (scalar = this.local(kind, make())));
    return scalar;
  }

  /** The code depends on what is known about the fields where the expression stands. */
  private keyOf(e: Expression): string {
    const known = [...mentioned(e)].map((field) => {
      const { min, max } = this.scope.ranges.field(field);
      return `${field.index}:${min}..${max}`;
    });
    return `${textOf(e)} ${known.join()}`;
  }

  isUniform(e: Expression): boolean {
    if (e.type === 'data' && kindOf(this.scope.ranges.of(e)) === 'wide') return false;
    switch (e.op) {
      case 'constant':
      case 'argument':
      case 'boolean':
        return true;
      case 'field':
        return 'validOf' in e.ref || !(this.changes.has(e.ref.field) || e.ref.field.varbit);
      case 'valid':
        return e.of.op === 'header';
      case 'invert':
      case 'fromBool':
      case 'toBool':
      case 'not':
        return this.isUniform(e.of);
      case 'equal':
        return (e.left.type === 'data' || e.left.type === 'bool') && this.isUniform(e.left) && this.isUniform(e.right);
      case 'compare':
      case 'logic':
        return this.isUniform(e.left) && this.isUniform(e.right);
      case 'arithmetic':
        // A division may abort the packet, so it must not be computed too early.
        return e.operator !== '/' && e.operator !== '%' && this.isUniform(e.left) && this.isUniform(e.right);
      default:
        return false;
    }
  }
}

function isConstant(e: Expression): boolean {
  switch (e.op) {
    case 'constant':
    case 'boolean':
      return true;
    case 'arithmetic':
    case 'compare':
    case 'equal':
    case 'logic':
      return isConstant(e.left) && isConstant(e.right);
    case 'invert':
    case 'fromBool':
    case 'toBool':
    case 'not':
      return isConstant(e.of);
    default:
      return false;
  }
}

/** The same text for the same expression. */
function textOf(e: Expression): string {
  return JSON.stringify(e, (key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}`;
    if (key === 'field') return (value as FieldDef).index;
    if (key === 'validOf' || key === 'header') return (value as { index: number }).index;
    return value;
  });
}
