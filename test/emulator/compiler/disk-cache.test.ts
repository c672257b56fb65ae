import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBinaryen } from '../../../emulator/compiler/binaryen.js';
import { compileAside } from '../../../emulator/compiler/cache.js';
import { DiskCache, defaultCacheFolder } from '../../../emulator/compiler/disk-cache.js';
import { CompiledEngine } from '../../../emulator/machine/engine.js';
import { ProgramMemory } from '../../../emulator/machine/memory.js';
import { compileProgram } from '../../../emulator/compiler/module.js';
import { artifactOf, type CompiledProgram } from '../../../emulator/machine/artifact.js';
import { Switch } from '../../../emulator/switch.js';
import { identityOf } from '../../../emulator/json/identity.js';
import { loadProgram } from '../../../emulator/json/load.js';
import { bytes, hex, programJson, switchWith } from '../support/programs.js';

const DROP_PORT = 511;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function compile(name: string): Promise<{ key: string; compiled: CompiledProgram }> {
  const program = loadProgram(programJson(name));
  return { key: identityOf(program), compiled: compileProgram(await loadBinaryen(), program, DROP_PORT) };
}

describe('compiled programs on disk', () => {
  it('run as those that have just been compiled', async () => {
    // A program with all kinds of work that is left to the interpreter's own code.
    const { key, compiled } = await compile('externs');
    new DiskCache(folder).write(key, DROP_PORT, compiled);
    const kept = new DiskCache(folder).read(key, DROP_PORT)!;
    expect(kept.wasm).toEqual(compiled.wasm);
    const artifact = artifactOf(kept);
    const stored = new Switch({
      seed: 1,
      clock: 0,
      engine: (_, host) => {
        const memory = new ProgramMemory(artifact.layout);
        host.state.moveTo(memory);
        return new CompiledEngine(artifact, host, memory);
      },
    });
    stored.load(programJson('externs'));
    const plain = switchWith('externs', { seed: 1, clock: 0, engine: 'interpreter' });
    for (let op = 1; op <= 11; op++) {
      const packet = bytes(`${op.toString(16).padStart(2, '0')} 00000001 0${op.toString(16)}579bd1`.padEnd(120, ' 00'));
      const answers = (target: Switch): string[] => target.receive(1, packet).map((output) => hex(output.bytes));
      expect(answers(stored)).toEqual(answers(plain));
    }
  });

  it('are found by program and drop port alone', async () => {
    const { key, compiled } = await compile('values');
    const cache = new DiskCache(folder);
    expect(cache.read(key, DROP_PORT)).toBeUndefined();
    cache.write(key, DROP_PORT, compiled);
    expect(cache.read(key, DROP_PORT)).toBeDefined();
    expect(cache.read(key, DROP_PORT - 1)).toBeUndefined();
    expect(cache.read((await compile('tables')).key, DROP_PORT)).toBeUndefined();
  });

  it('that are not as they were written count as absent', async () => {
    const { key, compiled } = await compile('values');
    const cache = new DiskCache(folder);
    cache.write(key, DROP_PORT, compiled);
    const [name] = readdirSync(folder);
    const path = join(folder, name!);
    const whole = readFileSync(path);
    const flipped = Uint8Array.from(whole);
    flipped[whole.length - 5]! ^= 1;
    for (const damaged of [whole.subarray(0, whole.length - 1), new Uint8Array(), flipped]) {
      writeFileSync(path, damaged);
      expect(cache.read(key, DROP_PORT)).toBeUndefined();
    }
    writeFileSync(path, whole);
    expect(cache.read(key, DROP_PORT)).toBeDefined();
  });

  it('are done without where the folder cannot be used', async () => {
    const program = loadProgram(programJson('values'));
    const notAFolder = join(folder, 'file');
    writeFileSync(notAFolder, '');
    const artifact = await compileAside(program, 'cannot be written', DROP_PORT, notAFolder);
    expect(artifact.program).toBe(program);
  });

  it.runIf(existsSync('/proc'))('are done without below a folder where none can be made', async () => {
    const { key, compiled } = await compile('tables');
    const cache = new DiskCache('/proc/none/fpisa');
    cache.write(key, DROP_PORT, compiled);
    expect(cache.read(key, DROP_PORT)).toBeUndefined();
  });

  it('are kept by whoever compiles, and taken by whoever comes next', async () => {
    const program = loadProgram(programJson('tables'));
    await compileAside(program, 'first', DROP_PORT, folder);
    const files = readdirSync(folder);
    expect(files).toHaveLength(1);
    // In this process it is known by now; under another name, only the folder can give it.
    const taken = new DiskCache(folder).read('first', DROP_PORT)!;
    new DiskCache(folder).write('second', DROP_PORT, taken);
    const artifact = await compileAside(program, 'second', DROP_PORT, folder);
    expect(artifact.program).not.toBe(program);
  });

  it('do not pile up', async () => {
    const { compiled } = await compile('values');
    const cache = new DiskCache(folder);
    for (let i = 0; i < 70; i++) cache.write(`program ${i}`, DROP_PORT, compiled);
    expect(readdirSync(folder)).toHaveLength(64);
    expect(cache.read('program 69', DROP_PORT)).toBeDefined();
  });

  it('are where the user keeps such things', () => {
    const before = process.env['XDG_CACHE_HOME'];
    try {
      process.env['XDG_CACHE_HOME'] = '/somewhere';
      expect(defaultCacheFolder()).toBe('/somewhere/fpisa');
      process.env['XDG_CACHE_HOME'] = 'not/absolute';
      expect(defaultCacheFolder()).toMatch(/^\/.*\.cache\/fpisa$/);
    } finally {
      if (before === undefined) delete process.env['XDG_CACHE_HOME'];
      else process.env['XDG_CACHE_HOME'] = before;
    }
  });
});
