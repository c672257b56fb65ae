import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** Folders and files whose tests start processes, open sockets, or take long. */
const SLOW = [
  'bench',
  'cli',
  'clients',
  'controlplane',
  'differential',
  'docs',
  'e2e',
  'emulator/conformance',
  'emulator/dataplane',
  'emulator/p4runtime',
  'emulator/ports',
  'examples',
  'fuzz',
  'host/transport',
  'mininet',
  'p4',
  'query/session',
  'query/stream',
  'query/switch',
  'scripts',
];

/** `npm run test:fast`: what can be said in under two minutes, without processes and without a network. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      exclude: [...configDefaults.exclude, ...SLOW.map((folder) => `test/${folder}/**`)],
      setupFiles: ['./test/support/no-processes.ts'],
    },
  }),
);
