/** Scripts of other P4Runtime clients, against `fpisa switch` and BMv2: what each client sees there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bmv2Version } from '../differential/bmv2/process.js';
import { startBmv2 } from './support/bmv2.js';
import { finsy, ROOT, shell, type Client } from './support/clients.js';
import { differences } from './support/differences.js';
import { startEmulator } from './support/emulator.js';
import { Script } from './support/script.js';

const fixtures = join(ROOT, 'test/emulator/p4runtime/fixtures');
const features = { p4info: join(fixtures, 'features.p4info.txtpb'), program: join(fixtures, 'features.json') };
const fpisa = { p4info: join(ROOT, 'p4/build/fpisa-n16.p4info.txtpb'), program: join(ROOT, 'p4/build/fpisa-n16.json') };
const programs = { features, fpisa };
const noBmv2 = bmv2Version() === undefined ? ' (skipped: there is no simple_switch_grpc on the path)' : '';

type Checks = Record<string, unknown>;

const expected = (client: Client, program: string): Checks =>
  JSON.parse(readFileSync(join(ROOT, 'test/clients/expected', `${client.name}-${program}.json`), 'utf8')) as Checks;

/** Each server words its errors differently, and the words may change; codes and indices may not. */
const withoutWords = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replace(/(At index \d+: [A-Z_]+), '[^']*'/g, '$1')
      .replace(/"([A-Z]+(?:_[A-Z]+)*): [^"]*"/g, '"$1"')
      .replace(/(P4Runtime RPC error \([A-Z_]+\)): [^"]*"/g, '$1"'),
  );

describe.each([
  [shell.name, shell, 'shell'],
  [finsy.name, finsy, 'finsy'],
] as const)('%s', (_, client, prefix) => {
  describe.each(['features', 'fpisa'] as const)('with the program %s', (program) => {
    const name = `${prefix}_${program}.py`;

    it.skipIf(client.missing !== '')(`sees in fpisa switch what is expected${client.missing}`, async () => {
      const target = await startEmulator();
      const seen = await new Script(client, name, target, programs[program]).done;
      expect(withoutWords(seen)).toEqual(expected(client, program));
      // The words do arrive, each at its update.
      if (program === 'features') expect(JSON.stringify(seen['batch'])).toMatch(/NOT_FOUND[:,] '?Table Ingress_.l2/);
    });

    it.skipIf(client.missing + noBmv2 !== '')(
      `sees the same in BMv2, but for what is listed${client.missing || noBmv2}`,
      async () => {
        const target = await startBmv2();
        const differs = Object.fromEntries(differences.flatMap(({ seen }) => Object.entries(seen[client.name] ?? {})));
        const seen = await new Script(client, name, target, programs[program]).done;
        const want: Checks = expected(client, program);
        // What is listed must really differ, or it would stay listed forever.
        for (const check of Object.keys(differs).filter((each) => each in want))
          expect(withoutWords(want[check]), check).not.toEqual(differs[check]);
        expect(withoutWords(seen)).toEqual(
          withoutWords({ ...want, ...Object.fromEntries(Object.entries(differs).filter(([check]) => check in want)) }),
        );
      },
    );
  });
});

it('docs/p4runtime.md lists the differences between both servers', () => {
  const text = readFileSync(join(ROOT, 'docs/p4runtime.md'), 'utf8');
  for (const { why } of differences) expect(text).toContain(why);
});
