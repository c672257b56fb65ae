/** Loops run by both engines on the same packets and registers. */
import { expect } from 'vitest';
import { Dice } from '../../../../fuzz/engines/dice.js';
import { loadBinaryen } from '../../../../emulator/compiler/binaryen.js';
import { explainProgram } from '../../../../emulator/compiler/module.js';
import type { LoopReport } from '../../../../emulator/compiler/report.js';
import { PacketAbortError, Switch } from '../../../../emulator/index.js';
import { loadProgram } from '../../../../emulator/json/load.js';

export async function reportOf(json: string, simd?: boolean): Promise<LoopReport> {
  return explainProgram(await loadBinaryen(), loadProgram(json), 511, simd).loops[0]!;
}

/** Both engines do the same with packets and registers that are random, but for what `packet` says. */
export async function expectSame(
  json: string,
  packets = 12,
  fixed: Partial<Record<'a' | 'b' | 'c', bigint>> = {},
): Promise<void> {
  const interpreted = new Switch({ engine: 'interpreter' });
  const compiled = new Switch({ engine: 'compiled' });
  const dice = new Dice(1);
  for (const target of [interpreted, compiled]) target.load(json);
  await compiled.ready();
  const { registers } = interpreted.control.describe();
  for (let n = 0; n < packets; n++) {
    for (const { name, size, width } of registers) {
      for (let i = 0; i < size; i++) {
        const value = dice.value(width);
        for (const { control } of [interpreted, compiled]) control.writeRegister(name, i, value);
      }
    }
    const bytes = packetOf(dice, fixed);
    expect(outcome(compiled, bytes)).toEqual(outcome(interpreted, bytes));
    expect(stateOf(compiled)).toEqual(stateOf(interpreted));
  }
}

function packetOf(dice: Dice, fixed: Partial<Record<'a' | 'b' | 'c', bigint>>): Uint8Array {
  const bytes = new Uint8Array(15);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(fixed.a ?? dice.value(32)));
  view.setUint32(4, Number(fixed.b ?? dice.value(32)));
  view.setUint8(8, Number(fixed.c ?? dice.value(5)));
  view.setUint32(9, Number(dice.value(32)));
  view.setUint16(13, Number(dice.value(16)));
  return bytes;
}

function outcome(target: Switch, bytes: Uint8Array): unknown {
  try {
    return target.receive(1, bytes);
  } catch (error) {
    if (!(error instanceof PacketAbortError)) throw error;
    return error.message;
  }
}

function stateOf({ control }: Switch): unknown {
  const { registers, counters } = control.describe();
  return {
    registers: registers.map(({ name, size }) => Array.from({ length: size }, (_, i) => control.readRegister(name, i))),
    counters: counters.map(({ name, size }) => Array.from({ length: size }, (_, i) => control.readCounter(name, i))),
  };
}
