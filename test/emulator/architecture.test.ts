import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, Switch } from '../../emulator/index.js';
import { jsonOpsProgram } from './support/json-ops/program.js';
import { hex } from './support/programs.js';

/** The program of support/json-ops/program.ts, with an egress that puts fields of the architecture into the header. */
function program(assignments: Readonly<Record<string, string>>): string {
  const json = JSON.parse(jsonOpsProgram()) as { actions: object[]; pipelines: Record<string, unknown>[] };
  const id = json.actions.length;
  const primitives = Object.entries(assignments).map(([to, from]) => ({
    op: 'assign',
    parameters: [
      { type: 'field', value: ['h', to] },
      { type: 'field', value: ['standard_metadata', from] },
    ],
  }));
  json.actions.push({ name: 'ask', id, runtime_data: [], primitives });
  Object.assign(json.pipelines[1]!, {
    init_table: 'asking',
    action_calls: [{ name: 'asking', id: 0, action_id: id, next_node: null }],
  });
  return JSON.stringify(json);
}

describe.each(ENGINE_NAMES)('fields of the architecture, engine %s', (engine) => {
  it('queueing metadata: times of the clock, and no packet that waits', async () => {
    let now = 1_000;
    const ask = async (assignments: Readonly<Record<string, string>>): Promise<number[]> => {
      const target = new Switch({ engine, clock: () => (now += 10) });
      target.load(program(assignments));
      await target.ready();
      const [output] = target.receive(3, new Uint8Array(13));
      return hex(output!.bytes)
        .slice(2)
        .match(/.{8}/g)!
        .map((word) => Number.parseInt(word, 16));
    };
    const [entered, delta, left] = await ask({ a: 'enq_timestamp', b: 'deq_timedelta', r: 'egress_global_timestamp' });
    expect(delta).toBeGreaterThan(0);
    expect(entered! + delta!).toBe(left);
    const [arrived, before, after] = await ask({ a: 'ingress_global_timestamp', b: 'enq_qdepth', r: 'deq_qdepth' });
    expect(arrived).toBeGreaterThan(1_000);
    expect([before, after]).toEqual([0, 0]);
  });

  it('ports and replica: those of this copy', async () => {
    const target = new Switch({ engine });
    target.load(program({ a: 'ingress_port', b: 'egress_port', r: 'egress_rid' }));
    await target.ready();
    expect(target.receive(3, new Uint8Array(13)).map(({ bytes }) => hex(bytes))).toEqual([
      '00' + '00000003' + '00000001' + '00000000',
    ]);
  });
});
