import { beforeAll, describe, expect, it } from 'vitest';
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import { Switch } from '../../../emulator/switch.js';
import { bytes, hex, programJson, switchWith } from '../support/programs.js';

const packet = bytes('01 0001 00000002 00 00');

describe('the compiled engine', () => {
  it('runs interpreted until the compiler is there, and keeps the state when it changes over', async () => {
    const target = switchWith('tables', { engine: 'compiled' });
    const { tables } = target.control.describe();
    const table = tables.find((t) => t.name.endsWith('exact_'))!;
    const { name: action } = table.actions.find((a) => a.name.endsWith('count_and_give'))!;
    const keys = [1n, 2n].map((value) => ({ kind: 'exact' as const, value }));
    target.control.insertEntry(table.name, { keys, priority: 0, call: { action, args: [5n] } });
    const before = target.receive(2, packet).map((o) => hex(o.bytes));
    await target.ready();
    expect(target.receive(2, packet).map((o) => hex(o.bytes))).toEqual(before);
    const hits = target.control.readDirectCounter(table.name, keys, 0);
    expect(hits.packets).toBe(2n);
  });

  it('traces over the state that compiled packets left', async () => {
    await loadCompiler();
    const target = switchWith('tables', { engine: 'compiled' });
    await target.ready();
    const plain = target.receive(2, packet);
    const traced = target.trace(2, packet);
    expect(traced.outputs).toEqual(plain);
    expect(traced.events.map((event) => event.kind)).toContain('table');
  });

  it("gives outputs that are the caller's own", async () => {
    await loadCompiler();
    const target = switchWith('values', { engine: 'compiled' });
    await target.ready();
    const [first] = target.receive(1, new Uint8Array(64).fill(1));
    const copy = Uint8Array.from(first!.bytes);
    target.receive(1, new Uint8Array(64).fill(0xff));
    expect(first!.bytes).toEqual(copy);
    expect(first!.bytes.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('compiles a program once in a process', async () => {
    await loadCompiler();
    const load = (): Switch => switchWith('parsing', { engine: 'compiled' });
    await load().ready();
    // So many compilations would take longer than a test may.
    for (let i = 0; i < 100; i++) load();
  });
});

describe('buffers', () => {
  beforeAll(loadCompiler);
  it('take packets longer than any before', async () => {
    const target = new Switch({ engine: 'compiled' });
    target.load(programJson('values'));
    await target.ready();
    for (const length of [60, 5_000, 200_000, 60]) {
      const [output] = target.receive(1, new Uint8Array(length).fill(7));
      expect(output!.bytes.length).toBeGreaterThanOrEqual(length);
    }
  });
});

/** A program with what the compiler does not do: a varbit field in the middle of a byte. */
function notCompilable(): string {
  const program = JSON.parse(programJson('parsing')) as {
    header_types: { fields: [string, number | '*', boolean?][] }[];
  };
  const { fields } = program.header_types.find((type) => type.fields.some(([, width]) => width === '*'))!;
  fields.unshift(['half', 4, false]);
  fields.push(['otherHalf', 4, false]);
  return JSON.stringify(program);
}

describe('a program that cannot be compiled', () => {
  it('stays interpreted, and says why', async () => {
    const [target, plain] = [new Switch({ engine: 'compiled' }), new Switch({ engine: 'interpreter' })];
    for (const each of [target, plain]) each.load(notCompilable());
    await expect(target.ready()).rejects.toThrow(/does not begin at a byte/);
    const packet = new Uint8Array(64).fill(3);
    expect(target.receive(1, packet)).toEqual(plain.receive(1, packet));
  });
});

describe('the engine by default', () => {
  it('interprets the first packets, and compiles when there are more', async () => {
    await loadCompiler();
    const target = switchWith('corners');
    const plain = switchWith('corners', { engine: 'interpreter' });
    const compiled = (): boolean =>
      (target as unknown as { loaded: { engine: { compiled: unknown } } }).loaded.engine.compiled !== undefined;
    for (let n = 0; n < 400; n++) {
      const packet = new Uint8Array(64).fill(n);
      expect(target.receive(1, packet)).toEqual(plain.receive(1, packet));
      expect(compiled()).toBe(n >= 299);
    }
  });
});
