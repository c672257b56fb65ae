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

describe.each(compiled.map((client) => [client.name, client] as const))('the client in %s', (_, client) => {
  beforeAll(() => (client.missing === '' ? client.build() : undefined));

  it.skipIf(client.missing !== '')(`uses what a switch has${client.missing}`, async () => {
    const seen = await new Script(client, 'features', await startEmulator(), features).done;
    const expected = readFileSync(join(ROOT, 'test/clients/expected/compiled-features.json'), 'utf8');
    expect(seen).toEqual(JSON.parse(expected));
  });
});
