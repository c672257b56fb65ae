import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bmv2Version } from '../differential/bmv2/process.js';
import { startBmv2 } from './support/bmv2.js';
import { ROOT, shell, finsy } from './support/clients.js';
import { startEmulator } from './support/emulator.js';
import { Script } from './support/script.js';

const fixtures = join(ROOT, 'test/emulator/p4runtime/fixtures');
const features = { p4info: join(fixtures, 'features.p4info.txtpb'), program: join(fixtures, 'features.json') };
const targets = { emulator: startEmulator, bmv2: startBmv2 };

describe.each([shell, finsy])('$name$missing', (client) => {
  it.each(['emulator', 'bmv2'] as const)('%s', async (name) => {
    const target = await (name === 'emulator' ? startEmulator() : startBmv2());
    const script = new Script(client, `${client === shell ? "shell" : "finsy"}_features.py`, target, features);
    try { await script.done; } finally {
    writeFileSync(`/tmp/e/run/${client.name}-${name}.json`, JSON.stringify(script.checks, null, 1));}
  });
});
