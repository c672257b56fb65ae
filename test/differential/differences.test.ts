/**
 * Where BMv2 and the emulator differ, and why that is meant (docs/bmv2-differences.md). Each test shows both, so that
 * it fails when one of them changes.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { status as Code } from '@grpc/grpc-js';
import { P4RuntimeRpcError, WriteError } from '../../controlplane/p4runtime/index.js';
import { PacketAbortError } from '../../emulator/errors.js';
import { Switch } from '../../emulator/switch.js';
import { bytes, hex, installedVersion, switchWith } from '../emulator/support/programs.js';
import { bmv2Version } from './bmv2/process.js';
import { jsonOf } from './programs.js';
import type { Configuration, Packet, Scenario } from './scenario.js';
import { Bmv2 } from './targets/bmv2.js';
import { runOnEmulator } from './targets/emulator.js';

const reason =
  bmv2Version() === undefined
    ? 'simple_switch_grpc is not on PATH'
    : installedVersion() === undefined
      ? 'p4c is not on PATH'
      : undefined;

describe.skipIf(reason !== undefined)(
  `BMv2 and the emulator differ${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bmv2: Bmv2 | undefined;
    const start = async (): Promise<Bmv2> => (bmv2 = await Bmv2.start());
    afterEach(async () => {
      await bmv2?.stop();
      bmv2 = undefined;
    });

    const NOTHING: Configuration = { entries: [], groups: [] };
    const scenario = (build: string, packets: readonly string[], configuration = NOTHING): Scenario => ({
      name: 'difference',
      build,
      phases: [{ configuration, packets: packets.map((text): Packet => ({ port: 1, bytes: bytes(text) })) }],
      oneByOne: true,
    });
    const texts = (outputs: readonly (readonly Packet[])[]): string[][] =>
      outputs.map((packets) => packets.map((packet) => hex(packet.bytes)));

    it('in the fields of an invalid header: bits of an earlier packet, or zero', async () => {
      // The first packet has three elements of a stack, the second none and reads the first of them.
      const stale = scenario('program-control-flow', ['00 00 00000000 00 aabbcc', '03 00 00000000 00']);
      expect(texts((await (await start()).run(stale)).outputs)[1]).toEqual(['0300000000aa10']);
      expect(texts(runOnEmulator(stale).outputs)[1]).toEqual(['03000000000010']);
    });

    it('when an assertion fails: the process ends, or the packet', async () => {
      const failing = scenario('program-externs', ['09 00000000 0000dead']);
      await expect((await start()).run(failing)).rejects.toThrow(/Assert error/);
      expect(() => runOnEmulator(failing)).toThrow(PacketAbortError);
    });

    it('in what a new pipeline leaves of multicast groups: their copies, or nothing', async () => {
      const group = { group: 5, replicas: [{ port: 2, instance: 7 }] };
      const multicast = scenario('program-copies', ['01 00 00000000 0000 0000 0000']);
      const configured = scenario('program-copies', ['01 00 00000000 0000 0000 0000'], {
        entries: [],
        groups: [group],
      });
      const device = await start();
      expect((await device.run(configured, { keep: true })).outputs[0]).toHaveLength(1);
      expect((await device.run(multicast)).outputs[0]).toHaveLength(1);
      expect((await device.run(configured)).outputs[0]).toHaveLength(2);

      const emulator = switchWith('copies');
      emulator.control.setMulticastGroup(5, [{ egressPort: 2, instance: 7 }]);
      emulator.load(jsonOf('program-copies'));
      expect(emulator.receive(1, multicast.phases[0]!.packets[0]!.bytes)).toEqual([]);
    });

    it('in clone sessions that truncate: refused, or done', async () => {
      const session = { session: 3, replicas: [{ port: 6, instance: 0 }], truncateBytes: 3 };
      const cloning = scenario('program-copies', ['02 00 00000000 0000 0000 0000'], {
        entries: [],
        groups: [],
        cloneSessions: [session],
      });
      await expect((await start()).run(cloning)).rejects.toThrow(WriteError);
      expect(runOnEmulator(cloning).outputs[0]!.find(({ port }) => port === 6)!.bytes).toHaveLength(3);
    });

    it('in registers over P4Runtime: unimplemented, or served', async () => {
      const device = await start();
      await device.run(scenario('program-externs', []));
      await expect(device.client.readRegister('ingress_.cells', 0)).rejects.toSatisfy(
        (error) => error instanceof P4RuntimeRpcError && error.status === Code.UNIMPLEMENTED,
      );
      const emulator = new Switch();
      emulator.load(jsonOf('program-externs'));
      expect(emulator.control.readRegister('ingress_.cells', 0)).toBe(0n);
    });
  },
);
