/**
 * Selectors, digests, idle timeouts and meters: the emulator does what simple_switch_grpc did when the scripts were
 * recorded; and where there is one, it does the same now.
 */
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../emulator/index.js';
import { bmv2Version } from './bmv2/process.js';
import { ControlledSwitch } from './control/controlled-switch.js';
import { linesOf, readRecording, recordedLines } from './control/recording.js';
import { SCRIPTS } from './control/scripts.js';

const TIMEOUT_MS = 300_000;
const recording = readRecording();

describe.each(SCRIPTS.map((script) => [script.name, script] as const))('%s', { timeout: TIMEOUT_MS }, (_, script) => {
  const p4info = recording.p4info[script.program]!;

  it.each(ENGINE_NAMES)('as recorded from BMv2, engine %s', async (engine) => {
    expect(await linesOf(await ControlledSwitch.emulator(engine), script, p4info)).toEqual(
      recordedLines(recording, script),
    );
  });

  const missing = bmv2Version() === undefined;
  it.skipIf(missing)(
    `as recorded, on BMv2${missing ? ' (skipped: simple_switch_grpc is not on PATH)' : ''}`,
    async () => {
      expect(await linesOf(await ControlledSwitch.bmv2(), script, p4info)).toEqual(recordedLines(recording, script));
    },
  );
});

it('all colours, several members and lists are in the recording', () => {
  const lines = Object.values(recording.scripts).flatMap((script) => script.lines);
  expect(Object.keys(recording.scripts).sort()).toEqual(SCRIPTS.map(({ name }) => name).sort());
  expect(lines).toContain('packets, meter 0: 0 0 0 1 1 2 2 2 2 2');
  expect(lines.some((line) => line.startsWith('enabled again: list 6'))).toBe(true);
});
