/** `fpisa switch` and `fpisa controller`: how they begin, where they cannot, and how they end. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './support/built.js';
import { Command, expectFailure, fpisa, onEnd, onlyJson, scratch } from './support/command.js';
import { Site } from './support/site.js';

/** A TCP port that another socket listens on. */
async function takenTcp(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function takenUdp(): Promise<string> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onEnd(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return `127.0.0.1:${socket.address().port}`;
}

describe('a port that is in use is named, with the option that chooses another one', () => {
  it('of P4Runtime', async () => {
    const address = await takenTcp();
    expectFailure(
      await fpisa('switch', '--ports', '1', '--p4runtime', address),
      2,
      new RegExp(`P4Runtime cannot listen on ${address}: the port is in use; choose another one with --p4runtime`),
    );
  });

  it('of a switch port', async () => {
    const address = await takenUdp();
    const ended = await fpisa('switch', '--port', `3=${address}`, '--p4runtime', '127.0.0.1:0');
    expectFailure(
      ended,
      2,
      new RegExp(
        `switch port 3 cannot listen on ${address}: the port is in use; choose another one with --port or --base-port`,
      ),
    );
  });

  it('of the controller, as JSON', async () => {
    const address = await takenTcp();
    const ended = await fpisa('controller', '--listen', address, '--json');
    expect(onlyJson(ended)).toEqual({
      ok: false,
      error: {
        code: 'FPISA_PORT_IN_USE',
        message: expect.stringMatching(new RegExp(`${address}.*--listen`)) as string,
      },
    });
    expect(ended.code).toBe(2);
  });

  it('two controllers on one store: names the process that has it', async () => {
    const store = `${scratch()}/store.json`;
    const first = new Command(['controller', '--json', '--listen', '127.0.0.1:0', '--store', store]);
    await first.line();
    expectFailure(
      await fpisa('controller', '--listen', '127.0.0.1:0', '--store', store),
      4,
      new RegExp(`process ${first.pid} on .* runs a controller on this store already`),
    );
    first.kill('SIGKILL');
    await first.ended;
    // A dead process holds no lock.
    await new Command(['controller', '--json', '--listen', '127.0.0.1:0', '--store', store]).line();
  });

  it('an address that is not of this machine', async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737).
    expectFailure(
      await fpisa('switch', '--ports', '1', '--host', '192.0.2.1', '--p4runtime', '127.0.0.1:0'),
      2,
      /192\.0\.2\.1:0 cannot be used here/,
    );
    expectFailure(
      await fpisa('switch', '--ports', '1', '--p4runtime', '192.0.2.1:0'),
      2,
      /P4Runtime cannot listen on 192\.0\.2\.1:0 \(EADDRNOTAVAIL\); give an address of this machine, .* with --p4runtime/,
    );
    expectFailure(
      await fpisa('controller', '--listen', '192.0.2.1:0'),
      2,
      /the controller cannot listen on 192\.0\.2\.1:0 \(EADDRNOTAVAIL\).* with --listen/,
    );
  });
});

describe('the port of the controller', () => {
  it('is no port for anybody else', async () => {
    expectFailure(
      await fpisa('switch', '--ports', '64', '--cpu-port', '64', '--p4runtime', '127.0.0.1:0'),
      2,
      /switch port 64 is the controller's, by --cpu-port/,
    );
  });

  it.each(['compiled', 'interpreter'])('can be 255, engine %s', async (engine) => {
    const args = ['switch', '--json', '--ports', '1', '--cpu-port', '255', '--engine', engine];
    const line = await new Command([...args, '--p4runtime', '127.0.0.1:0']).line();
    expect(JSON.stringify(line)).toContain('ready');
  });
});

describe('stores and configurations that cannot be used', () => {
  it('a store that is none is never overwritten', async () => {
    const store = `${scratch()}/store.json`;
    writeFileSync(store, 'not a store');
    expectFailure(
      await fpisa('controller', '--listen', '127.0.0.1:0', '--store', store),
      5,
      /store\.json is not JSON .*; restore it, or move it away to start empty/,
    );
    expect(readFileSync(store, 'utf8')).toBe('not a store');
    // And not held, either.
    expect(existsSync(`${store}.lock`)).toBe(false);
  });

  it.each([
    ['{', /configuration .* is not JSON/],
    ['{}', /has no list "switches"; docs\/controller\.md has an example/],
    ['null', /has no list "switches"; docs\/controller\.md has an example/],
    ['{"switches": [null]}', /has no object at switches\[0\]; docs\/controller\.md has an example/],
    ['{"switches": [{"name": "s1"}]}', /switch "s1"/],
    ['{"switches": [], "store": "s.json"}', /configuration .* has an unknown key "store" \(keys: switches\)/],
    ['{"switches": [], "switches": []}', /configuration .* has the key "switches" twice in one object/],
    [
      '{"switches": [{"name": "s1", "ports": {"1": null, "\\u0031": "x"}}]}',
      /has the key "1" twice in one object: only the last would count/,
    ],
    [
      '{"switches": [{"name": "s1", "build-dir": "x"}]}',
      /has an unknown key "build-dir" in switches\[0\] \(keys: name, address, deviceId, serviceIp, .*buildDir, parent, routes\)/,
    ],
    [
      '{"switches": [{"name": "s1"}, {"name": "s2", "parent": {"switch": "s1", "prot": 1}}]}',
      /has an unknown key "prot" in switches\[1\]\.parent \(keys: switch, port, parentPort\)/,
    ],
    [
      '{"switches": [{"name": "s1", "routes": [{"prefix": "10.0.0.1/32", "port": 1, "mac": "02:00:00:00:00:01", "via": 2}]}]}',
      /has an unknown key "via" in switches\[0\]\.routes\[0\] \(keys: prefix, port, mac\)/,
    ],
    [
      '{"switches": [{"name": "s1", "address": "127.0.0.1:1", "deviceId": 0, "serviceIp": "10.0.0.254", "serviceMac": "02:00:00:00:00:fe", "serviceUdpPort": 61786, "valuesPerPacket": 16}]}',
      /switch "s1": ports is not an object of ports for workers: {"1": null}/,
    ],
    [
      '{"switches": [{"name": "s1", "address": "127.0.0.1:1", "deviceId": 0, "serviceIp": "10.0.0.254", "serviceMac": "02:00:00:00:00:fe", "serviceUdpPort": 61786, "ports": {"1": null}, "valuesPerPacket": 17}]}',
      /no build with 17 values per packet \(builds: fpisa-n16, fpisa-n64, fpisa-n256\b/,
    ],
  ])('configuration %s', async (text, message) => {
    const config = `${scratch()}/switches.json`;
    writeFileSync(config, text);
    expectFailure(await fpisa('controller', '--listen', '127.0.0.1:0', '--config', config), 5, message);
  });

  it('a program that is none', async () => {
    const folder = scratch();
    writeFileSync(`${folder}/x.json`, '{}');
    writeFileSync(`${folder}/x.p4info`, 'pkg_info { arch: "v1model" }');
    const args = [
      'switch',
      '--ports',
      '1',
      '--p4runtime',
      '127.0.0.1:0',
      '--p4info',
      `${folder}/x.p4info`,
      '--program',
    ];
    expectFailure(await fpisa(...args, `${folder}/nowhere.json`), 5, /nowhere\.json cannot be read/);
    expectFailure(
      await fpisa(...args, `${folder}/x.json`),
      5,
      /x\.json with .*x\.p4info is not a program for this switch: /,
    );
  });
});

describe('the end', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('of switch and controller by %s is an ordinary one', async (signal) => {
    const site = await Site.start({ ports: 1 });
    for (const server of [site.keeper, site.device]) {
      server.kill(signal);
      const { code, stderr } = await server.ended;
      // A controller's log says what it does; nothing in it is out of the ordinary.
      const lines = stderr.split('\n').filter((line) => line !== '' && !/^\[[^\]]+\] INFO: /.test(line));
      expect({ code, lines }).toEqual({ code: 0, lines: [] });
    }
  });

  it('of whoever reads what it prints is its own, without a word', async () => {
    const child = spawn(
      process.execPath,
      [join(ROOT, 'bin/fpisa.js'), 'switch', '--json', '--ports', '1', '--p4runtime', '127.0.0.1:0'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    onEnd(() => void child.kill('SIGKILL'));
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
  });

  it('as text they say where they are', async () => {
    const folder = scratch();
    const device = new Command(['switch', '--ports', '2', '--p4runtime', '127.0.0.1:0']);
    const keeper = new Command(['controller', '--listen', '127.0.0.1:0', '--store', `${folder}/store.json`]);
    await Promise.all([device.text(/^port 2: .*\n/m), keeper.text(/\n/)]);
    expect(device.stdout).toMatch(
      /^switch serves P4Runtime at 127\.0\.0\.1:\d+, device 0\nport 1: UDP 127\.0\.0\.1:\d+\nport 2: UDP 127\.0\.0\.1:\d+\n$/,
    );
    expect(keeper.stdout).toBe(keeper.stdout.match(/^controller at 127\.0\.0\.1:\d+, state in .*store\.json\n$/)?.[0]);
  });
});
