/** The elements of BMv2's JSON that the cases are made of, and what a case is. */

export interface JsonCase {
  readonly name: string;
  /** First byte of the packet. */
  readonly code: number;
  readonly primitives: readonly object[];
  /** State that the parser goes to; none: the fixed header is all. */
  readonly state?: string;
  /** Behind the first byte: a, b, r of four bytes each, and what follows; hexadecimal. */
  readonly input: string;
  /** Behind the primitives the table of P4_14 is applied: it sets r to 1 if x1 is valid and a is 0x__05____, else to 2. */
  readonly table?: true;
  /** simple_switch takes the member for a field (P4Objects.cpp, build_expression), and its process ends. */
  readonly endsBmv2?: true;
  /** What leaves, from the second byte on; undefined: nothing does. */
  readonly output: string | undefined;
}

export type CaseWithoutCode = Omit<JsonCase, 'code'>;

export const field = (name: string, header = 'h'): object => ({ type: 'field', value: [header, name] });
export const hex = (value: number): object => ({ type: 'hexstr', value: `0x${value.toString(16)}` });
export const header = (name: string): object => ({ type: 'header', value: name });
export const stack = (name: string): object => ({ type: 'header_stack', value: name });
export const union = (name: string): object => ({ type: 'header_union', value: name });
export const unionStack = (name: string): object => ({ type: 'header_union_stack', value: name });
export const inner = (op: string, left: object | null, right: object | number | null, cond?: object): object => ({
  type: 'expression',
  value: { op, left, right, ...(cond === undefined ? {} : { cond }) },
});
export const expression = (...args: Parameters<typeof inner>): object => ({
  type: 'expression',
  value: inner(...args),
});
export const data = (condition: object): object => inner('b2d', null, condition);
export const run = (op: string, ...parameters: object[]): object => ({ op, parameters });
export const result = (value: object): object => run('assign', field('r'), { type: 'expression', value });

export const [a, b] = [field('a'), field('b')];
