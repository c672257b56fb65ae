import type { JsonReader } from './reader.js';
import { Registry } from './reader.js';
import type { FieldDef, HeaderDef, HeaderStackDef, UnionDef, UnionStackDef, Expression } from './data.js';
import { NameScope } from './expression.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface FieldShape {
  readonly name: string;
  readonly width: number;
  readonly signed: boolean;
  readonly saturating: boolean;
  readonly varbit: boolean;
}

interface HeaderType {
  readonly name: string;
  readonly fields: readonly FieldShape[];
  readonly maxBytes: number;
  readonly lengthExpression: JsonReader | undefined;
}

export interface HeaderSection {
  readonly headers: readonly HeaderDef[];
  readonly fieldCount: number;
  readonly stackCount: number;
}

/** Header types, instances, stacks and unions; everything is entered into `scope` by name. */
export function loadHeaders(root: JsonReader, scope: NameScope): HeaderSection {
  const types = new Registry<HeaderType>('header type');
  for (const at of root.get('header_types').items()) types.add(at, at.get('name').string(), loadType(at));

  const headers: HeaderDef[] = [];
  let fieldCount = 0;
  const instantiate = (name: string, type: HeaderType, metadata: boolean): HeaderDef => {
    const fields: FieldDef[] = [];
    const header: Mutable<HeaderDef> = {
      name,
      index: headers.length,
      type: type.name,
      metadata,
      fields,
      fixedBytes: type.fields.reduce((bits, f) => bits + (f.varbit ? 0 : f.width), 0) / 8,
      maxBytes: type.maxBytes,
      varbit: undefined,
      lengthExpression: undefined,
      siblings: [],
    };
    type.fields.forEach((shape, offset) => {
      const field = { ...shape, header, index: fieldCount++, offset };
      fields.push(field);
      if (shape.varbit) header.varbit = field;
    });
    if (type.lengthExpression !== undefined)
      header.lengthExpression = lengthExpression(type.lengthExpression, header, scope);
    headers.push(header);
    return header;
  };

  const byId = new Registry<HeaderDef>('header id');
  for (const at of root.get('headers').items()) {
    const typeName = at.get('header_type');
    const header = instantiate(
      at.get('name').string(),
      types.get(typeName, typeName.string()),
      at.get('metadata').boolean(false),
    );
    if (!Number.isInteger(header.fixedBytes)) at.fail(`header ${header.name} is not a whole number of bytes`);
    scope.headers.add(at, header.name, header);
    byId.add(at.get('id'), at.get('id').integer(), header);
  }

  let stackCount = 0;
  for (const at of root.get('header_stacks').items()) {
    const name = at.get('name').string();
    const typeName = at.get('header_type');
    const stack: HeaderStackDef = {
      kind: 'headerStack',
      name,
      index: stackCount++,
      headers: at
        .get('header_ids')
        .items()
        .map((id) => byId.get(id, id.integer())),
      outside: instantiate(`${name}[outside]`, types.get(typeName, typeName.string()), false),
    };
    scope.stacks.add(at, name, stack);
  }

  loadUnions(root, scope, byId);
  for (const at of root.get('header_union_stacks').items()) {
    const unionIds = unionsById(root, scope);
    const stack: UnionStackDef = {
      kind: 'unionStack',
      name: at.get('name').string(),
      index: stackCount++,
      unions: at
        .get('header_union_ids')
        .items()
        .map((id) => unionIds.get(id, id.integer())),
    };
    scope.unionStacks.add(at, stack.name, stack);
  }
  return { headers, fieldCount, stackCount };
}

function loadType(at: JsonReader): HeaderType {
  const fields = at
    .get('fields')
    .items()
    .map((field): FieldShape => {
      const parts = field.items();
      const [name, width, signed, saturating] = parts;
      if (name === undefined || width === undefined) return field.fail('a field needs a name and a width');
      const varbit = width.value === '*';
      // p4c adds the maximum width of a varbit field as a fifth element; the format itself has only max_length.
      return {
        name: name.string(),
        width: varbit ? 0 : width.integer(),
        signed: flag(signed),
        saturating: flag(saturating),
        varbit,
      };
    });
  const varbits = fields.filter((f) => f.varbit);
  if (varbits.length > 1) at.fail('a header type has at most one field of variable length');
  const fixedBits = fields.reduce((bits, f) => bits + f.width, 0);
  const maxBytes = at.has('max_length') ? at.get('max_length').integer() : 0;
  return {
    name: at.get('name').string(),
    fields: fields.map((f) => (f.varbit && maxBytes > 0 ? { ...f, width: maxBytes * 8 - fixedBits } : f)),
    maxBytes,
    lengthExpression: at.has('length_exp') ? at.get('length_exp') : undefined,
  };
}

/** p4c writes the flags of a field as truth values, those of a bool field as 0. */
function flag(at: JsonReader | undefined): boolean {
  if (at === undefined || at.missing) return false;
  return typeof at.value === 'number' ? at.integer() !== 0 : at.boolean();
}

/** In a P4_14 length expression a local is a field of the header itself, by offset. */
function lengthExpression(at: JsonReader, header: HeaderDef, scope: NameScope): Expression {
  const resolve = (expression: Expression): Expression => {
    if (expression.op === 'argument') {
      const field = header.fields[expression.index]!;
      return { op: 'field', type: 'data', ref: { field } };
    }
    const copy: Record<string, unknown> = { ...expression };
    for (const key of ['left', 'right', 'of', 'condition', 'index']) {
      const child = copy[key];
      if (typeof child === 'object' && child !== null && 'op' in child) copy[key] = resolve(child as Expression);
    }
    return copy as unknown as Expression;
  };
  return resolve(scope.data(at, header.fields.length));
}

function loadUnions(root: JsonReader, scope: NameScope, byId: Registry<HeaderDef>): void {
  const types = new Registry<readonly string[]>('header union type');
  for (const at of root.get('header_union_types').items()) {
    const names = at
      .get('headers')
      .items()
      .map((member) => member.items()[0]?.string() ?? member.fail('a member needs a name'));
    types.add(at, at.get('name').string(), names);
  }
  for (const at of root.get('header_unions').items()) {
    const typeName = at.get('union_type');
    const members = at
      .get('header_ids')
      .items()
      .map((id) => byId.get(id, id.integer()));
    for (const member of members) member.siblings = members.filter((other) => other !== member);
    const union: UnionDef = {
      name: at.get('name').string(),
      members,
      memberNames: types.get(typeName, typeName.string()),
    };
    scope.unions.add(at, union.name, union);
  }
}

function unionsById(root: JsonReader, scope: NameScope): Registry<UnionDef> {
  const byId = new Registry<UnionDef>('header union id');
  for (const at of root.get('header_unions').items()) {
    byId.add(at, at.get('id').integer(), scope.unions.get(at, at.get('name').string()));
  }
  return byId;
}
