import { describe, expect, it } from 'vitest';
import { assumptionsOf } from '../../../emulator/compiler/analysis/assumptions.js';
import { blocksOf } from '../../../emulator/compiler/analysis/blocks.js';
import { byteSwappedField } from '../../../emulator/compiler/byte-order.js';
import { flowOf } from '../../../emulator/compiler/analysis/flow.js';
import { countedLoop } from '../../../emulator/compiler/analysis/induction.js';
import { Layout } from '../../../emulator/machine/layout.js';
import { liveOutFields } from '../../../emulator/compiler/analysis/liveness.js';
import { Ranges } from '../../../emulator/compiler/analysis/ranges.js';
import { loadProgram } from '../../../emulator/json/load.js';
import { programJson } from '../support/programs.js';

const program = loadProgram(programJson('loops'));
const action = (name: string): (typeof program.actions)[number] => program.actions.find((a) => a.name.endsWith(name))!;
const ranges = (): Ranges => new Ranges(() => ({ min: 0n, max: 0n }));

describe('loops that count up to a constant', () => {
  const loop = countedLoop(flowOf(blocksOf(action('accumulate'))), program, ranges(), new Map())!;

  it('pass as often as the constant says', () => {
    expect(loop.trips).toBe(8n);
  });

  it('move what grows with them', () => {
    const counters = [...loop.counters].map(([field, step]) => [field.name.split('.').at(-1), step]);
    expect(counters).toContainEqual([expect.stringMatching(/index$/), 3n]);
  });

  it('are not taken for such when there are two', () => {
    expect(countedLoop(flowOf(blocksOf(action('walk'))), program, ranges(), new Map())).toBeUndefined();
  });

  it('stay within a register when they begin early enough: the last of 8 steps of 3 is cell 63', () => {
    const { facts } = assumptionsOf(flowOf(blocksOf(action('accumulate'))), program, ranges());
    const limits = new Map([...facts].map(([field, { max }]) => [field.name.replace(/.*[._]/, ''), max]));
    expect(limits.get('index')).toBe(63n - 7n * 3n);
    expect(limits.get('shift')).toBe(31n);
  });
});

describe('fields that are live after an action', () => {
  const names = [...liveOutFields(program, new Layout(program))].map((field) => field.name);
  const isLiveOut = (name: string): boolean => names.some((full) => full.endsWith(name));

  it('are those that some action reads before it writes them', () => {
    expect(isLiveOut('kept')).toBe(true);
    expect(isLiveOut('stored')).toBe(true);
  });

  it('are not those that each pass writes first', () => {
    expect(isLiveOut('term')).toBe(false);
  });
});

describe('shifts and masks', () => {
  const assigned = action('accumulate').primitives.flatMap(({ op, args }) =>
    op === 'assign' && args[1]?.kind === 'expression' ? [args[1].expression] : [],
  );

  it('that swap the bytes of a word are seen as that, and no others', () => {
    const found = assigned.map(byteSwappedField).filter((field) => field !== undefined);
    expect(found.map((field) => field.name)).toEqual([expect.stringMatching(/word$/)]);
  });
});
