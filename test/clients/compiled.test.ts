/** Clients in Go, Java and Rust, against `fpisa switch`: what each sees there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './support/clients.js';
import { compiled } from './support/compiled.js';
import { startEmulator } from './support/emulator.js';
import { Script } from './support/script.js';

const fixtures = join(ROOT, 'test/emulator/p4runtime/fixtures');
const features = { p4info: join(fixtures, 'features.p4info.bin'), program: join(fixtures, 'features.json') };

/** Of a call that failed, as a client gets it. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly updates: readonly string[];
}

/** As many as fit the client's headers; if it is not all, the text says so. */
function expectErrors(seen: unknown, summary: string, errors: readonly string[]): void {
  const { code, message, updates } = seen as Failure;
  expect(code, summary).toBe('UNKNOWN');
  expect(message.slice(0, summary.length)).toBe(summary);
  expect(updates, summary).toEqual(errors.slice(0, updates.length));
  if (updates.length < errors.length) expect(message).toContain('fit the headers');
}

const repeated = (count: number, code: string): string[] => Array<string>(count).fill(code);

const LARGE = 1 << 20;

describe.each(compiled.map((client) => [client.name, client] as const))('the client in %s', (_, client) => {
  beforeAll(() => (client.missing === '' ? client.build() : undefined));

  it.skipIf(client.missing !== '')(`uses what a switch has${client.missing}`, async () => {
    const seen = await new Script(client, 'features', await startEmulator(), features).done;
    const expected = readFileSync(join(ROOT, 'test/clients/expected/compiled-features.json'), 'utf8');
    expect(seen).toEqual(JSON.parse(expected));
  });

  describe.each([
    ['what its library announces', undefined],
    ['8 KiB', 8 << 10],
    ['16 KiB', 16 << 10],
    ['1 MiB', LARGE],
  ] as const)('with headers up to %s', (_, maxHeaderBytes) => {
    it.skipIf(client.missing !== '')(`stays connected and primary when calls fail${client.missing}`, async () => {
      const options = { ...features, ...(maxHeaderBytes && { maxHeaderBytes }) };
      const seen = await new Script(client, 'failures', await startEmulator(), options).done;
      // Of a single failure even clients that show no details see the reason.
      expectErrors(seen['one alone'], '1 of 1 updates failed. Update 1: NOT_FOUND: ', ['NOT_FOUND']);
      const one = [...repeated(299, 'OK'), 'NOT_FOUND'];
      expectErrors(seen['1 of 300'], '1 of 300 updates failed. Update 300: NOT_FOUND: ', one);
      const many = [...repeated(100, 'OK'), ...repeated(200, 'NOT_FOUND')];
      expectErrors(seen['200 of 300'], '200 of 300 updates failed.', many);
      expectErrors(seen['3000 of 3000'], '3000 of 3000 updates failed.', repeated(3000, 'NOT_FOUND'));
      expectErrors(seen['300 reads'], '300 of 300 reads failed.', repeated(300, 'INVALID_ARGUMENT'));
      if (maxHeaderBytes === LARGE) {
        for (const name of ['1 of 300', '200 of 300', '300 reads'])
          expect((seen[name] as Failure).updates, name).toHaveLength(300);
      }
      // Its text alone would not fit.
      expect(seen['a long role']).toMatchObject({ code: 'NOT_FOUND' });
      expect((seen['a long role'] as Failure).message).toMatch(/^There is no role "long role long role /);
      for (const name of ['1 of 300', '200 of 300', '3000 of 3000', '300 reads', 'a long role']) {
        expect(seen[`write after ${name}`], name).toBeNull();
        expect(seen[`stream after ${name}`], name).toEqual([['1=01fe', '2=00'], 'still the same stream']);
      }
      const end = { end: 'OK', 'no primary': ['NOT_FOUND', 10], "backup's end": 'OK' };
      expect(seen).toMatchObject({ routes: true, ...end });
    });
  });

  it.skipIf(client.missing !== '')(`reads 20 MB of entries in messages below 4 MiB${client.missing}`, async () => {
    const seen = await new Script(client, 'reads', await startEmulator(), features).done;
    const all = { failure: null, entries: 1000, metadata: 20_000_000, severalMessages: true, allBelowLimit: true };
    expect(seen).toEqual({ all, slowly: all, abandoned: null, 'after an abandoned read': all, end: 'OK' });
  });
});
