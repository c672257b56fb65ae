import { describe, expect, it } from 'vitest';
import { loadProgram, ProgramFormatError, Switch, UnsupportedFeatureError } from '../../emulator/index.js';
import { jsonOpsProgram } from './support/json-ops/program.js';
import { bytes, programJson, programNames, switchWith } from './support/programs.js';

type Json = Record<string, unknown>;

/** A program with one thing changed. */
function changed(name: string, change: (json: Json) => void): Json {
  const json = JSON.parse(programJson(name)) as Json;
  change(json);
  return json;
}

const list = (json: Json, key: string): Json[] => json[key] as Json[];
const primitives = (json: Json): Json[] => list(json, 'actions').flatMap((action) => action['primitives'] as Json[]);

/** A program as text. It is a graph with cycles: what came before is a number. */
function dump(program: object): string {
  const seen = new Map<object, number>();
  return JSON.stringify(program, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null) return value;
    const known = seen.get(value);
    if (known !== undefined) return `#${known}`;
    seen.set(value, seen.size);
    return value instanceof Map ? [...value] : value;
  });
}

function failure(json: unknown): Error {
  try {
    loadProgram(json);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the program loaded');
}

describe('loader', () => {
  it.each(programNames())('loads %s as text and as an object', (name) => {
    expect(loadProgram(programJson(name)).tables.length).toBe(loadProgram(JSON.parse(programJson(name))).tables.length);
  });

  it('says where malformed JSON is wrong', () => {
    expect(failure('{"a": ').message).toMatch(/^the program: it is not JSON/);
    expect(
      failure(
        changed('tables', (json) => {
          (list(json, 'pipelines')[0]!['tables'] as Json[])[2]!['name'] = 7;
        }),
      ),
    ).toMatchObject({
      code: 'EMULATOR_PROGRAM_FORMAT',
      path: 'pipelines[0].tables[2].name',
      message: 'pipelines[0].tables[2].name: a string is needed, but this is 7',
    });
    expect(
      failure(
        changed('tables', (json) => {
          delete json['header_types'];
        }),
      ),
    ).toBeInstanceOf(ProgramFormatError);
  });

  it('names the choices when a reference leads nowhere', () => {
    const error = failure(
      changed('externs', (json) => {
        const count = primitives(json).find((p) => p['op'] === 'count')!;
        (count['parameters'] as Json[])[0]!['value'] = 'nothing';
      }),
    );
    expect(error.message).toMatch(
      /actions\[\d+\]\.primitives\[\d+\]\.parameters\[0\]\.value: no counter array called "nothing" \(valid: ingress_\.counted\)/,
    );
  });

  it('refuses all that the engine lacks at once, each by name and place', () => {
    const error = failure(
      changed('externs', (json) => {
        const [first, second] = primitives(json);
        first!['op'] = 'teleport';
        second!['op'] = 'time_travel';
        list(json, 'calculations')[0]!['algo'] = 'sha1';
        (list(json, 'pipelines')[0]!['tables'] as Json[])[0]!['match_type'] = 'regex';
        (list(json, 'parsers')[0]!['parse_states'] as Json[])[0]!['parser_ops'] = [{ op: 'rewind', parameters: [] }];
        json['extern_instances'] = [{ name: 'x', id: 0, type: 'oracle' }];
        (json['__meta__'] as Json)['version'] = [3, 0];
      }),
    );
    expect(error).toBeInstanceOf(UnsupportedFeatureError);
    const { features } = error as UnsupportedFeatureError;
    for (const name of [
      'primitive "teleport"',
      'primitive "time_travel"',
      'hash algorithm "sha1"',
      'match kind "regex"',
      'parser operation "rewind"',
      'extern type "oracle"',
      'JSON format 3.0',
    ]) {
      expect(
        features.some((feature) => feature.startsWith(name)),
        name,
      ).toBe(true);
    }
    expect(features.every((feature) => / \(at .+\)$/.test(feature))).toBe(true);
  });

  it('refuses an operator it does not know instead of skipping it', () => {
    const text = programJson('values').replace('"op":"+"', '"op":"+++"');
    expect(failure(text)).toMatchObject({
      code: 'EMULATOR_UNSUPPORTED_FEATURE',
      message: expect.stringContaining('expression operator "+++"') as string,
    });
  });

  it('checks the number and kind of arguments of primitives', () => {
    expect(
      failure(
        changed('tables', (json) => {
          primitives(json).find((p) => p['op'] === 'assign')!['parameters'] = [];
        }),
      ).message,
    ).toMatch(/primitive assign takes 2 parameter\(s\), but 0 are given/);
    expect(
      failure(
        changed('tables', (json) => {
          primitives(json).find((p) => p['op'] === 'mark_to_drop')!['parameters'] = [{ type: 'hexstr', value: '0x1' }];
        }),
      ).message,
    ).toMatch(/a header is needed, but this is of type data/);
  });

  it('takes {} for an empty list, as p4c writes it', () => {
    const empty = (_: string, value: unknown): unknown => (Array.isArray(value) && value.length === 0 ? {} : value);
    for (const json of [...programNames().map(programJson), jsonOpsProgram()]) {
      const emptied = JSON.stringify(JSON.parse(json), empty);
      expect(emptied).toContain('{}');
      expect(dump(loadProgram(emptied))).toBe(dump(loadProgram(json)));
    }
    expect(failure(changed('tables', (json) => Object.assign(json, { actions: { a: 1 } }))).message).toMatch(
      /^actions: an array is needed/,
    );
  });

  it('takes log_msg of a text alone', () => {
    const logs: string[] = [];
    const json = changed('externs', (json) => {
      const log = primitives(json).find((p) => p['op'] === 'log_msg')!;
      // Of `log_msg("a text");` p4c 1.2.5 makes this.
      log['parameters'] = [
        { type: 'string', value: 'a text' },
        { type: 'parameters_vector', value: {} },
      ];
    });
    const target = new Switch({ onLog: (text) => logs.push(text) });
    target.load(JSON.stringify(json));
    target.receive(1, bytes('09 00000003 0000004d'));
    expect(logs).toEqual(['a text']);
  });

  it('leaves the old program running when the new one does not load', () => {
    const target = switchWith('values');
    expect(() => target.load('{}')).toThrow(ProgramFormatError);
    expect(target.receive(1, new Uint8Array(6))).toHaveLength(1);
    expect(() => new Switch().load('[]')).toThrow(/an object with "__meta__" is needed/);
  });
});

describe('entries of the program', () => {
  type Match = Readonly<Record<string, unknown>>;
  /** The table of json-ops, with one key of 32 bits of this kind and one entry for each match. */
  const loading = (kind: string, matches: readonly Match[], priorities: readonly number[], more: object = {}) => {
    const json = JSON.parse(jsonOpsProgram()) as Json;
    Object.assign((list(json, 'pipelines')[0]!['tables'] as Json[])[0]!, {
      match_type: kind,
      key: [{ match_type: kind, name: 'h.a', target: ['h', 'a'], mask: null }],
      entries: matches.map((match, i) => ({
        match_key: [{ match_type: kind, ...match }],
        action_entry: { action_id: 1, action_data: [] },
        priority: priorities[i],
      })),
      ...more,
    });
    return () => loadProgram(json);
  };
  const range = { start: '0x0a000000', end: '0x0affffff' };

  // simple_switch 1.15.5: BAD_MATCH_KEY.
  it.each<[string, string, Match]>([
    ['exact, too long', 'exact', { key: '0x0100000005' }],
    ['exact, with a zero byte in front', 'exact', { key: '0x0000000005' }],
    ['exact, too short', 'exact', { key: '0x05' }],
    ['lpm', 'lpm', { key: '0x010a000000', prefix_length: 8 }],
    ['ternary, its key', 'ternary', { key: '0x0100000005', mask: '0x000000ff' }],
    ['ternary, its mask', 'ternary', { key: '0x00000005', mask: '0x01000000ff' }],
    ['range, its start', 'range', { ...range, start: '0x000a000000' }],
    ['range, its end', 'range', { ...range, end: '0x010affffff' }],
  ])('are refused with a value of other bytes than the key has: %s', (_, kind, match) => {
    expect(loading(kind, [match], [1])).toThrow(/key h\.a has 4 byte\(s\), but [15] are given/);
  });

  // simple_switch 1.15.5 refuses these, and takes the ones below.
  it.each<[string, string, Match[], number[]]>([
    ['exact', 'exact', [{ key: '0x00000005' }, { key: '0x00000005' }], [1, 2]],
    [
      'lpm',
      'lpm',
      [
        { key: '0x0a000000', prefix_length: 8 },
        { key: '0x0a000000', prefix_length: 8 },
      ],
      [1, 2],
    ],
    [
      'lpm, cut',
      'lpm',
      [
        { key: '0x0a000000', prefix_length: 8 },
        { key: '0x0a123456', prefix_length: 8 },
      ],
      [1, 2],
    ],
    [
      'ternary',
      'ternary',
      [
        { key: '0x0a000000', mask: '0xff000000' },
        { key: '0x0a000000', mask: '0xff000000' },
      ],
      [3, 3],
    ],
    [
      'ternary, cut',
      'ternary',
      [
        { key: '0x0a000000', mask: '0xff000000' },
        { key: '0x0a123456', mask: '0xff000000' },
      ],
      [3, 3],
    ],
    ['range', 'range', [range, range], [3, 3]],
  ])('with equal keys are refused: %s', (_, kind, matches, priorities) => {
    expect(loading(kind, matches, priorities)).toThrow(
      'pipelines[0].tables[0].entries[1]: table old has an entry of this key already, entries[0]',
    );
  });

  it.each<[string, string, Match[], number[]]>([
    ['exact', 'exact', [{ key: '0x00000005' }, { key: '0x00000006' }], [1, 1]],
    [
      'lpm',
      'lpm',
      [
        { key: '0x0a000000', prefix_length: 8 },
        { key: '0x0a000000', prefix_length: 9 },
      ],
      [1, 1],
    ],
    [
      'ternary',
      'ternary',
      [
        { key: '0x0a000000', mask: '0xff000000' },
        { key: '0x0a000000', mask: '0xffff0000' },
      ],
      [3, 3],
    ],
    [
      'priority of ternary',
      'ternary',
      [
        { key: '0x0a000000', mask: '0xff000000' },
        { key: '0x0a000000', mask: '0xff000000' },
      ],
      [3, 4],
    ],
    ['range', 'range', [range, { ...range, end: '0x0afffffe' }], [3, 3]],
    ['priority of range', 'range', [range, range], [3, 4]],
  ])('with keys that differ are taken: %s', (_, kind, matches, priorities) => {
    expect(loading(kind, matches, priorities)).not.toThrow();
  });

  it('are refused in a table with an action profile', () => {
    const indirect = { type: 'indirect', act_prof_name: 'old_profile' };
    expect(loading('exact', [{ key: '0x00000005' }], [1], indirect)).toThrow(
      'pipelines[0].tables[0].entries: only a table of type simple has entries, not one of type indirect',
    );
  });
});

describe('action profiles of the old format', () => {
  /** The program `profiles` as p4c wrote it before format 2.3: each table with a profile of its own. */
  const old = () =>
    changed('profiles', (json) => {
      const ingress = list(json, 'pipelines')[0]!;
      const profiles = ingress['action_profiles'] as Json[];
      for (const table of ingress['tables'] as Json[]) {
        const profile = profiles.find(({ name }) => name === table['action_profile']);
        if (profile === undefined) continue;
        delete table['action_profile'];
        table['act_prof_name'] = profile['name'];
        if (profile['selector'] !== undefined) table['selector'] = profile['selector'];
      }
      delete ingress['action_profiles'];
    });

  it('are made of act_prof_name and selector', () => {
    const { profiles, tables } = loadProgram(old());
    expect(profiles.map(({ name, selector }) => [name, selector?.algorithm])).toEqual([
      ['ingress_.shared', undefined],
      ['ingress_.spread', 'identity'],
    ]);
    expect(tables.map(({ profile }) => profile?.name)).toEqual([undefined, 'ingress_.shared', 'ingress_.spread']);
    const target = new Switch();
    target.load(JSON.stringify(old()));
    target.control.insertMember('ingress_.spread', 1, { action: 'ingress_.give', args: [0x11n] });
    target.control.setGroup('ingress_.spread', 5, [{ member: 1, weight: 1 }]);
    expect(target.control.groups('ingress_.spread').size).toBe(1);
  });

  it('need a selector where the table spreads', () => {
    const json = old();
    const spreading = (list(json, 'pipelines')[0]!['tables'] as Json[]).find(({ type }) => type === 'indirect_ws')!;
    delete spreading['selector'];
    expect(failure(json).message).toMatch(/selector/);
  });
});
