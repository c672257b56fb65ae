import { createHash } from 'node:crypto';
import type { Program } from './program.js';
import type { FieldDef, HeaderDef } from './data.js';

const known = new WeakMap<Program, string>();

/**
 * Identifies a program: equal for two loads of the same JSON, and for JSON that differs only in the location of the
 * source.
 */
export function identityOf(program: Program): string {
  let identity = known.get(program);
  if (identity === undefined) known.set(program, (identity = compute(program)));
  return identity;
}

function compute(program: Program): string {
  const { headers, ...rest } = program;
  const shape = {
    headers: headers.map((h) => [
      h.name,
      h.type,
      h.metadata,
      h.maxBytes,
      h.fields.map(fieldText),
      h.siblings.map(({ name }) => name),
    ]),
    ...rest,
  };
  const definitions = new Set<unknown>([program.parser.states, program.ingress.nodes, program.egress.nodes]);
  // Objects that refer to each other are written where they are defined, and by their names elsewhere.
  const text = JSON.stringify(shape, function replace(this: unknown, key: string, value: unknown): unknown {
    if (typeof value === 'bigint') return `${value}n`;
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return key === 'source' ? undefined : value;
    if ('saturating' in value) return fieldText(value as FieldDef);
    if ('fixedBytes' in value) return `header ${(value as HeaderDef).name}`;
    if (('transitions' in value || isNode(value)) && !definitions.has(this))
      return (value as { readonly name: string }).name;
    return value;
  });
  return createHash('sha256').update(text).digest('hex');
}

function fieldText({ name, header, width, signed, saturating, varbit }: FieldDef): string {
  return `field ${header.name}.${name}:${width}${signed ? 's' : ''}${saturating ? '|' : ''}${varbit ? '*' : ''}`;
}

function isNode(value: object): boolean {
  return 'kind' in value && (value.kind === 'table' || value.kind === 'conditional' || value.kind === 'call');
}
