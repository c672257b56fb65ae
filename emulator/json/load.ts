import { ProgramFormatError, UnsupportedFeatureError } from '../errors.js';
import { JsonReader } from './reader.js';
import { NameScope } from './expression.js';
import {
  CalculationLoader,
  loadArchitecture,
  loadChecksums,
  loadCounters,
  loadErrors,
  loadFieldLists,
  loadLearnLists,
  loadMeters,
  loadRegisters,
  loadValueSets,
} from './externs.js';
import { loadHeaders } from './headers.js';
import { loadDeparser, loadParser } from './parsers.js';
import { PipelineLoader } from './pipelines.js';
import type { CalculationDef, Program } from './program.js';

/** The format (behavioral-model, docs/JSON_format.md) this loader was written against. */
const FORMAT_MAJOR = 2;
const FORMAT_MINOR = 24;

/** The last four mean nothing to a switch, or repeat what the rest of the program contains. */
export const SECTIONS: readonly string[] = [
  'actions',
  'calculations',
  'checksums',
  'counter_arrays',
  'deparsers',
  'errors',
  'extern_instances',
  'field_aliases',
  'field_lists',
  'header_stacks',
  'header_types',
  'header_union_stacks',
  'header_union_types',
  'header_unions',
  'headers',
  'learn_lists',
  'meter_arrays',
  'parse_vsets',
  'parsers',
  'pipelines',
  'register_arrays',
  '__meta__',
  'program',
  'source_info',
  'enums',
  'force_arith',
];

/** What the architecture runs, by name. */
const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  parsers: ['parser'],
  deparsers: ['deparser'],
  pipelines: ['ingress', 'egress'],
};

/**
 * Reads a BMv2 JSON program for v1model.
 *
 * @param json text of the file, or the result of JSON.parse.
 * @throws ProgramFormatError if it is not such a program, with the path to the error.
 * @throws UnsupportedFeatureError if it uses anything the engine does not support, listing all of it.
 */
export function loadProgram(json: unknown): Program {
  const unsupported = new Set<string>();
  const root = new JsonReader(typeof json === 'string' ? parse(json) : json, '', unsupported);
  checkVersion(root);
  checkSections(root);

  const scope = new NameScope();
  // Length expressions of header types may not use registers, so headers come first.
  const { headers, fieldCount, stackCount } = loadHeaders(root, scope);
  loadRegisters(root, scope);
  const counters = loadCounters(root);
  const meters = loadMeters(root, scope);
  const calculations = new CalculationLoader(scope);
  calculations.loadAll(root);
  for (const at of root.get('extern_instances').items()) at.lacks(`extern type "${at.get('type').string()}"`);

  const externs = { counters, meters, calculations: calculations.named };
  const valueSets = loadValueSets(root);
  const parser = loadParser(named(root, 'parsers', 'parser'), { scope, externs, valueSets });
  const deparser = loadDeparser(named(root, 'deparsers', 'deparser'), scope, externs);
  const pipelines = new PipelineLoader(scope, externs, calculations);
  pipelines.loadActions(root);
  const ingress = pipelines.load(named(root, 'pipelines', 'ingress'));
  const egress = pipelines.load(named(root, 'pipelines', 'egress'));
  const profiles = pipelines.profiles.values();
  const selectors = profiles.map((profile) => profile.selector).filter((c): c is CalculationDef => c !== undefined);

  const program: Program = {
    headers,
    fieldCount,
    stackCount,
    counters: counters.values(),
    meters: meters.values(),
    registers: scope.registers.values(),
    calculations: [...calculations.named.values(), ...selectors],
    checksums: loadChecksums(root, scope, calculations.named),
    fieldLists: loadFieldLists(root, scope),
    learnLists: loadLearnLists(root, scope),
    valueSets: valueSets.values(),
    actions: pipelines.actionList,
    profiles,
    tables: pipelines.tables,
    parser,
    deparser,
    ingress,
    egress,
    errors: loadErrors(root),
    architecture: loadArchitecture(root, scope),
  };
  if (unsupported.size > 0) throw new UnsupportedFeatureError([...unsupported]);
  return program;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProgramFormatError('', `it is not JSON (${(error as Error).message})`);
  }
}

function checkVersion(root: JsonReader): void {
  if (!root.has('__meta__')) return;
  const version = root.get('__meta__').get('version');
  if (version.missing) return;
  const [major, minor] = version.tuple(2).map((part) => part.integer()) as [number, number];
  if (major !== FORMAT_MAJOR || minor > FORMAT_MINOR) {
    version.lacks(
      `JSON format ${major}.${minor} (this switch reads ${FORMAT_MAJOR}.0 to ${FORMAT_MAJOR}.${FORMAT_MINOR})`,
    );
  }
}

/** No part of a program is skipped silently, not even a whole section or a second pipeline. */
function checkSections(root: JsonReader): void {
  for (const key of root.keys()) if (!SECTIONS.includes(key)) root.lacks(`section "${key}"`);
  for (const [section, names] of Object.entries(BLOCKS)) {
    for (const at of root.get(section).items()) {
      const name = at.get('name').string();
      if (!names.includes(name)) at.lacks(`${section.slice(0, -1)} "${name}"`);
    }
  }
}

/** simple_switch looks up its parser, deparser and pipelines by these names. */
function named(root: JsonReader, section: string, name: string): JsonReader {
  const items = root.get(section).items();
  const found = items.find((item) => item.get('name').string() === name);
  if (found !== undefined) return found;
  return root
    .get(section)
    .fail(
      `the architecture needs one called "${name}" (found: ${items.map((i) => i.get('name').string()).join(', ') || 'none'})`,
    );
}
