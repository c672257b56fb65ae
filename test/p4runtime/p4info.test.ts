import { describe, expect, it } from 'vitest';
import {
  indexP4Info,
  P4InfoIndex,
  P4InfoLookupError,
  P4InfoSyntaxError,
  p4infoCodec,
  parseP4Info,
} from '../../p4runtime/index.js';
import { features } from './fixtures.js';

const text = features('p4info.txtpb').toString();
const json = features('p4info.json').toString();
const binary = features('p4info.bin');

describe('P4Info in the three forms that p4c writes', () => {
  it('is the same from text, JSON and binary', () => {
    const decoded = p4infoCodec.decode(binary);
    expect(decoded.tables.length).toBe(8);
    expect(parseP4Info(text)).toEqual(decoded);
    expect(parseP4Info(json)).toEqual(decoded);
  });

  it('encodes to the bytes that p4c wrote', () => {
    expect(Buffer.from(p4infoCodec.encode(parseP4Info(text))).equals(binary)).toBe(true);
  });

  it('accepts JSON with the names of the .proto file', () => {
    const snake = '{"tables":[{"preamble":{"id":7,"name":"t"},"match_fields":[{"id":1,"match_type":"LPM"}]}]}';
    expect(parseP4Info(snake).tables[0]!.matchFields[0]!.matchType).toBe('LPM');
  });
});

describe('the JSON form', () => {
  it('reads an Any with its type beside the fields', () => {
    const any = { '@type': 'type.googleapis.com/p4.config.v1.Documentation', brief: 'x' };
    const info = parseP4Info(JSON.stringify({ externs: [{ instances: [{ info: any }] }] }));
    expect(info.externs[0]!.instances[0]!.info).toEqual({ typeUrl: any['@type'], value: Uint8Array.of(10, 1, 0x78) });
    expect(() => parseP4Info('{"externs":[{"instances":[{"info":{"@type":"x/y.Z"}}]}]}')).toThrow(
      'The type x/y.Z is unknown',
    );
  });
});

describe('text format', () => {
  const parse = (source: string) => parseP4Info(source);

  it('reads what p4c does not write but other tools do', () => {
    const info = parse(`
      # comment
      pkg_info: < name: 'a' "b\\x41\\102\\n" ; doc { brief: "\\u00e9" }, >
      tables { preamble { id: 0x10 name: "t" annotations: ["@x", '@y'] } size: -010 is_const_table: true }
      tables { preamble { id: 2 name: "u" } direct_resource_ids: [1, 2] direct_resource_ids: 3
               initial_default_action { arguments { param_id: 1 value: "\\377\\000" } } }
      type_info { serializable_enums { key: "e" value { members { name: "A" value: "\\001" } } }
                  structs { key: "s" } }
    `);
    expect(info.pkgInfo!.name).toBe('abAB\n');
    expect(info.pkgInfo!.doc!.brief).toBe('é');
    expect(info.tables[0]!.preamble).toMatchObject({ id: 16, annotations: ['@x', '@y'] });
    expect(info.tables[0]!.size).toBe(-8n);
    expect(info.tables[0]!.isConstTable).toBe(true);
    expect(info.tables[1]!.directResourceIds).toEqual([1, 2, 3]);
    expect(info.tables[1]!.initialDefaultAction!.arguments[0]!.value).toEqual(Uint8Array.of(255, 0));
    expect(info.typeInfo!.serializableEnums['e']!.members[0]).toMatchObject({ name: 'A', value: Uint8Array.of(1) });
    expect(info.typeInfo!.structs['s']!.members).toEqual([]);
  });

  it('reads an Any in its readable form', () => {
    const info = parse(
      'externs { instances { info { [type.googleapis.com/p4.config.v1.Documentation] { brief: "x" } } } }',
    );
    expect(info.externs[0]!.instances[0]!.info).toEqual({
      typeUrl: 'type.googleapis.com/p4.config.v1.Documentation',
      value: Uint8Array.of(10, 1, 0x78),
    });
  });

  it.each([
    ['tables {\n  naem: 1 }', 'Line 2: Table has no field naem; valid fields: preamble, match_fields'],
    ['tables { is_const_table: 7 }', 'expected true or false, not 7'],
    ['tables { idle_timeout_behavior: SOMETIMES }', 'valid: NO_TIMEOUT, NOTIFY_CONTROL'],
    ['tables { size: "x" }', 'expected a number'],
    ['tables {', 'expected a field name, not the end'],
    ['tables [ { }', 'expected ], not the end'],
    ['pkg_info { name: unquoted }', 'expected a quoted string'],
    ['', 'The P4Info is empty.'],
    ['{ "tables": 1', 'The text is not JSON'],
    ['{ "tabels": [] }', 'P4Info has no field tabels; valid fields: pkgInfo, tables'],
  ])('refuses %j', (source, message) => {
    expect(() => parse(source)).toThrow(P4InfoSyntaxError);
    expect(() => parse(source)).toThrow(message);
  });
});

describe('the index', () => {
  const index = indexP4Info(text);

  it('has typed keys in their order', () => {
    const acl = index.tables.find('acl');
    expect(acl.keys.items).toMatchObject([
      { name: 'src', kind: 'ternary', bitwidth: 48, position: 0 },
      { name: 'type', kind: 'optional', bitwidth: 16, position: 1 },
      { name: 'port', kind: 'range', bitwidth: 9, position: 2 },
    ]);
    expect(acl.needsPriority).toBe(true);
    expect(acl.constDefaultAction!.name).toBe('NoAction');
    expect(index.tables.find('routes').needsPriority).toBe(false);
    expect(index.tables.find('routes').keys.items[0]!.kind).toBe('lpm');
  });

  it('resolves direct resources, profiles, scopes and constants', () => {
    const l2 = index.tables.find('Ingress_.l2');
    expect(l2.directCounter!.name).toBe('Ingress_.l2_hits');
    expect(l2.directMeter).toMatchObject({ name: 'Ingress_.l2_rate', unit: 'BYTES' });
    expect(l2.hasIdleTimeout).toBe(true);
    expect(l2.actions.find('NoAction').scope).toBe('DEFAULT_ONLY');
    expect(l2.actions.find('forward').definition.params.items).toMatchObject([{ id: 1, name: 'port', bitwidth: 9 }]);
    expect(index.tables.find('fixed')).toMatchObject({ isConst: true, hasInitialEntries: true });
    const balanced = index.tables.find('balanced');
    expect(index.actionProfiles.byId(balanced.actionProfileId!)).toMatchObject({ withSelector: true, maxGroupSize: 8 });
    expect(index.registers.find('notes')).toMatchObject({ bitwidth: 32, signed: false, size: 8 });
    expect(index.registers.find('signed_notes')).toMatchObject({ bitwidth: 16, signed: true, size: 4 });
    expect(index.counters.find('seen')).toMatchObject({ unit: 'BOTH', size: 16 });
    expect(index.packetHeaders.find('packet_in').fields.names).toEqual(['ingress_port', 'reason']);
  });

  it('finds by full name, alias and suffix, full names first', () => {
    const named = new P4InfoIndex(
      parseP4Info(`
        tables { preamble { id: 1 name: "a.t" } }
        tables { preamble { id: 2 name: "t" } }
        tables { preamble { id: 3 name: "a.b.u" alias: "short" } }
        tables { preamble { id: 4 name: "c.b.u" } }
      `),
    );
    expect(named.tables.find('t').id).toBe(2);
    expect(named.tables.find('a.t').id).toBe(1);
    expect(named.tables.find('short').id).toBe(3);
    expect(named.tables.find('a.b.u').id).toBe(3);
    expect(() => named.tables.find('b.u')).toThrow('The name b.u matches more than one table: a.b.u, c.b.u.');
    for (const none of ['.u', 'hort', '']) expect(() => named.tables.find(none)).toThrow(P4InfoLookupError);
    expect(() => index.tables.find('outes')).toThrow('There is no table named outes');
  });

  it('lists what is valid', () => {
    expect(() => index.tables.find('l3')).toThrow('There is no table named l3; valid: Ingress_.l2, Ingress_.routes');
    expect(() => index.tables.find('acl').keys.find('vlan')).toThrow(
      'There is no key named vlan in table Ingress_.acl; valid: src, type, port.',
    );
    expect(() => index.tables.find('acl').keys.byId(9)).toThrow('valid: 1 src, 2 type, 3 port.');
    expect(() => index.tables.byId(0x02000000)).toThrow('There is no table with id 0x02000000');
    expect(() => new P4InfoIndex(parseP4Info('pkg_info {}')).meters.find('x')).toThrow('there are none.');
  });

  it.each([
    ['tables { preamble { name: "t" } }', 'a table without an id'],
    [
      'tables { preamble { id: 1 name: "t" } } tables { preamble { id: 1 name: "u" } }',
      'two objects (table) with id 1',
    ],
    ['tables { preamble { id: 1 name: "t" } action_refs { id: 5 } }', 'There is no action with id 5'],
    [
      'tables { preamble { id: 1 name: "t" } match_fields { id: 1 name: "k" other_match_type: "odd" } }',
      'matches by odd',
    ],
  ])('refuses %s', (source, message) => {
    expect(() => indexP4Info(source)).toThrow(P4InfoLookupError);
    expect(() => indexP4Info(source)).toThrow(message);
  });
});
