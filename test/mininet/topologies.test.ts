/** The Python side as Mininet's users meet it: the prompt, topologies of their own, and mn --custom. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NAMESPACES, onPath } from '../../cli/mininet/requirements.js';
import { endAll, ROOT, run, temporaryFolder } from './support/run.js';
import { TARGETS } from './support/targets.js';

afterAll(endAll);

const { kind, missing } = TARGETS.find((target) => target.missing === undefined) ?? TARGETS[0]!;

describe('the prompt', { timeout: 300_000 }, () => {
  it('reduces, and knows the fpisa command in every host', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    // Not "h2 fpisa …": while a host's command runs, the prompt gives it what comes from standard input.
    const input = `allreduce\npy net.get('h2').cmd('fpisa job show mininet')\nexit\n`;
    const { code, text, errors } = await run(['--switch', kind, '--workers', '2', '--cli'], { input }).end;
    expect(text, errors).toMatch(/^OK: every worker holds the same sums/m);
    expect(errors).toContain('job mininet: waiting, 2 workers');
    expect(code).toBe(0);
  });

  it('finds that switches carry ordinary traffic between all hosts', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    if (!onPath('ping')) skip('ping is not on PATH');
    const { text, errors } = await run(['--switch', kind, '--tree', '--workers', '3', '--cli'], {
      input: 'pingall\nexit\n',
    }).end;
    expect(errors, text).toContain('0% dropped (6/6 received)');
  });
});

describe("topologies of one's own", { timeout: 300_000 }, () => {
  const racks = join(ROOT, 'examples/mininet/racks.py');

  it('are built from a file, with as many workers as they have', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const { report, errors } = await run([
      '--switch',
      kind,
      '--custom',
      racks,
      '--topo',
      'racks,racks=3,size=1',
      '--json',
    ]).end;
    expect(report, errors).toMatchObject({ ok: true, workers: 3, switches: ['s1', 's2', 's3', 's4'], outOfBound: 0 });
  });

  it('that do not exist are named together with those that do', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const { report } = await run(['--switch', kind, '--custom', racks, '--topo', 'rakcs', '--json']).end;
    expect(report!.error!.message).toBe('there is no topology "rakcs" (topologies: fpisa, fpisatree, racks)');
  });
});

describe('mn --custom', { timeout: 300_000 }, () => {
  it("builds a tree of our switches, and writes the controller's configuration for it", ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const folder = temporaryFolder();
    try {
      const config = join(folder.path, 'switches.json');
      const topology = join(ROOT, 'cli/mininet/fpisa_topo.py');
      const shell = `ip link set lo up && exec mn --custom ${topology} --topo fpisatree,4 --switch ${kind === 'emulator' ? 'fpisa' : kind},logs=${folder.path} --controller none`;
      const { status, stderr } = spawnSync('unshare', [...NAMESPACES, 'sh', '-c', shell], {
        input: `fpisaconfig ${config} 64\nexit\n`,
        encoding: 'utf8',
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      });
      expect(status, stderr).toBe(0);
      const { switches } = JSON.parse(readFileSync(config, 'utf8')) as { switches: Record<string, unknown>[] };
      expect(
        switches.map(({ name, ports, parent, valuesPerPacket }) => ({ name, ports, parent, valuesPerPacket })),
      ).toEqual([
        { name: 's1', ports: {}, parent: undefined, valuesPerPacket: 64 },
        {
          name: 's2',
          ports: { 1: null, 2: null },
          parent: { switch: 's1', port: 3, parentPort: 1 },
          valuesPerPacket: 64,
        },
        {
          name: 's3',
          ports: { 1: null, 2: null },
          parent: { switch: 's1', port: 3, parentPort: 2 },
          valuesPerPacket: 64,
        },
      ]);
      expect(new Set(switches.map(({ serviceIp }) => serviceIp)).size).toBe(3);
    } finally {
      folder.remove();
    }
  });
});

describe('a switch', { timeout: 300_000 }, () => {
  it('says that its port is in use', ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const script = `
import socket, sys
sys.path.insert(0, '${join(ROOT, 'cli/mininet')}')
import fpisa_topo
taken = socket.create_server(('127.0.0.1', 9559))
try:
    fpisa_topo.FpisaSwitch('s1', inNamespace=False).start([])
except fpisa_topo.TopologyError as error:
    print(error)
`;
    const python = spawnSync(
      'unshare',
      [...NAMESPACES, 'sh', '-c', 'ip link set lo up && exec /usr/bin/python3 -B -'],
      { input: script, encoding: 'utf8' },
    );
    expect(python.stdout, python.stderr).toBe(
      'switch s1 cannot listen on TCP port 9559: it is in use; stop the process that uses it\n',
    );
  });
});
