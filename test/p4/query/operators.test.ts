import { describe, expect, it } from 'vitest';
import {
  DropReason,
  Event,
  Flag,
  Having,
  LaneOp,
  MASTER,
  Opcode,
  Operator,
  Order,
} from '../../../protocol/query/constants.js';
import { f64, f64Of, i64, MASTER_PORT, QuerySwitch, type Tuple } from './query-switch.js';

describe.each(['interpreter', 'compiled'] as const)('query program, engine %s', (engine) => {
  const make = async (lanes: 2 | 6 = 2): Promise<QuerySwitch> => {
    const query = new QuerySwitch(lanes, { engine });
    await query.device.ready();
    return query;
  };

  it('sums, counts and keeps the least and greatest by group', async () => {
    const query = await make(6);
    query.addStream({
      operator: Operator.GROUP,
      stateMask: 1023,
      laneOps: [LaneOp.SUM_F64, LaneOp.SUM_I64, LaneOp.MIN_F64, LaneOp.MAX_F64, LaneOp.MIN_I64, LaneOp.MAX_I64],
    });
    expect(query.open()[0]!.header.opcode).toBe(Opcode.OPENED);
    const tuple = (key: bigint, x: number, n: number): Tuple => ({
      key: [key],
      lanes: [f64(x), i64(n), f64(x), f64(x), i64(n), i64(n)],
    });
    const [answer] = query.rows(0, 1, [tuple(1n, 0.5, 3), tuple(2n, -4, -7), tuple(1n, -1.25, 10)]);
    expect(answer).toMatchObject({ port: 1, header: { opcode: Opcode.ACK, mask: 0b111, count: 3, sequence: 1 } });
    query.rows(1, 1, [tuple(1n, 100, -5), { key: [3n], lanes: [null, null, null, null, null, null] }]);
    const { groups, rows } = query.drain(1024);
    expect(rows).toBe(5n);
    const byKey = new Map(groups.map((group) => [group.key[0], group]));
    const one = byKey.get(1n)!;
    expect(one.rows).toBe(3n);
    expect([
      f64Of(one.lanes[0]!),
      BigInt.asIntN(64, one.lanes[1]!),
      f64Of(one.lanes[2]!),
      f64Of(one.lanes[3]!),
      BigInt.asIntN(64, one.lanes[4]!),
      BigInt.asIntN(64, one.lanes[5]!),
    ]).toEqual([99.25, 8n, -1.25, 100, -5n, 10n]);
    expect(f64Of(byKey.get(2n)!.lanes[0]!)).toBe(-4);
    expect(byKey.get(3n)).toMatchObject({ rows: 1n, counts: [0n, 0n, 0n, 0n, 0n, 0n] });
  });

  it('counts a repeated packet once, and gives the same verdict again', async () => {
    const query = await make();
    query.addStream({ operator: Operator.GROUP, stateMask: 0, laneOps: [LaneOp.SUM_F64] });
    query.open();
    const tuples: Tuple[] = [
      { key: [1n], lanes: [f64(1)] },
      { key: [2n], lanes: [f64(2)] },
    ];
    const first = query.rows(0, 1, tuples)[0]!;
    expect(first).toMatchObject({
      port: MASTER_PORT,
      header: { opcode: Opcode.ROWS, mask: 0b01, count: 2, peer: MASTER },
    });
    const again = query.rows(0, 1, tuples)[0]!;
    expect(again).toMatchObject({ port: MASTER_PORT, header: { mask: 0b01, flags: Flag.REPEATED } });
    expect(again.payload.byteLength).toBe(first.payload.byteLength);
    expect(query.drain(1).groups).toMatchObject([{ key: [1n, 0n, 0n], rows: 1n }]);
    expect(query.rows(0, 5, tuples)[0]!.header.mask).toBe(0b01);
    expect(query.rows(0, 1, tuples)).toEqual([]);
    expect(query.drops(DropReason.STALE)).toBe(1n);
    expect(query.event(Event.REPEAT)).toBe(1n);
  });

  it('passes an ACK of the master on to the worker, and an END to the master', async () => {
    const query = await make();
    query.addStream({ operator: Operator.GROUP, stateMask: 0 });
    query.open();
    expect(query.send(MASTER, { opcode: Opcode.ACK, peer: 1, sequence: 9 })[0]).toMatchObject({
      port: 2,
      header: { opcode: Opcode.ACK, sequence: 9 },
    });
    expect(query.rows(0, 1, [], { flags: Flag.END })[0]).toMatchObject({
      port: MASTER_PORT,
      header: { opcode: Opcode.ROWS, flags: Flag.END },
    });
    expect(query.rows(0, 1, [], { flags: Flag.END })[0]).toMatchObject({
      port: MASTER_PORT,
      header: { flags: Flag.END | Flag.REPEATED },
    });
  });

  it('refuses streams that are not open, and does not reset one that is', async () => {
    const query = await make();
    query.addStream({ operator: Operator.GROUP, stateMask: 0 });
    expect(query.rows(0, 1, [{}])[0]).toMatchObject({ port: 1, header: { opcode: Opcode.REFUSED } });
    query.open();
    query.rows(0, 1, [{}]);
    query.open();
    expect(query.drain(1).rows).toBe(1n);
  });

  it('drops rows below the N greatest, and no other', async () => {
    const query = await make();
    query.addStream({ operator: Operator.TOP, stateMask: 3, order: Order.F64 });
    query.open();
    const masks = [
      [5, 1, 3],
      [2, 0.5, 3],
      [1, 2, 9],
      [3, 2.9, NaN, -1],
    ].map(
      (values, i) =>
        query.rows(
          0,
          i + 1,
          values.map((value) => ({ lanes: [f64(value), 0n] })),
        )[0]!.header.mask,
    );
    // Kept: 5, 1, 3; then 2 replaces 1 and 3 replaces 2, with the 3 before; 9 replaces a 3; then least is 3.
    expect(masks).toEqual([0, 0b010, 0b011, 0b1010]);
  });

  it('drops rows whose key is not in the filter', async () => {
    const query = await make();
    query.addStream({ number: 0, operator: Operator.BUILD, stateMask: 4095 });
    query.addStream({ number: 1, operator: Operator.PROBE, stateMask: 4095 });
    query.open(0);
    query.open(1);
    expect(query.rows(0, 1, [{ key: [11n] }, { key: [12n, 5n] }])[0]).toMatchObject({
      port: 1,
      header: { opcode: Opcode.ACK, mask: 0b11 },
    });
    const [passed] = query.rows(1, 1, [{ key: [11n] }, { key: [12n] }, { key: [13n] }, { key: [12n, 5n] }], {
      stream: 1,
    });
    expect(passed).toMatchObject({ port: MASTER_PORT, header: { mask: 0b0110, count: 4 } });
  });

  it('leaves out groups that HAVING does not want, and still counts their rows', async () => {
    const query = await make();
    query.addStream({
      operator: Operator.GROUP,
      stateMask: 255,
      laneOps: [LaneOp.SUM_I64],
      having: [Having.AT_LEAST, 0, i64(10) ^ (1n << 63n)],
    });
    query.open();
    query.rows(
      0,
      1,
      [4, 6, 3, -20].map((n, i) => ({ key: [BigInt(i >> 1)], lanes: [i64(n)] })),
    );
    expect(query.drain(256)).toMatchObject({ rows: 4n, groups: [{ key: [0n, 0n, 0n], rows: 2n }] });
  });

  it('reports an integer sum that overflows', async () => {
    const query = await make();
    query.addStream({ operator: Operator.GROUP, stateMask: 255, laneOps: [LaneOp.SUM_I64] });
    query.open();
    query.rows(0, 1, [{ lanes: [i64(2n ** 63n - 1n)] }]);
    expect(query.drain(256).flags).toBe(0);
    query.rows(0, 2, [{ lanes: [i64(1)] }]);
    expect(query.drain(256).flags).toBe(Flag.OVERFLOW);
  });
});
