import { describe, expect, it } from 'vitest';
import { loadProgram, ProgramFormatError, Switch, UnsupportedFeatureError } from '../../emulator/index.js';
import { programJson, programNames, switchWith } from './support/programs.js';

type Json = Record<string, unknown>;

/** A program with one thing changed. */
function changed(name: string, change: (json: Json) => void): Json {
  const json = JSON.parse(programJson(name)) as Json;
  change(json);
  return json;
}

const list = (json: Json, key: string): Json[] => json[key] as Json[];
const primitives = (json: Json): Json[] => list(json, 'actions').flatMap((action) => action['primitives'] as Json[]);

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

  it('leaves the old program running when the new one does not load', () => {
    const target = switchWith('values');
    expect(() => target.load('{}')).toThrow(ProgramFormatError);
    expect(target.receive(1, new Uint8Array(6))).toHaveLength(1);
    expect(() => new Switch().load('[]')).toThrow(/an object with "__meta__" is needed/);
  });
});
