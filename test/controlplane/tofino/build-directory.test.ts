/** The compiler's output directory: what is packed of it, and the error when it is not one. */
import { describe, expect, test } from 'vitest';
import { loadSwitchBuild } from '../../../controlplane/artifacts.js';
import { ArtifactError } from '../../../controlplane/errors.js';
import { readTofinoBuild } from '../../../controlplane/tofino/build.js';
import { BINARY, bfrtOf, buildDirectory, CONF, CONTEXT, tnaP4Info, type Directory } from './build-directory.helpers.js';
import { unpackBfPipelineConfig } from './wire.helpers.js';

const EXPECTED =
  /expected what p4c --target tofino .* writes: manifest\.json or PROGRAM\.conf, PROGRAM\.p4info\.txtpb, bfrt\.json, and for each pipe PIPE\/context\.json and PIPE\/tofino\.bin$/;

function refusal(path: string): string {
  try {
    readTofinoBuild(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ArtifactError);
    return (error as Error).message;
  }
  throw new Error('the directory was taken');
}

/** The .conf with its only program changed. */
function conf(
  change: (program: Record<string, unknown> & { p4_pipelines: Record<string, unknown>[] }) => void,
  family = 'tofino',
): string {
  const copy = structuredClone(CONF);
  copy.chip_list[0]!.chip_family = family;
  change(copy.p4_devices[0]!.p4_programs[0]! as never);
  return JSON.stringify(copy);
}

function manifest(changes: object = {}): string {
  return JSON.stringify({
    schema_version: '3.0.1',
    target: 'tofino',
    compilation_succeeded: true,
    programs: [{ program_name: 'fpisa.p4', pipes: [{ pipe_id: 0, pipe_name: 'pipe' }] }],
    ...changes,
  });
}

describe('a build directory', () => {
  test('is packed whole, wherever it was compiled', () => {
    const build = readTofinoBuild(buildDirectory().path);
    expect(build).toMatchObject({ name: 'fpisa', chip: 'tofino', p4info: { pkgInfo: { arch: 'tna' } } });
    expect(unpackBfPipelineConfig(build.deviceConfig)).toEqual({
      p4Name: 'fpisa',
      bfruntimeInfo: bfrtOf(tnaP4Info()),
      profiles: [{ name: 'pipe', context: CONTEXT, binary: [...BINARY], scope: [0, 1, 2, 3] }],
    });
  });

  test('may have a program for each of several pipes, and be for a Tofino-2', () => {
    const directory = buildDirectory();
    directory.write(
      'fpisa.conf',
      conf((program) => {
        program.p4_pipelines = ['outer', 'inner'].map((name, i) => ({
          p4_pipeline_name: name,
          context: `x/${name}/context.json`,
          config: `x/${name}/tofino2.bin`,
          pipe_scope: [2 * i, 2 * i + 1],
        }));
      }, 'tofino2'),
    );
    for (const name of ['outer', 'inner']) {
      directory.write(`${name}/context.json`, JSON.stringify({ of: name }));
      directory.write(`${name}/tofino2.bin`, name);
    }
    const build = readTofinoBuild(directory.path);
    expect(build.chip).toBe('tofino2');
    expect(unpackBfPipelineConfig(build.deviceConfig).profiles).toEqual(
      ['outer', 'inner'].map((name, i) => ({
        name,
        context: JSON.stringify({ of: name }),
        binary: [...Buffer.from(name)],
        scope: [2 * i, 2 * i + 1],
      })),
    );
  });

  test('may be described by the manifest alone', () => {
    const directory = buildDirectory();
    directory.remove('fpisa.conf');
    directory.write('manifest.json', manifest());
    const build = readTofinoBuild(directory.path);
    expect(build).toMatchObject({ name: 'fpisa', chip: 'tofino' });
    expect(unpackBfPipelineConfig(build.deviceConfig)).toMatchObject({
      p4Name: 'fpisa',
      profiles: [{ name: 'pipe', binary: [...BINARY], scope: [0, 1, 2, 3] }],
    });
  });

  test.each<[string, number[][]]>([
    [
      'tofino',
      [
        [0, 2],
        [1, 3],
      ],
    ],
    [
      'tofino2',
      [
        [0, 1],
        [2, 3],
      ],
    ],
  ])('of a %s for two pipes, with the scopes that p4c-gen-conf would give', (target, scopes) => {
    const directory = buildDirectory();
    directory.remove('fpisa.conf');
    directory.write(
      'manifest.json',
      manifest({
        target,
        programs: [{ program_name: 'fpisa.p4', pipes: ['a', 'b'].map((pipe_name) => ({ pipe_name })) }],
      }),
    );
    for (const name of ['a', 'b']) {
      directory.write(`${name}/context.json`, '{}');
      directory.write(`${name}/${target}.bin`, name);
    }
    expect(
      unpackBfPipelineConfig(readTofinoBuild(directory.path).deviceConfig).profiles.map(({ name, scope }) => [
        name,
        scope,
      ]),
    ).toEqual([
      ['a', scopes[0]],
      ['b', scopes[1]],
    ]);
  });

  test.each<[string, string, RegExp]>([
    [
      'that failed',
      manifest({ compilation_succeeded: false }),
      /has a manifest\.json that is from a failed compilation;/,
    ],
    ['for another chip', manifest({ target: 'tofino3' }), /has a manifest\.json that is for chip family "tofino3"/],
    ['of no program', manifest({ programs: [] }), /has a manifest\.json that names 0 programs, not one;/],
    [
      'without pipes',
      manifest({ programs: [{ program_name: 'fpisa.p4' }] }),
      /has a manifest\.json that lacks the pipes of its program;/,
    ],
    ['that is null', 'null', /has a manifest\.json that is not an object;/],
    ['with a chip that is no text', manifest({ target: 7 }), /has a manifest\.json that has no string at target;/],
    [
      'with programs that are no list',
      manifest({ programs: {} }),
      /has a manifest\.json that has no list at programs;/,
    ],
    [
      'with a pipe that is none',
      manifest({ programs: [{ program_name: 'fpisa.p4', pipes: ['pipe'] }] }),
      /has a manifest\.json that has no object at programs\[0\]\.pipes\[0\];/,
    ],
    ['that is no JSON', '', /has a manifest\.json that is not JSON \(/],
  ])('with a manifest %s', (_, text, message) => {
    const directory = buildDirectory();
    directory.remove('fpisa.conf');
    directory.write('manifest.json', text);
    expect(refusal(directory.path)).toMatch(message);
  });

  test.each<[string, (directory: Directory) => void, RegExp]>([
    ['no .conf', (directory) => directory.remove('fpisa.conf'), /has neither manifest\.json nor a \.conf file;/],
    [
      'two of them',
      (directory) => directory.write('other.conf', '{}'),
      /has several \.conf files \(fpisa\.conf, other\.conf\);/,
    ],
    [
      'a .conf that is no JSON',
      (directory) => directory.write('fpisa.conf', 'chip_list'),
      /has a fpisa\.conf that is not JSON \(/,
    ],
    [
      'another chip',
      (directory) =>
        directory.write(
          'fpisa.conf',
          conf(() => undefined, 'tofino3'),
        ),
      /has a fpisa\.conf that is for chip family "tofino3" \(chips: tofino, tofino2\);/,
    ],
    [
      'the .conf of a v1model program',
      (directory) => directory.write('fpisa.conf', '{"chip_list":[{"chip_family":"tofino"}],"p4_program_list":[{}]}'),
      /names 0 devices and 0 programs, not one of each/,
    ],
    [
      'a .conf without pipes',
      (directory) =>
        directory.write(
          'fpisa.conf',
          conf((program) => (program.p4_pipelines = [])),
        ),
      /lacks program-name, bfrt-config or p4_pipelines/,
    ],
    [
      'a pipe without a binary',
      (directory) =>
        directory.write(
          'fpisa.conf',
          conf((program) => delete program.p4_pipelines[0]!['config']),
        ),
      /lacks p4_pipeline_name, context or config of a pipe/,
    ],
    [
      'a .conf that is a list',
      (directory) => directory.write('fpisa.conf', '[]'),
      /has a fpisa\.conf that is not an object;/,
    ],
    [
      'devices that are no list',
      (directory) => directory.write('fpisa.conf', '{"chip_list":[{"chip_family":"tofino"}],"p4_devices":{}}'),
      /has a fpisa\.conf that has no list at p4_devices;/,
    ],
    [
      'a scope that is no list of pipes',
      (directory) =>
        directory.write(
          'fpisa.conf',
          conf((program) => (program.p4_pipelines[0]!['pipe_scope'] = ['all'])),
        ),
      /has no whole number at p4_devices\[0\]\.p4_programs\[0\]\.p4_pipelines\[0\]\.pipe_scope\[0\];/,
    ],
    ['no P4Info', (directory) => directory.remove('fpisa.p4info.txtpb'), /lacks fpisa\.p4info\.txtpb;/],
    [
      'no files at all',
      (directory) =>
        ['fpisa.p4info.txtpb', 'bfrt.json', 'pipe/context.json', 'pipe/tofino.bin'].forEach((file) =>
          directory.remove(file),
        ),
      /lacks fpisa\.p4info\.txtpb, bfrt\.json, pipe\/context\.json, pipe\/tofino\.bin;/,
    ],
    [
      'a context.json cut short',
      (directory) => directory.write('pipe/context.json', '{"tables": ['),
      /has a context\.json that is not JSON \(/,
    ],
    ['an empty binary', (directory) => directory.write('pipe/tofino.bin', ''), /has an empty tofino\.bin;/],
  ])('%s', (_, spoil, message) => {
    const directory = buildDirectory();
    spoil(directory);
    expect(refusal(directory.path)).toMatch(message);
    expect(refusal(directory.path)).toMatch(EXPECTED);
    expect(refusal(directory.path)).toContain(directory.path);
  });

  test('that is none', () => {
    const directory = buildDirectory();
    expect(refusal(`${directory.path}/nowhere`)).toMatch(/nowhere does not exist; expected /);
    expect(refusal(`${directory.path}/bfrt.json`)).toMatch(/bfrt\.json is a file; expected /);
  });

  test.each<[string, string, RegExp]>([
    [
      'of another architecture',
      tnaP4Info().replace('arch: "tna"', 'arch: "v1model"'),
      /is of architecture "v1model" \(architectures of a Tofino: tna, t2na\)/,
    ],
    [
      'with counters as externs',
      `${tnaP4Info(['counter fpisa.drops', 'counter fpisa.egress_drops', 'counter fpisa.events'])}\nexterns { extern_type_id: 131 extern_type_name: "Counter" }`,
      /compile with --p4runtime-force-std-externs$/,
    ],
    ['that is none', 'tables { oops }', /^the P4Info of fpisa in build directory .* cannot be used: /],
  ])('with a P4Info %s', (_, p4info, message) => {
    const directory = buildDirectory();
    directory.write('fpisa.p4info.txtpb', p4info);
    expect(refusal(directory.path)).toMatch(message);
  });

  test('whose files are of two compilations', () => {
    const directory = buildDirectory();
    directory.write('bfrt.json', bfrtOf(tnaP4Info(['table fpisa.parent', 'counter fpisa.events'])));
    expect(refusal(directory.path)).toMatch(
      /bfrt\.json and the P4Info of fpisa in build directory .* are not from the same compilation: bfrt\.json lacks fpisa\.parent, fpisa\.events$/,
    );
    directory.write('bfrt.json', bfrtOf(tnaP4Info()));
    directory.write('pipe/tofino.bin', 'run_id\x000000000000000000\0');
    expect(refusal(directory.path)).toMatch(
      /the context\.json and the binary of pipe in build directory .* are not from the same compilation: the binary is not from run 1f1005b72fd04619$/,
    );
    directory.write('pipe/context.json', '{"target":"tofino2"}');
    expect(refusal(directory.path)).toMatch(
      /pipe\/context\.json in build directory .* is for tofino2, but fpisa\.conf is for tofino$/,
    );
    directory.write('pipe/context.json', 'null');
    expect(refusal(directory.path)).toMatch(/pipe\/context\.json in build directory .* is not an object$/);
    directory.write('bfrt.json', '{}');
    expect(refusal(directory.path)).toMatch(/bfrt\.json in build directory .* has no list "tables"; it is/);
    directory.write('bfrt.json', '{"tables":[{"id":"x","name":1}]}');
    expect(refusal(directory.path)).toMatch(
      /bfrt\.json in build directory .* has no string at tables\[0\]\.name; it is/,
    );
    directory.write('bfrt.json', 'null');
    expect(refusal(directory.path)).toMatch(/bfrt\.json in build directory .* is not an object; it is/);
  });
});

describe("a switch's build", () => {
  test('has a cookie of its contents and its owner', () => {
    const load = ({ path }: Directory, owner: number): bigint =>
      loadSwitchBuild({ target: 'tofino', buildDir: path, valuesPerPacket: 16 }, owner).cookie;
    const [one, same, other] = [buildDirectory(), buildDirectory(), buildDirectory()];
    other.write('pipe/tofino.bin', Uint8Array.of(...BINARY, 1));
    expect(load(same, 7)).toBe(load(one, 7));
    expect(load(one, 7) & 0xffff_ffffn).toBe(7n);
    expect(load(one, 8) >> 32n).toBe(load(one, 7) >> 32n);
    expect(load(other, 7) >> 32n).not.toBe(load(one, 7) >> 32n);
  });

  test('is named after what it is for', () => {
    expect(loadSwitchBuild({ target: 'tofino', buildDir: buildDirectory().path, valuesPerPacket: 16 }, 1).name).toBe(
      'fpisa-tofino-n16',
    );
  });

  test('has the values per packet that its registers show', () => {
    const register = (i: number): string =>
      `registers { preamble { id: ${0x17000000 + i} name: "FpisaIngress.element_0${i}.mantissas" alias: "m${i}" } type_spec { bitstring { bit { bitwidth: 32 } } } size: 1024 }\n`;
    const { path } = buildDirectory(tnaP4Info() + [0, 1, 2].map(register).join(''));
    expect(readTofinoBuild(path).valuesPerPacket).toBe(3);
    expect(readTofinoBuild(buildDirectory().path).valuesPerPacket).toBeUndefined();
    expect(() => loadSwitchBuild({ target: 'tofino', buildDir: path, valuesPerPacket: 8 }, 1)).toThrow(
      `build directory ${path} is compiled for 3 values per packet, but the switch is configured for 8`,
    );
    expect(loadSwitchBuild({ target: 'tofino', buildDir: path, valuesPerPacket: 3 }, 1).name).toBe('fpisa-tofino-n3');
  });

  test('is for the chip of the switch', () => {
    const { path } = buildDirectory();
    expect(() => loadSwitchBuild({ target: 'tofino2', buildDir: path, valuesPerPacket: 16 }, 1)).toThrow(
      `build directory ${path} is compiled for tofino, but the switch's target is tofino2`,
    );
  });

  test("of BMv2 is the program's JSON", () => {
    const { deviceConfig, name } = loadSwitchBuild({ valuesPerPacket: 64 }, 1);
    expect(name).toBe('fpisa-n64');
    expect(JSON.parse(Buffer.from(deviceConfig).toString('utf8'))).toMatchObject({ program: 'fpisa-n64' });
  });
});
