import tseslint from 'typescript-eslint';

/** Folders that each folder must not import from: the arrows of the architecture (docs/architecture.md). */
const forbidden = {
  arithmetic: ['protocol', 'p4runtime', 'emulator', 'controlplane', 'host', 'query'],
  protocol: ['arithmetic', 'p4runtime', 'emulator', 'controlplane', 'host', 'query'],
  p4runtime: ['arithmetic', 'protocol', 'emulator', 'controlplane', 'host', 'query'],
  emulator: ['arithmetic', 'protocol', 'controlplane', 'host', 'query'],
  host: ['p4runtime', 'emulator', 'controlplane', 'query'],
  controlplane: ['emulator', 'host', 'query'],
  query: ['emulator', 'p4runtime'],
};

const arrows = Object.entries(forbidden).map(([folder, others]) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${others.join('|')})/`,
            message: `${folder}/ must not depend on this folder.`,
          },
          { regex: '^(\\.\\./)+cli/', message: 'Nothing depends on the command line.' },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'p4/build/', '**/.venv/', '**/generated/'] },
  ...tseslint.configs.recommended,
  ...arrows,
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['test/**', 'bench/**'],
    rules: { 'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }] },
  },
);
