/** Whatever the loader does not know is refused by name; docs/compatibility.md lists the names. */
import { describe, expect, it } from 'vitest';
import { loadProgram, UnsupportedFeatureError } from '../../emulator/index.js';
import { jsonOpsProgram } from './support/json-ops/program.js';
import { programJson } from './support/programs.js';

type Json = Record<string, unknown>;
const list = (json: Json, key: string): Json[] => json[key] as Json[];
const firstPrimitive = (json: Json): Json =>
  (list(json, 'actions').find((action) => (action['primitives'] as Json[]).length > 0)!['primitives'] as Json[])[0]!;
const assigned = (json: Json, value: object): void => {
  Object.assign(firstPrimitive(json), {
    op: 'assign',
    parameters: [
      { type: 'field', value: ['h', 'r'] },
      { type: 'expression', value },
    ],
  });
};
const states = (json: Json): Json[] => list(json, 'parsers')[0]!['parse_states'] as Json[];
const tables = (json: Json): Json[] => list(json, 'pipelines')[0]!['tables'] as Json[];
const stacks = { left: { type: 'header_stack', value: 'cells' }, right: { type: 'header_stack', value: 'more' } };

/** Each change of a program that loads, with the beginning of the expected error. */
const REFUSALS: readonly (readonly [says: string, change: (json: Json) => void])[] = [
  ['primitive "teleport"', (json) => Object.assign(firstPrimitive(json), { op: 'teleport' })],
  [
    'expression operator "<=>"',
    (json) => assigned(json, { type: 'expression', value: { op: '<=>', left: null, right: null } }),
  ],
  ['operand type "dream"', (json) => assigned(json, { type: 'dream', value: 1 })],
  [
    'comparison of whole stacks',
    (json) =>
      assigned(json, {
        type: 'expression',
        value: { op: 'b2d', left: null, right: { type: 'expression', value: { op: '==', ...stacks } } },
      }),
  ],
  [
    'parser operation "rewind"',
    (json) => Object.assign(states(json)[0]!, { parser_ops: [{ op: 'rewind', parameters: [] }] }),
  ],
  [
    'parser key "mood"',
    (json) => Object.assign(states(json)[0]!, { transition_key: [{ type: 'mood', value: 1 }], transitions: [] }),
  ],
  [
    'parser transition "maybe"',
    (json) =>
      Object.assign(states(json)[0]!, { transitions: [{ type: 'maybe', value: '0x1', mask: null, next_state: null }] }),
  ],
  [
    'length expressions of headers in stacks',
    (json) =>
      Object.assign(
        list(json, 'header_types').find(({ name }) => name === 'byte_t')!,
        {
          fields: [
            ['v', 8, false],
            ['rest', '*'],
          ],
          max_length: 4,
          length_exp: { type: 'hexstr', value: '0x8' },
        },
      ),
  ],
  ['match kind "regex"', (json) => Object.assign(tables(json)[0]!, { match_type: 'regex' })],
  [
    'match kind "regex"',
    (json) =>
      Object.assign(tables(json)[0]!, {
        key: [{ match_type: 'regex', name: 'h.a', target: ['h', 'a'], mask: null }],
        entries: [],
      }),
  ],
  [
    'keys of variable length',
    (json) =>
      Object.assign(tables(json)[0]!, {
        key: [{ match_type: 'exact', name: 'vb1.rest', target: ['vb1', 'rest'], mask: null }],
        entries: [],
      }),
  ],
  [
    'table type "indirect_to"',
    (json) => Object.assign(tables(json)[0]!, { type: 'indirect_to', action_profile: null }),
  ],
  ['hash algorithm "sha1"', (json) => Object.assign(list(json, 'calculations')[0]!, { algo: 'sha1' })],
  [
    'calculation input "weather"',
    (json) => Object.assign(list(json, 'calculations')[0]!, { input: [{ type: 'weather', value: null }] }),
  ],
  [
    'checksum type "ipv4"',
    (json) =>
      Object.assign(json, {
        checksums: [{ name: 'c', id: 0, type: 'ipv4', target: ['h', 'a'], calculation: 'of_headers' }],
      }),
  ],
  [
    'field list element "calculation"',
    (json) =>
      Object.assign(json, {
        field_lists: [{ name: 'f', id: 1, elements: [{ type: 'calculation', value: 'of_headers' }] }],
      }),
  ],
  [
    'digest element "hexstr"',
    (json) =>
      Object.assign(json, { learn_lists: [{ name: 'l', id: 1, elements: [{ type: 'hexstr', value: '0x1' }] }] }),
  ],
  ['extern type "oracle"', (json) => Object.assign(json, { extern_instances: [{ name: 'x', id: 0, type: 'oracle' }] })],
  ['section "wishes"', (json) => Object.assign(json, { wishes: [] })],
  ['parser "second"', (json) => list(json, 'parsers').push({ ...list(json, 'parsers')[0]!, name: 'second' })],
  ['deparser "second"', (json) => list(json, 'deparsers').push({ ...list(json, 'deparsers')[0]!, name: 'second' })],
  [
    'pipeline "postgress"',
    (json) => list(json, 'pipelines').push({ ...list(json, 'pipelines')[1]!, name: 'postgress' }),
  ],
  ['JSON format 2.25', (json) => Object.assign(json, { __meta__: { version: [2, 25] } })],
];

describe('refused at load', () => {
  it.each(REFUSALS)('%s', (says, change) => {
    const json = JSON.parse(jsonOpsProgram()) as Json;
    expect(() => loadProgram(json)).not.toThrow();
    change(json);
    try {
      loadProgram(json);
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedFeatureError);
      const { features } = error as UnsupportedFeatureError;
      expect(features.filter((feature) => feature.startsWith(`${says} (`))).not.toEqual([]);
      return;
    }
    throw new Error('the program loaded');
  });

  it('names of the architecture that are missing', () => {
    const text = programJson('values').replaceAll('"egress_spec"', '"egress_wish"');
    expect(() => loadProgram(text)).toThrow(/the architecture needs a field standard_metadata\.egress_spec/);
  });
});
