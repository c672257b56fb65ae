import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { status } from '@grpc/grpc-js';
import * as errors from '../../controlplane/errors.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/controller.md lists every error code with its status', () => {
  const documented = new Map([...read('docs/controller.md').matchAll(/^\| `(FPISA_\w+)` \| ([A-Z_]+|at start|in `GetStatus` detail) \|/gm)].map(([, code, grpc]) => [code, grpc]));
  const source = [...read('controlplane/errors.ts').matchAll(/readonly code = '(\w+)';\s+readonly grpcStatus = status\.(\w+);/g)];
  expect(source.length).toBe(Object.values(errors).filter((each) => typeof each === 'function' && each.prototype instanceof errors.ControlPlaneError).length);
  for (const [, code, grpc] of source) {
    expect(documented.has(code!), code).toBe(true);
    const stated = documented.get(code!)!;
    if (/^[A-Z]/.test(stated)) expect([code, stated]).toEqual([code, grpc]);
    expect(grpc! in status).toBe(true);
  }
  const known = new Set([...source.map(([, code]) => code), 'FPISA_INTERNAL']);
  for (const code of documented.keys()) expect(known.has(code), code).toBe(true);
});
