import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'p4/build/', '**/.venv/', '**/generated/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      // One way of private members.
      'no-restricted-syntax': ['error', { selector: 'PrivateIdentifier', message: 'Use `private`.' }],
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
