/** Reading a clock takes as long as a small program: packets have times only if the program reads them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import { framePlan, TIME_FIELDS } from '../../../emulator/machine/frame-plan.js';
import { Layout } from '../../../emulator/machine/layout.js';
import { Switch } from '../../../emulator/index.js';
import { loadProgram } from '../../../emulator/json/load.js';
import { call, field, hexstr } from '../../../fuzz/engines/generate/json.js';
import { loopProgram } from '../../../fuzz/engines/generate/loop-program.js';

const PACKET = new Uint8Array(15);
const copy = (name: string): object => call('assign', field('h', 'a'), field('standard_metadata', name));
const drop = call('mark_to_drop', { type: 'header', value: 'standard_metadata' });

beforeAll(loadCompiler);

/** The first field of the packet that leaves, and how often the clock was read for it. */
async function run(primitives: readonly object[]): Promise<{ first: number | undefined; readings: number }> {
  let readings = 0;
  const target = new Switch({ engine: 'compiled', clock: () => 1_000 + readings++ });
  target.load(loopProgram([], [primitives]));
  await target.ready();
  readings = 0;
  const [output] = target.receive(1, PACKET);
  return { first: output && new DataView(output.bytes.buffer, output.bytes.byteOffset).getUint32(0), readings };
}

describe('a packet of a program', () => {
  it('that reads no time: the clock is not read', async () => {
    expect(await run([call('assign', field('h', 'a'), hexstr(7))])).toEqual({ first: 7, readings: 0 });
  });

  it('that names the header of the architecture only to drop packets: likewise', async () => {
    expect((await run([drop])).readings).toBe(0);
  });

  it('that reads when it arrived', async () => {
    expect(await run([copy('ingress_global_timestamp')])).toEqual({ first: 1_000, readings: 1 });
  });
});

it.each([
  ['ingress_global_timestamp', [TIME_FIELDS.ingress]],
  ['egress_global_timestamp', [TIME_FIELDS.egress, TIME_FIELDS.enqueued, TIME_FIELDS.queueing]],
  ['deq_timedelta', [TIME_FIELDS.egress, TIME_FIELDS.enqueued, TIME_FIELDS.queueing]],
  ['egress_port', []],
])('a program that reads %s needs as many times', (name, needed) => {
  const program = loadProgram(loopProgram([], [[copy(name)]]));
  const plan = framePlan(program, new Layout(program), { dropPort: 511, maxPasses: 1, queuesPerPort: 1 });
  expect(Object.values(TIME_FIELDS).filter((time) => plan.architecture.has(time))).toEqual(needed);
});
