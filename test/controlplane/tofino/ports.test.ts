/** Ports of a Tofino, and what a switch's configuration may contain about them. */
import { describe, expect, test } from 'vitest';
import { checkSwitchConfig } from '../../../controlplane/controller/switch-config.js';
import { checkTopology } from '../../../controlplane/controller/topology.js';
import type { SwitchConfig } from '../../../controlplane/controller/state.js';
import { frontPanelRanges, isFrontPanelPort, type Chip } from '../../../controlplane/tofino/ports.js';
import { switchConfig } from '../site.helpers.js';

const tofino = (changes: Partial<SwitchConfig> = {}): SwitchConfig =>
  switchConfig('10.9.0.1:9559', {
    target: 'tofino',
    buildDir: 'out',
    ports: { 132: null },
    valuesPerPacket: 8,
    ...changes,
  });

describe('front-panel ports', () => {
  test.each<[Chip, number[], number[]]>([
    // 64, 192 and 320: to the CPU; 68 and 196: recirculation.
    [
      'tofino',
      [1, 63, 128, 191, 256, 319, 384, 447],
      [0, -1, 1.5, 64, 67, 68, 71, 127, 192, 196, 320, 448, 452, 511, 512],
    ],
    ['tofino2', [8, 71, 136, 199, 264, 392, 455], [0, 1, 7, 72, 127, 128, 135, 200, 384, 456, 520]],
  ])('of a %s', (chip, front, others) => {
    expect(front.filter((port) => !isFrontPanelPort(chip, port))).toEqual([]);
    expect(others.filter((port) => isFrontPanelPort(chip, port))).toEqual([]);
  });

  test('are those of the ranges that messages list', () => {
    for (const chip of ['tofino', 'tofino2'] as const) {
      const listed = frontPanelRanges(chip).flatMap((range) => {
        const [first, last] = range.split(' to ').map(Number);
        return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
      });
      expect(listed).toEqual(
        Array.from({ length: 600 }, (_, port) => port).filter((port) => isFrontPanelPort(chip, port)),
      );
    }
  });
});

describe('the configuration of a Tofino', () => {
  test('is taken', () => {
    checkSwitchConfig(tofino());
    checkSwitchConfig(tofino({ target: 'tofino2', ports: { 8: null, 455: null } }));
  });

  test.each<[string, Partial<SwitchConfig>, RegExp]>([
    [
      'a CPU port for workers',
      { ports: { 192: null } },
      /^switch "s1": a port is 192, not a front-panel port as tofino numbers them: 1 to 63, 128 to 191, 256 to 319, 384 to 447$/,
    ],
    ['a recirculation port', { ports: { 68: null } }, /a port is 68, not a front-panel port/],
    ['port 0', { ports: { 0: null } }, /a port is 0, not a front-panel port/],
    [
      'ports of the other chip',
      { target: 'tofino2', ports: { 7: null } },
      /a port is 7, not a front-panel port as tofino2 numbers them: 8 to 71, 136 to 199, 264 to 327, 392 to 455$/,
    ],
    [
      'the socket of an embedded switch',
      { ports: { 132: '127.0.0.1:47001' } },
      /port 132 has the endpoint "127\.0\.0\.1:47001", which only the embedded switch has: use null$/,
    ],
    [
      'a route to the CPU',
      { routes: [{ prefix: '10.0.0.0/8', port: 64, mac: '02:00:00:00:00:01' }] },
      /the port of a route is 64, not a front-panel port/,
    ],
    [
      'an uplink that recirculates',
      { parent: { switch: 's0', port: 196, parentPort: 9 } },
      /port to its parent is 196, not a front-panel port/,
    ],
    [
      'device 0',
      { deviceId: 0 },
      /device id 0 means "no device" to Stratum: use the id of the node in its chassis configuration/,
    ],
    [
      'no directory',
      { buildDir: '' },
      /target tofino needs buildDir, the directory into which p4c compiled the program for it$/,
    ],
    [
      'a directory for BMv2',
      { target: 'bmv2', ports: { 1: null }, valuesPerPacket: 16 },
      /buildDir is for a Tofino: give the target \(tofino, tofino2\), or leave buildDir out$/,
    ],
    [
      'a build of BMv2',
      { build: 'fpisa-a-n8' },
      /build "fpisa-a-n8" is for BMv2: for a Tofino, buildDir contains the build$/,
    ],
    ['another chip', { target: 'tofino3' as never }, /target "tofino3" is not one of bmv2, tofino, tofino2$/],
    [
      'no number of values',
      { valuesPerPacket: undefined as never },
      /valuesPerPacket is undefined, not the number for which the program in buildDir was compiled/,
    ],
  ])('with %s', (_, changes, message) => {
    expect(() => checkSwitchConfig(tofino(changes))).toThrow(message);
  });

  test('with a link to it that is no front-panel port of it', () => {
    const leaf = switchConfig('10.9.0.2:9559', {
      name: 's2',
      valuesPerPacket: 8,
      serviceIp: '10.0.1.254',
      serviceMac: '02:00:00:00:01:fe',
      parent: { switch: 's1', port: 9, parentPort: 64 },
    });
    expect(() => checkTopology({ s1: tofino(), s2: leaf })).toThrow(
      /^switch "s2": parentPort is 64, not a front-panel port of switch "s1" as tofino numbers them: 1 to 63/,
    );
  });
});

test('switches below a Tofino are linked to one of its pipes', () => {
  const leaf = (i: number, parentPort: number): SwitchConfig =>
    switchConfig(`10.9.0.${i}:9559`, {
      name: `l${i}`,
      valuesPerPacket: 8,
      serviceIp: `10.0.${i}.254`,
      serviceMac: `02:00:00:00:0${i}:fe`,
      parent: { switch: 's1', port: 9, parentPort },
    });
  const tree = (...ports: number[]): Record<string, SwitchConfig> =>
    Object.fromEntries([tofino(), ...ports.map((port, i) => leaf(i + 1, port))].map((config) => [config.name, config]));
  checkTopology(tree(1, 2, 63));
  expect(() => checkTopology(tree(1, 2, 133))).toThrow(
    /^switch "s1": switches below it are in different pipes \("l1" at port 1, "l3" at port 133\), which do not share registers; connect them to ports of one pipe \(port \/ 128\)$/,
  );
});

describe('the build of a switch for BMv2', () => {
  test('may be named', () => {
    checkSwitchConfig(switchConfig('10.9.0.1:9559', { build: 'fpisa-a-n16', valuesPerPacket: 16 }));
  });
  test.each<[Partial<SwitchConfig>, RegExp]>([
    [{ build: 'fpisa-a-n16', valuesPerPacket: 64 }, /build "fpisa-a-n16" has 16 values per packet, not 64$/],
    [{ build: 'fpisa-b' }, /there is no build "fpisa-b" \(builds: fpisa-n16, .*fpisa-a-n16.*\)$/],
    [{ valuesPerPacket: 9 }, /there is no build with 9 values per packet \(builds: fpisa-n16, .*fpisa-a-n16/],
  ])('%o', (changes, message) => {
    expect(() => checkSwitchConfig(switchConfig('10.9.0.1:9559', changes))).toThrow(message);
  });
});
