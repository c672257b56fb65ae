/**
 * The folders and their arrows: who may import from whom. docs/architecture.md shows the same table, and
 * test/docs/architecture.test.ts checks that page, rules and tree agree.
 */

/** Folder → the folders that it may import from, besides itself. Tests are not in it: they may import everything. */
export const mayUse = {
  arithmetic: [],
  net: [],
  protocol: ['net'],
  p4runtime: [],
  emulator: ['net', 'p4runtime'],
  host: ['arithmetic', 'net', 'protocol'],
  controlplane: ['arithmetic', 'net', 'p4runtime', 'protocol'],
  query: ['arithmetic', 'controlplane', 'host', 'net', 'protocol'],
  cli: ['arithmetic', 'controlplane', 'emulator', 'host', 'net', 'p4runtime', 'protocol', 'query'],
  scripts: ['net'],
  p4: ['net', 'protocol'],
  fuzz: ['emulator', 'net', 'p4runtime', 'protocol', 'query', 'scripts'],
  bench: ['arithmetic', 'controlplane', 'emulator', 'host', 'net', 'p4runtime', 'protocol', 'query', 'scripts'],
  examples: [],
};

/**
 * The same inside emulator/, for the folders whose independence of each other is the point:
 * folder → the folders of emulator/ that it must not import from.
 */
const emulatorMustNotUse = {
  json: [
    'compiler',
    'control',
    'dataplane',
    'handles',
    'interpreter',
    'machine',
    'p4runtime',
    'ports',
    'state',
    'stf',
    'tables',
  ],
  tables: ['compiler', 'dataplane', 'handles', 'interpreter', 'machine', 'p4runtime', 'ports', 'stf'],
  state: ['compiler', 'dataplane', 'handles', 'interpreter', 'machine', 'p4runtime', 'ports', 'stf'],
  ports: ['compiler', 'dataplane', 'handles', 'interpreter', 'p4runtime', 'stf'],
  interpreter: ['compiler', 'dataplane', 'handles', 'machine', 'p4runtime', 'ports', 'stf'],
  // What compiled code cannot do itself it asks the interpreter for.
  machine: ['compiler', 'dataplane', 'handles', 'p4runtime', 'ports', 'stf'],
  compiler: ['dataplane', 'handles', 'interpreter', 'p4runtime', 'ports', 'stf'],
  p4runtime: ['compiler', 'dataplane', 'handles', 'interpreter', 'machine', 'ports', 'stf'],
};

const folders = Object.keys(mayUse);
const any = (names) => `(${names.join('|')})`;

const arrows = Object.entries(mayUse).map(([folder, allowed]) => ({
  name: `arrow-${folder}`,
  comment: `${folder}/ may import only from what docs/architecture.md says.`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^${any([...folders, 'test'])}/`, pathNot: `^${any([folder, ...allowed])}/` },
}));

const emulatorArrows = Object.entries(emulatorMustNotUse).map(([folder, others]) => ({
  name: `arrow-emulator-${folder}`,
  severity: 'error',
  from: { path: `^emulator/${folder}/` },
  to: { path: `^emulator/${any(others)}/` },
}));

export default {
  forbidden: [
    ...arrows,
    ...emulatorArrows,
    {
      name: 'arrow-emulator-compiler-analysis',
      comment: 'An analysis reads the program; it knows nothing of how the program is translated.',
      severity: 'error',
      from: { path: '^emulator/compiler/analysis/' },
      to: { path: '^emulator/compiler/(?!analysis/)' },
    },
    {
      name: 'folder-without-arrows',
      comment: 'A new folder gets a row in `mayUse` and in docs/architecture.md.',
      severity: 'error',
      from: { path: `^(?!${any([...folders, 'bin', 'test', 'node_modules'])}/)[^/]+/` },
      to: {},
    },
    {
      name: 'circle',
      comment: 'Modules that import one another in a circle, types included, are one thing in several files.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'undeclared',
      comment: 'What product code imports stands in the dependencies of package.json.',
      severity: 'error',
      from: {
        path: `^${any(['arithmetic', 'net', 'protocol', 'p4runtime', 'emulator', 'host', 'controlplane', 'query', 'cli'])}/`,
      },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.venv)/' },
    // Imports of types are arrows too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    skipAnalysisNotInRules: true,
  },
};
