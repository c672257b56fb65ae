import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyState } from '../../controlplane/controller/state.js';
import { FileStore, MemoryStore } from '../../controlplane/controller/store.js';
import { StoreFormatError } from '../../controlplane/errors.js';
import { switchConfig } from './site.helpers.js';

const PROFILE = { name: 'fpisa', format: 'fp32', mode: 'full', guard: 2, rounding: 'truncate', leftShiftLimit: 8 };

const LOADER = new URL('typescript-loader.mjs', import.meta.url).href;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-store-'));
  path = join(folder, 'deep', 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('FileStore', () => {
  test('a new store has an id that stays', () => {
    const first = new FileStore(path);
    const { storeId } = first.read();
    expect(storeId).toBeGreaterThan(0);
    first.close();
    const second = new FileStore(path);
    expect(second.read().storeId).toBe(storeId);
    second.close();
  });

  test('what was written is read, and nothing else is left in the folder', () => {
    const store = new FileStore(path);
    const state = { ...emptyState(3), epochFloor: { s1: 8 }, switches: { s1: switchConfig('h:1') } };
    store.write(state);
    expect(store.read()).toEqual(state);
    store.close();
    expect(readdirSync(join(folder, 'deep'))).toEqual(['state.json']);
  });

  test('a write that was cut off leaves the old state', () => {
    const store = new FileStore(path);
    store.write({ ...emptyState(3), epochFloor: { s1: 8 } });
    writeFileSync(`${path}.tmp`, '{"version": 1, "sto');
    expect(store.read().epochFloor).toEqual({ s1: 8 });
    store.write({ ...emptyState(3), epochFloor: { s1: 9 } });
    expect(store.read().epochFloor).toEqual({ s1: 9 });
    store.close();
  });

  test('a process killed while it writes leaves one whole state', async () => {
    new FileStore(path).close();
    const store = new URL('../../controlplane/controller/store.ts', import.meta.url).href;
    // States of very different lengths, as fast as it can.
    const script = `
      const { FileStore } = await import(${JSON.stringify(store)});
      const store = new FileStore(${JSON.stringify(path)});
      const state = store.read();
      for (let n = 1; ; n++) {
        store.write({ ...state, generations: { s1: n }, epochFloor: { ['x'.repeat((n % 7) * 20_000)]: n } });
        if (n === 20) console.log('writing');
      }`;
    const writer = spawn(process.execPath, ['--input-type=module', '--import', LOADER, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    writer.kill('SIGKILL');
    await ended;
    const successor = new FileStore(path);
    const { generations, epochFloor } = successor.read();
    expect(generations['s1']).toBeGreaterThanOrEqual(20);
    expect(Object.values(epochFloor)).toEqual([generations['s1']]);
    successor.close();
  });

  test('a store of the first release, where a job had one switch, is completed', () => {
    const member = { rank: 0, ip: '10.0.0.1', udpPort: 4000, mac: '02:00:00:00:00:01', switchPort: 1 };
    const job = {
      name: 'a',
      switchName: 's1',
      number: 0,
      multicastGroup: 1,
      workers: 1,
      slotBase: 0,
      slots: 8,
      profile: PROFILE,
      epoch: 3,
      members: [member],
      active: { epoch: 3, members: [member] },
      completed: 2,
    };
    const jobs = {
      a: { ...job, countersReset: true },
      b: { ...job, name: 'b', active: undefined, members: [], countersReset: false },
    };
    new FileStore(path).close();
    writeFileSync(
      path,
      JSON.stringify({
        version: 1,
        storeId: 1,
        electionId: 4,
        switches: { s1: switchConfig('h:1') },
        jobs,
        epochFloor: { s1: 2 },
      }),
    );
    const store = new FileStore(path);
    const { jobs: read, ...rest } = store.read();
    const placed = { ...member, process: '', switchName: 's1' };
    expect(read['a']).toEqual({
      ...job,
      // Its switches rounded down, which the preset of this name no longer does.
      profile: { ...PROFILE, name: 'custom', alignment: 'floor' },
      minWorkers: 1,
      left: [],
      switches: ['s1'],
      countersResetOn: ['s1'],
      members: [placed],
      active: { epoch: 3, members: [placed] },
    });
    expect(read['b']).toMatchObject({ switches: ['s1'], countersResetOn: [], members: [] });
    expect(rest).toEqual({
      version: 1,
      storeId: 1,
      // That release needs it if it comes back.
      electionId: 4,
      switches: { s1: switchConfig('h:1') },
      epochFloor: { s1: 2 },
      generations: {},
    });
    // What it has become is left as it is.
    store.write({ ...rest, jobs: read });
    expect(store.read().jobs).toEqual(read);
    store.close();
  });

  test.each([
    ['{"version": 1', /is not JSON/],
    ['{"version": 2}', /has format version 2, this controller reads version 1/],
    ['{"version": 1, "switches": {}}', /has no "jobs"/],
    ['null', /is JSON of another program/],
    ['', /is not JSON/],
    ['[]', /is JSON of another program/],
    ['{"name": "x", "version": "1.0.0"}', /is JSON of another program.*; choose another file/],
  ])('a file with %s is refused, not overwritten', (text, message) => {
    new FileStore(path).close();
    writeFileSync(path, text);
    const store = new FileStore(path);
    expect(() => store.read()).toThrow(StoreFormatError);
    expect(() => store.read()).toThrow(message);
    expect(readFileSync(path, 'utf8')).toBe(text);
    store.close();
  });
});

describe('a store that is JSON of another form is refused in one sentence with path, field and what was expected', () => {
  const member = {
    rank: 0,
    ip: '10.0.0.1',
    udpPort: 4000,
    mac: '02:00:00:00:00:01',
    process: 'f00d',
    switchName: 's1',
    switchPort: 1,
  };
  const job = {
    name: 'a',
    switchName: 's1',
    switches: ['s1'],
    number: 0,
    multicastGroup: 1,
    workers: 1,
    minWorkers: 1,
    slotBase: 0,
    slots: 8,
    profile: { ...PROFILE, alignment: 'nearest-even' },
    epoch: 3,
    members: [member],
    left: [],
    active: { epoch: 3, members: [member] },
    completed: 2,
    countersResetOn: ['s1'],
  };
  const whole = {
    ...emptyState(3),
    switches: { s1: switchConfig('h:1') },
    jobs: { a: job },
    epochFloor: { s1: 2 },
    // Of a later release: is kept.
    later: { x: 1 },
  };

  const read = (state: object): unknown => {
    new FileStore(path).close();
    writeFileSync(path, JSON.stringify(state));
    const store = new FileStore(path);
    try {
      return store.read();
    } finally {
      store.close();
    }
  };

  test('this one is accepted', () => expect(read(whole)).toEqual(whole));

  const profile = { ...PROFILE, mode: 'fast' };
  const parent = { switch: 's2', port: 1, parentPort: '2' };
  test.each([
    [{ ...whole, jobs: [] }, 'has a list as "jobs", which must be an object'],
    [{ ...whole, jobs: { a: 7 } }, 'has 7 as "jobs.a", which must be an object'],
    [{ ...whole, generations: { s1: '4' } }, 'has "4" as "generations.s1", which must be a whole number from 0'],
    [{ ...whole, storeId: undefined }, 'has no "storeId", which must be a whole number from 0'],
    [{ ...whole, storeId: 2 ** 32 }, 'has 4294967296 as "storeId", which must be a whole number up to 4294967295'],
    [{ ...whole, epochFloor: { s1: -1 } }, 'has -1 as "epochFloor.s1", which must be a whole number from 0'],
    [
      { ...whole, jobs: { a: { ...job, slots: 1.5 } } },
      'has 1.5 as "jobs.a.slots", which must be a whole number from 0',
    ],
    [
      { ...whole, jobs: { a: { ...job, profile } } },
      'has "fast" as "jobs.a.profile.mode", which must be full or approximate',
    ],
    [
      { ...whole, jobs: { a: { ...job, profile: { ...PROFILE, alignment: 'up' } } } },
      'has "up" as "jobs.a.profile.alignment", which must be floor or nearest-even',
    ],
    [
      { ...whole, jobs: { a: { ...job, members: [member, { ...member, ip: null }] } } },
      'has null as "jobs.a.members.1.ip", which must be a string',
    ],
    [
      { ...whole, jobs: { a: { ...job, active: { epoch: 3, members: {} } } } },
      'has an object as "jobs.a.active.members", which must be a list',
    ],
    [
      { ...whole, switches: { s1: { ...switchConfig('h:1'), ports: { 1: 5 } } } },
      'has 5 as "switches.s1.ports.1", which must be a string or null',
    ],
    [
      { ...whole, switches: { s1: { ...switchConfig('h:1'), parent } } },
      'has "2" as "switches.s1.parent.parentPort", which must be a whole number from 0',
    ],
  ])('%#: %o', (state, message) => {
    expect(() => read(state)).toThrow(
      new StoreFormatError(`the store ${path} ${message}; restore it, or move it away to start empty`),
    );
  });

  test('one that is cut off anywhere', () => {
    const text = JSON.stringify(whole);
    const store = new FileStore(path);
    for (let length = 0; length < text.length; length++) {
      writeFileSync(path, text.slice(0, length));
      expect(() => store.read(), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'FPISA_STORE_FORMAT', message: expect.stringContaining(path) as string }),
      );
    }
    store.close();
  });
});

test('MemoryStore keeps its own copy', () => {
  const store = new MemoryStore();
  const state = { ...store.read(), storeId: 4 };
  store.write(state);
  state.storeId = 5;
  expect(store.read().storeId).toBe(4);
});
