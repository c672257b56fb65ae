/**
 * What a program computes with: fields, headers, stacks, unions, registers, and the expressions over them. They share
 * a file because a header's length can be an expression, and an expression refers to headers.
 */
export interface FieldDef {
  readonly name: string;
  readonly header: HeaderDef;
  /** Place in the flat array of field values of a packet. */
  readonly index: number;
  /** Place within its header. */
  readonly offset: number;
  /** Bits; for a varbit field the maximum (0 if the JSON does not give it). */
  readonly width: number;
  readonly signed: boolean;
  readonly saturating: boolean;
  readonly varbit: boolean;
}

export interface HeaderDef {
  readonly name: string;
  readonly index: number;
  readonly type: string;
  readonly metadata: boolean;
  readonly fields: readonly FieldDef[];
  readonly fixedBytes: number;
  /** Bytes, varbit field included; 0: unlimited. */
  readonly maxBytes: number;
  readonly varbit: FieldDef | undefined;
  /** P4_14 length expression for the varbit field, in bits. */
  readonly lengthExpression: Expression | undefined;
  /** Headers of the same union, without this one. */
  siblings: readonly HeaderDef[];
}

export interface HeaderStackDef {
  readonly kind: 'headerStack';
  readonly name: string;
  /** Place in the packet's array of `next` indices, shared with union stacks. */
  readonly index: number;
  readonly headers: readonly HeaderDef[];
  /** What an index outside the stack refers to: never valid, reads as zero. simple_switch would stop there. */
  readonly outside: HeaderDef;
}

export interface UnionDef {
  readonly name: string;
  readonly members: readonly HeaderDef[];
  readonly memberNames: readonly string[];
}

export interface UnionStackDef {
  readonly kind: 'unionStack';
  readonly name: string;
  readonly index: number;
  readonly unions: readonly UnionDef[];
}

/** A field, or the validity of a header seen as a one-bit field (`$valid$`). */
export type FieldRef = { readonly field: FieldDef } | { readonly validOf: HeaderDef };

export interface RegisterDef {
  readonly name: string;
  readonly index: number;
  readonly size: number;
  readonly width: number;
}

export type ExpressionType = 'data' | 'bool' | 'header' | 'headerStack' | 'union' | 'unionStack';

/** Operators on data with two operands and a data result. */
export const ARITHMETIC = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '<<',
  '>>',
  '&',
  '|',
  '^',
  'two_comp_mod',
  'usat_cast',
  'sat_cast',
] as const;
/** Operators on data with two operands and a truth value as result. */
export const COMPARISON = ['<', '>', '<=', '>='] as const;
export type ArithmeticOp = (typeof ARITHMETIC)[number];
export type ComparisonOp = (typeof COMPARISON)[number];

/** An expression with its type; the tree mirrors the JSON; nothing is simplified here. */
export type Expression =
  | { readonly op: 'constant'; readonly type: 'data'; readonly value: bigint }
  | { readonly op: 'boolean'; readonly type: 'bool'; readonly value: boolean }
  | { readonly op: 'field'; readonly type: 'data'; readonly ref: FieldRef }
  | { readonly op: 'argument'; readonly type: 'data'; readonly index: number }
  | { readonly op: 'register'; readonly type: 'data'; readonly register: RegisterDef; readonly index: Expression }
  | { readonly op: 'lastField'; readonly type: 'data'; readonly stack: HeaderStackDef; readonly offset: number }
  | {
      readonly op: 'arithmetic';
      readonly type: 'data';
      readonly operator: ArithmeticOp;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly op: 'invert'; readonly type: 'data'; readonly of: Expression }
  | { readonly op: 'fromBool'; readonly type: 'data'; readonly of: Expression }
  | { readonly op: 'toBool'; readonly type: 'bool'; readonly of: Expression }
  | {
      readonly op: 'compare';
      readonly type: 'bool';
      readonly operator: ComparisonOp;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly op: 'equal';
      readonly type: 'bool';
      readonly negated: boolean;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly op: 'logic';
      readonly type: 'bool';
      readonly operator: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly op: 'not'; readonly type: 'bool'; readonly of: Expression }
  | { readonly op: 'valid'; readonly type: 'bool'; readonly of: Expression }
  | {
      readonly op: 'choose';
      readonly type: ExpressionType;
      readonly condition: Expression;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly op: 'header'; readonly type: 'header'; readonly header: HeaderDef }
  | { readonly op: 'headerStack'; readonly type: 'headerStack'; readonly stack: HeaderStackDef }
  | { readonly op: 'union'; readonly type: 'union'; readonly union: UnionDef }
  | { readonly op: 'unionStack'; readonly type: 'unionStack'; readonly stack: UnionStackDef }
  | { readonly op: 'headerAt'; readonly type: 'header'; readonly stack: Expression; readonly index: Expression }
  | { readonly op: 'unionAt'; readonly type: 'union'; readonly stack: Expression; readonly index: Expression }
  | { readonly op: 'fieldAt'; readonly type: 'data'; readonly header: Expression; readonly offset: number }
  | { readonly op: 'memberAt'; readonly type: 'header'; readonly union: Expression; readonly member: number }
  | { readonly op: 'lastIndex'; readonly type: 'data'; readonly stack: Expression }
  | { readonly op: 'stackSize'; readonly type: 'data'; readonly stack: Expression };
