/**
 * The typed program: BMv2 JSON (format 2.x) with every name and id resolved to the object it means. It is
 * immutable, holds no run-time state, and is all that an engine sees of the JSON.
 */
import type { Expression, FieldDef, FieldRef, HeaderDef, HeaderStackDef, RegisterDef, UnionStackDef } from './data.js';
import type { MatchKey } from '../control.js';

export interface CounterDef {
  readonly name: string;
  readonly index: number;
  readonly size: number;
}

export interface MeterDef {
  readonly name: string;
  readonly index: number;
  readonly unit: 'bytes' | 'packets';
  readonly rateCount: number;
  readonly size: number;
  /** Where a direct meter puts the colour; undefined for an indirect one. */
  readonly directTarget: FieldDef | undefined;
}

export type CalculationInput =
  | { readonly kind: 'field'; readonly field: FieldDef }
  | { readonly kind: 'constant'; readonly value: bigint; readonly width: number }
  | { readonly kind: 'header'; readonly header: HeaderDef }
  | { readonly kind: 'payload' };

export interface CalculationDef {
  readonly name: string;
  readonly index: number;
  readonly algorithm: string;
  readonly input: readonly CalculationInput[];
}

export interface ChecksumDef {
  readonly name: string;
  readonly target: FieldDef;
  readonly calculation: CalculationDef;
  readonly verify: boolean;
  readonly update: boolean;
  readonly condition: Expression | undefined;
}

export interface FieldListDef {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly FieldDef[];
}

export interface LearnListDef {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly FieldRef[];
}

export interface ValueSetDef {
  readonly name: string;
  readonly index: number;
  /** Bits of one value, without padding between its fields. */
  readonly width: number;
}

/** An argument of a primitive. */
export type Operand =
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'counter'; readonly counter: CounterDef }
  | { readonly kind: 'meter'; readonly meter: MeterDef }
  | { readonly kind: 'register'; readonly register: RegisterDef }
  | { readonly kind: 'calculation'; readonly calculation: CalculationDef }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'vector'; readonly items: readonly Expression[] };

export interface Primitive {
  readonly op: string;
  readonly args: readonly Operand[];
  /** The P4 text the primitive comes from, if the JSON contains it. */
  readonly source: string | undefined;
}

export interface ActionDef {
  readonly name: string;
  readonly id: number;
  readonly index: number;
  readonly params: readonly { readonly name: string; readonly width: number }[];
  readonly primitives: readonly Primitive[];
}

export type ExtractTarget =
  | { readonly kind: 'header'; readonly header: HeaderDef }
  | { readonly kind: 'stack'; readonly stack: HeaderStackDef }
  | { readonly kind: 'unionStack'; readonly stack: UnionStackDef; readonly member: number };

export type ParserOp =
  | { readonly op: 'extract'; readonly target: ExtractTarget; readonly varbits: Expression | undefined }
  | { readonly op: 'set'; readonly field: FieldDef; readonly from: Expression }
  | { readonly op: 'lookahead'; readonly field: FieldDef; readonly bitOffset: number; readonly width: number }
  | { readonly op: 'verify'; readonly condition: Expression; readonly error: Expression }
  | { readonly op: 'advance'; readonly bits: Expression }
  | { readonly op: 'primitive'; readonly primitive: Primitive };

export type TransitionKey =
  | { readonly kind: 'field'; readonly ref: FieldRef; readonly width: number }
  | { readonly kind: 'stackField'; readonly stack: HeaderStackDef; readonly offset: number; readonly width: number }
  | {
      readonly kind: 'unionStackField';
      readonly stack: UnionStackDef;
      readonly member: number;
      readonly offset: number;
      readonly width: number;
    }
  | { readonly kind: 'lookahead'; readonly bitOffset: number; readonly width: number };

export interface Transition {
  /** Null: every mask bit counts. */
  readonly mask: bigint | null;
  readonly match:
    { readonly kind: 'value'; readonly value: bigint } | { readonly kind: 'valueSet'; readonly set: ValueSetDef };
  /** Null ends the parser with success. */
  next: ParserStateDef | null;
}

export interface ParserStateDef {
  readonly name: string;
  readonly index: number;
  readonly ops: readonly ParserOp[];
  readonly key: readonly TransitionKey[];
  transitions: readonly Transition[];
  defaultNext: ParserStateDef | null;
}

export interface ParserDef {
  readonly name: string;
  readonly start: ParserStateDef | null;
  readonly states: readonly ParserStateDef[];
}

export interface DeparserDef {
  readonly name: string;
  readonly order: readonly HeaderDef[];
  readonly primitives: readonly Primitive[];
}

export interface KeyDef {
  readonly name: string;
  readonly kind: MatchKey['kind'];
  readonly ref: FieldRef;
  readonly width: number;
  readonly mask: bigint | null;
}

export interface BoundAction {
  readonly action: ActionDef;
  readonly args: readonly bigint[];
}

export interface ConstEntry {
  readonly keys: readonly MatchKey[];
  readonly priority: number;
  readonly call: BoundAction;
}

export interface ActionProfileDef {
  readonly name: string;
  readonly index: number;
  readonly size: number;
  readonly selector: CalculationDef | undefined;
}

export interface TableDef {
  readonly kind: 'table';
  readonly name: string;
  readonly index: number;
  readonly pipeline: string;
  readonly keys: readonly KeyDef[];
  readonly matchKind: 'exact' | 'lpm' | 'ternary' | 'range';
  readonly maxSize: number;
  readonly withCounters: boolean;
  readonly supportsTimeout: boolean;
  readonly directMeter: MeterDef | undefined;
  readonly profile: ActionProfileDef | undefined;
  readonly actions: readonly ActionDef[];
  readonly defaultEntry: BoundAction | undefined;
  readonly constDefaultAction: boolean;
  readonly constDefaultEntry: boolean;
  /** Undefined: the control plane owns the entries. */
  readonly entries: readonly ConstEntry[] | undefined;
  /** Next node by index of the action, when the program does not branch on hit or miss. */
  readonly nextByAction: Map<number, ControlNode | null>;
  hitMiss: { readonly hit: ControlNode | null; readonly miss: ControlNode | null } | undefined;
  defaultNext: ControlNode | null;
}

export interface ConditionalDef {
  readonly kind: 'conditional';
  readonly name: string;
  readonly expression: Expression;
  readonly source: string | undefined;
  onTrue: ControlNode | null;
  onFalse: ControlNode | null;
}

interface ActionCallDef {
  readonly kind: 'call';
  readonly name: string;
  readonly action: ActionDef;
  next: ControlNode | null;
}

export type ControlNode = TableDef | ConditionalDef | ActionCallDef;

export interface PipelineDef {
  readonly name: string;
  readonly start: ControlNode | null;
  readonly nodes: readonly ControlNode[];
}

export interface Program {
  readonly headers: readonly HeaderDef[];
  readonly fieldCount: number;
  readonly stackCount: number;
  readonly counters: readonly CounterDef[];
  readonly meters: readonly MeterDef[];
  readonly registers: readonly RegisterDef[];
  readonly calculations: readonly CalculationDef[];
  readonly checksums: readonly ChecksumDef[];
  readonly fieldLists: ReadonlyMap<number, FieldListDef>;
  readonly learnLists: ReadonlyMap<number, LearnListDef>;
  readonly valueSets: readonly ValueSetDef[];
  readonly actions: readonly ActionDef[];
  readonly profiles: readonly ActionProfileDef[];
  readonly tables: readonly TableDef[];
  readonly parser: ParserDef;
  readonly deparser: DeparserDef;
  readonly ingress: PipelineDef;
  readonly egress: PipelineDef;
  /** Value of an error by its P4 name; the core errors are always present. */
  readonly errors: ReadonlyMap<string, number>;
  /** Fields the architecture itself reads and writes, by the target's name for them (aliases resolved). */
  readonly architecture: ReadonlyMap<string, FieldDef>;
}
