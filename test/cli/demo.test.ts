import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './support/built.js';
import { Command, fpisa, onEnd, onlyJson, scratch, type CommandOptions } from './support/command.js';
import { allGone, childrenOf } from './support/processes.js';

const WORKERS = 8;
/** Of the recorded gradients, of both phases. */
const ELEMENTS = 36_308;

interface Report {
  readonly ok: boolean;
  readonly retransmissions: number;
  readonly packets: number;
  readonly transports: readonly string[];
  readonly maxUlpError: number;
  readonly layers: readonly { readonly phase: string; readonly identical: boolean }[];
}

/** A demonstration that takes long, and the processes it consists of: switch, controller, workers. */
async function underway(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ demo: Command; children: number[] }> {
  const demo = new Command(['demo', '--loss', '0.3', ...args], options);
  let children: number[] = [];
  while (children.length < 2 + WORKERS) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    children = childrenOf(demo.pid);
  }
  return { demo, children: children.sort((a, b) => a - b) };
}

describe('fpisa demo', () => {
  it('--json prints one object with the verdict, again and again', async () => {
    for (let run = 0; run < 2; run++) {
      const ended = await fpisa('demo', '--json');
      const report = onlyJson<Report>(ended);
      expect(report).toMatchObject({
        ok: true,
        workers: WORKERS,
        elements: ELEMENTS,
        identicalAcrossWorkers: true,
        outOfBound: 0,
        loss: 0,
        profile: 'fpisa',
        valuesPerPacket: 2048,
      });
      expect(report.maxUlpError).toBeGreaterThanOrEqual(0);
      expect(report.retransmissions).toBeGreaterThanOrEqual(0);
      expect(report.transports).toEqual([expect.stringMatching(/^(batches|node:dgram)/)]);
      expect(report.layers.map(({ phase }) => phase)).toEqual([
        ...new Array<string>(8).fill('early'),
        ...new Array<string>(8).fill('late'),
      ]);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('--loss makes packets be sent again, and no difference to the sums', async () => {
    const ended = await fpisa('demo', '--json', '--loss', '0.05');
    const report = onlyJson<Report>(ended);
    expect(report).toMatchObject({ ok: true, elements: ELEMENTS, identicalAcrossWorkers: true, loss: 0.05 });
    expect(report.retransmissions).toBeGreaterThan(0);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('with few workers, small packets and every fault at once, as text', async () => {
    const { code, stdout, stderr } = await fpisa(
      'demo',
      '--workers',
      '2',
      '--values',
      '64',
      '--profile',
      'fpisa-a',
      '--loss',
      '0.01',
      '--duplicate',
      '0.02',
      '--reorder',
      '0.05',
      '--delay',
      '1',
      '--seed',
      '7',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/starting the switch\n.*starting the controller/s);
    expect(stdout).toMatch(/late {2,}dense1\.weight +12288 /);
    expect(stdout).toMatch(
      /36308 elements from 2 workers, \d+ packets of up to \d+ values, \d+ retransmitted\npackets went by (batches|node:dgram)[^\n]*\nOK: every worker holds the same sums, bit for bit/,
    );
  });

  it.each([
    ['Ctrl-C at a terminal, which reaches every process', true],
    ['a signal to it alone', false],
  ])('ends at %s, and leaves nothing behind', async (_, group) => {
    const folder = scratch();
    const { demo, children } = await underway([], { group, env: { TMPDIR: folder } });
    demo.kill('SIGINT');
    const { code, stderr } = await demo.ended;
    await allGone(children);
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'fpisa: interrupted\n' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('ends when nobody reads what it prints any more, and leaves nothing behind', async () => {
    const folder = scratch();
    const demo = spawn(process.execPath, [join(ROOT, 'bin/fpisa.js'), 'demo', '--workers', '2', '--delay', '50'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    });
    onEnd(() => void demo.kill('SIGKILL'));
    await once(demo.stdout, 'data');
    demo.stdout.destroy();
    let errors = '';
    demo.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(demo, 'close')) as [number | null];
    expect({ code, errors, left: readdirSync(folder) }).toEqual({ code: 130, errors: '', left: [] });
  });

  it('takes its processes with it when it is killed', async () => {
    // Its folder is left over.
    const { demo, children } = await underway([], { env: { TMPDIR: scratch() } });
    demo.kill('SIGKILL');
    await demo.ended;
    await allGone(children);
  });

  it.each([
    ['the switch', 0],
    ['the controller', 1],
    ['worker 5', 7],
  ])('says so when %s dies, and stops the others', async (name, index) => {
    const { demo, children } = await underway(['--json']);
    process.kill(children[index]!, 'SIGKILL');
    const ended = await demo.ended;
    await allGone(children);
    expect(onlyJson(ended)).toEqual({
      ok: false,
      error: { code: 'FPISA_CHILD', message: `${name} was ended by SIGKILL` },
    });
    expect(ended.code).toBe(6);
  });
});
