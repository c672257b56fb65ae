/** Errors are reported in one sentence, before anything is built. These tests need neither root nor Mininet. */
import { afterAll, describe, expect, it } from 'vitest';
import { floats, inputsFor } from '../../cli/mininet/inputs.js';
import { parseCommand } from '../../cli/mininet/control.js';
import { among } from '../../cli/mininet/report.js';
import { endAll, run } from './support/run.js';

afterAll(endAll);

describe('fpisa mininet refuses', { timeout: 300_000 }, () => {
  it.each([
    [['--cli', '--json'], /--cli is for people/],
    [['--tree', '--topo', 'fpisa,2'], /--tree and --topo both choose a topology/],
    [['--workers', '3', '--topo', 'racks'], /pass the number to yours with --topo racks,NUMBER/],
    [['--custom', 'racks.py'], /--custom needs --topo NAME/],
    [['--workers', '33'], /from 2 to 32/],
    [['--switch', 'tofino'], /bmv2, emulator/],
  ])('%j', async (args, why) => {
    const { code, report } = await run([...args, '--json']).end;
    expect(report!.error!.message).toMatch(why);
    expect(code).toBe(2);
  });

  it('to start without root', async ({ skip }) => {
    if (process.platform !== 'linux') skip('there is no root to be without');
    // In a new user namespace without a mapping no user is root.
    const within = process.getuid!() === 0 ? ['unshare', '--user'] : [];
    const { code, report } = await run(['--json'], { within }).end;
    expect(report).toEqual({
      ok: false,
      error: {
        code: 'FPISA_REQUIREMENT',
        message: 'Mininet needs root, since it creates network interfaces: run this as root, for example with sudo',
      },
    });
    expect(code).toBe(2);
  });
});

describe('inputs', () => {
  it('are the recorded gradients, reused from the first on above eight workers', () => {
    expect(inputsFor(8, undefined).note).toBeUndefined();
    const { sources, note } = inputsFor(10, undefined);
    expect(sources.map(({ phase }) => phase)).toEqual(['early', 'late']);
    expect(sources[0]!.pathOf(9)).toBe(sources[0]!.pathOf(1));
    expect(note).toMatch(/reuse them/);
  });

  it('are the files of a pattern', () => {
    const { sources } = inputsFor(2, 'runs/{rank}/grad-{rank}.npy');
    expect(sources.map(({ phase, extension, pathOf }) => [phase, extension, pathOf(3)])).toEqual([
      ['grad-*.npy', '.npy', 'runs/3/grad-3.npy'],
    ]);
    expect(() => inputsFor(2, 'grad.npy')).toThrow(/write \{rank\} where their ranks go/);
  });

  it('are fp32', () => {
    expect(() =>
      floats({ tensors: new Map([['n', { shape: [1], data: new Int32Array(1) }]]), metadata: {} }, 'n.npy'),
    ).toThrow('tensor n of n.npy is not fp32');
  });
});

describe('commands', () => {
  it('name a worker, a switch or the controller', () => {
    expect(parseCommand('{"kill":"worker","rank":2}')).toMatchObject({ verb: 'kill', target: { worker: 2 } });
    expect(parseCommand('{"restart":"s1"}')).toMatchObject({ verb: 'restart', target: { part: 's1' } });
    expect(parseCommand('{"start":"controller"}')).toMatchObject({ verb: 'start', target: { part: 'controller' } });
  });

  it.each([
    '',
    'kill',
    '3',
    'null',
    '{}',
    '{"kill":"worker"}',
    '{"restart":"worker","rank":1}',
    '{"stop":"s1"}',
    '{"kill":"s1","start":"s2"}',
    '{"kill":7}',
  ])('%j is none', (line) => {
    expect(() => parseCommand(line)).toThrow(/is not a command/);
  });
});

describe('the tree that a sum was made by', () => {
  it('has the workers that are left, and no switch without any', () => {
    expect(
      among(
        [
          [0, 1],
          [2, 3],
        ],
        [0, 1, 2, 3],
      ),
    ).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(
      among(
        [
          [0, 1],
          [2, 3],
        ],
        [2, 3],
      ),
    ).toEqual([[0, 1]]);
    expect(among([0, 1, 2], [0, 2])).toEqual([0, 1]);
  });
});
