/** Loops over registers, written by hand. */
import { asData, call, field, hexstr, operation, type Json } from '../../../../fuzz/engines/generate/json.js';
import { loopProgram, type RegisterShape } from '../../../../fuzz/engines/generate/loop-program.js';

export const scalar = (name: string): Json => field('scalars', name);
export const of = (name: string): Json => field('h', name);
const array = (name: string): Json => ({ type: 'register_array', value: name });
export const counts: Json = { type: 'counter_array', value: 'counts' };
export const word = (value: Json): Json => operation('&', value, hexstr(0xffffffff));
export const plus = (name: string, by: number): Json => word(operation('+', scalar(name), hexstr(by)));
export const assign = (name: string, value: Json): Json => call('assign', scalar(name), value);
export const read = (to: string, register: string, index: Json): Json =>
  call('register_read', scalar(to), array(register), index);
export const write = (register: string, index: Json, value: Json): Json =>
  call('register_write', array(register), index, value);

export const REGISTERS: readonly RegisterShape[] = [
  { name: 'r0', width: 32, size: 40 },
  { name: 'r1', width: 32, size: 40 },
  { name: 'r2', width: 16, size: 40 },
  { name: 'r3', width: 64, size: 40 },
  { name: 'r4', width: 32, size: 40 },
];

/** for (i = from; i < limit; i++) { body }; jumps within the body are relative to its beginning. */
export function loop(limit: number, body: readonly Json[], from = 0, before: readonly Json[] = []): Json[] {
  const head = before.length + 1;
  const end = head + body.length + 3;
  const moved = body.map((primitive) => {
    const { op, parameters } = primitive as { op: string; parameters: Json[] };
    const target = op === '_jump' ? 0 : op === '_jump_if_zero' ? 1 : undefined;
    if (target === undefined) return primitive;
    const to = Number((parameters[target] as { value: string }).value);
    return call(op, ...parameters.map((p, i) => (i === target ? hexstr(to > body.length ? end : head + 1 + to) : p)));
  });
  return [
    ...before,
    assign('i', hexstr(from)),
    call('_jump_if_zero', asData(operation('<', scalar('i'), hexstr(limit))), hexstr(end)),
    ...moved,
    assign('i', plus('i', 1)),
    call('_jump', hexstr(head)),
  ];
}

/** A statement that leaves the loop, as its last argument says. */
export const OUT = hexstr(1_000);

/** if (condition) then else otherwise, at this place of the body. */
export function branch(at: number, condition: Json, then: readonly Json[], otherwise: readonly Json[] = []): Json[] {
  const second = at + 1 + then.length + (otherwise.length === 0 ? 0 : 1);
  return [
    call('_jump_if_zero', asData(condition), hexstr(second)),
    ...then,
    ...(otherwise.length === 0 ? [] : [call('_jump', hexstr(second + otherwise.length)), ...otherwise]),
  ];
}

export function program(action: readonly Json[], registers = REGISTERS): string {
  return loopProgram(registers, [action]);
}
