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
  'emulator/compiler/analysis',
  'emulator/conformance',
  'emulator/dataplane',
  'emulator/p4runtime',
  'emulator/ports',
  'examples',
  'fuzz',
  'host/bad-weather.test.ts',
  'host/thread',
  'host/transport',
  'host/worker.test.ts',
  'host/worker-membership.test.ts',
  'mininet',
  'p4',
  'p4runtime/generated.test.ts',
  'query/plan/planner.test.ts',
  'query/plan/random-queries.test.ts',
  'query/plan/tpch.test.ts',
  'query/public.test.ts',
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
      exclude: [
        ...configDefaults.exclude,
        ...SLOW.map((path) => (path.endsWith('.ts') ? `test/${path}` : `test/${path}/**`)),
      ],
      setupFiles: ['./test/support/no-processes.ts'],
    },
  }),
);
