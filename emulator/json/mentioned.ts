import type { FieldDef, HeaderDef } from './data.js';

/**
 * All fields that a part of the program names, those of whole headers included. The part may be any value, so that no
 * way of naming a field is forgotten.
 * @param skipped objects that are not visited.
 */
export function mentioned(part: unknown, skipped: Iterable<unknown> = []): Set<FieldDef> {
  const fields = new Set<FieldDef>();
  const seen = new Set<unknown>(skipped);
  const open = [part];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (isField(value)) fields.add(value);
    else if (isHeader(value)) for (const field of value.fields) fields.add(field);
    else if (value instanceof Map) open.push(...value.values());
    else open.push(...(Object.values(value) as unknown[]));
  }
  return fields;
}

function isField(value: object): value is FieldDef {
  return 'header' in value && 'varbit' in value && 'saturating' in value;
}

function isHeader(value: object): value is HeaderDef {
  return 'metadata' in value && 'fields' in value && 'siblings' in value;
}
