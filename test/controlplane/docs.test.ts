import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { status } from '@grpc/grpc-js';
import { checkSwitchConfig } from '../../controlplane/controller/switch-config.js';
import { checkTopology, treeBelow } from '../../controlplane/controller/topology.js';
import type { SwitchConfig } from '../../controlplane/controller/state.js';
import * as errors from '../../controlplane/errors.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the configurations in docs/controller.md are accepted', () => {
  const examples = [...read('docs/controller.md').matchAll(/^```json\n([\s\S]*?)^```/gm)].map(
    ([, text]) => JSON.parse(text!) as { switches: SwitchConfig[] },
  );
  expect(examples).toHaveLength(3);
  for (const { switches } of examples) {
    for (const config of switches) checkSwitchConfig(config);
    checkTopology(Object.fromEntries(switches.map((config) => [config.name, config])));
  }
  const tree = Object.fromEntries(examples[2]!.switches.map((config) => [config.name, config]));
  expect(treeBelow(tree, 'spine')).toEqual(['spine', 'leaf1', 'leaf2']);
});

test('docs/controller.md lists every error code with its status', () => {
  const documented = new Map(
    [...read('docs/controller.md').matchAll(/^\| `(FPISA_\w+)` \| ([A-Z_]+|at start|in `GetStatus` detail) \|/gm)].map(
      ([, code, grpc]) => [code, grpc],
    ),
  );
  const source = [
    ...read('controlplane/errors.ts').matchAll(/readonly code = '(\w+)';\s+readonly grpcStatus = status\.(\w+);/g),
  ];
  expect(source.length).toBe(
    Object.values(errors).filter(
      (each) => typeof each === 'function' && each.prototype instanceof errors.ControlPlaneError,
    ).length,
  );
  for (const [, code, grpc] of source) {
    expect(documented.has(code!), code).toBe(true);
    const stated = documented.get(code!)!;
    if (/^[A-Z]/.test(stated)) expect([code, stated]).toEqual([code, grpc]);
    expect(grpc! in status).toBe(true);
  }
  const known = new Set([...source.map(([, code]) => code), 'FPISA_INTERNAL']);
  for (const code of documented.keys()) expect(known.has(code), code).toBe(true);
});
