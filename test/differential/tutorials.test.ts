/**
 * Programs of the kinds of the p4lang tutorials, with entries from runtime files in the tutorials' form: both engines
 * do what simple_switch_grpc did when the packets were recorded; and where it is on PATH, it does the same now.
 * UPDATE_TUTORIALS=1 makes programs and recordings anew.
 */
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../emulator/index.js';
import { committedVersion, installedVersion } from '../emulator/support/programs.js';
import { bmv2Version } from './bmv2/process.js';
import { ControlledSwitch } from './control/controlled-switch.js';
import { behaviourOf } from './tutorials/behaviour.js';
import { committed, compiled, record, recorded, writeProgram } from './tutorials/files.js';
import { packetsFor, TUTORIALS } from './tutorials/packets.js';

const TIMEOUT_MS = 300_000;

const bmv2 = bmv2Version();
const p4c = installedVersion();
if (process.env['UPDATE_TUTORIALS'] === '1') {
  for (const name of TUTORIALS) {
    writeProgram(name, compiled(name));
    record(name, await behaviourOf(await ControlledSwitch.bmv2(), name));
  }
}

describe.each(TUTORIALS)('%s', { timeout: TIMEOUT_MS }, (name) => {
  it.each(ENGINE_NAMES)('as recorded from BMv2, engine %s', async (engine) => {
    expect(await behaviourOf(await ControlledSwitch.emulator(engine), name)).toEqual(recorded(name));
  });

  it.skipIf(bmv2 === undefined)(
    `as recorded, on BMv2${bmv2 === undefined ? ' (skipped: simple_switch_grpc is not on PATH)' : ''}`,
    async () => {
      expect(await behaviourOf(await ControlledSwitch.bmv2(), name)).toEqual(recorded(name));
    },
  );

  const reason =
    p4c === undefined
      ? 'p4c is not on PATH'
      : p4c !== committedVersion()
        ? `p4c on PATH is "${p4c}", the files were made by "${committedVersion()}"`
        : undefined;
  it.skipIf(reason !== undefined)(`is what p4c makes of its source${reason ? ` (skipped: ${reason})` : ''}`, () => {
    expect(compiled(name)).toEqual(committed(name));
  });

  it('is recorded with packets that leave and packets that do not', () => {
    const { outputs, packetIns } = recorded(name);
    expect(outputs).toHaveLength(packetsFor(name).length);
    expect(outputs.filter((each) => each.length > 0).length).toBeGreaterThan(10);
    expect(outputs.filter((each) => each.length === 0).length).toBeGreaterThan(0);
    expect(packetIns.length > 0).toBe(name === 'flowcache');
  });
});
