/** The elements of BMv2's JSON that random programs are made of. */
export type Json = object;

export const field = (header: string, name: string): Json => ({ type: 'field', value: [header, name] });
export const hexstr = (value: bigint | number): Json => ({
  type: 'hexstr',
  value: `${value < 0 ? '-' : ''}0x${(value < 0 ? -value : value).toString(16)}`,
});
export const header = (name: string): Json => ({ type: 'header', value: name });
export const headerStack = (name: string): Json => ({ type: 'header_stack', value: name });
export const headerUnion = (name: string): Json => ({ type: 'header_union', value: name });
export const headerUnionStack = (name: string): Json => ({ type: 'header_union_stack', value: name });
export const call = (op: string, ...parameters: Json[]): Json => ({ op, parameters });

/** An operation; `left` is null if there is only one operand. */
export function operation(op: string, left: Json | null, right: Json | number | null, cond?: Json): Json {
  return { type: 'expression', value: { op, left, right, ...(cond === undefined ? {} : { cond }) } };
}

/** A truth value as data. */
export const asData = (condition: Json): Json => operation('b2d', null, condition);
