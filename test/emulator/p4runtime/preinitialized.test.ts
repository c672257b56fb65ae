/** Tables whose program gives them entries that are not const (P4Runtime 1.4, section "Preinitialized tables"). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexP4Info, type Entity, type Init, type PipelineAction } from '../../../p4runtime/index.js';
import { bytes, file, TestBed } from './support.js';

const index = indexP4Info(file('preinitialized.p4info.txtpb').toString());
const exact = index.tables.find('ex').id;
const ternary = index.tables.find('te').id;

let bed: TestBed;
const set = (action: PipelineAction): Promise<unknown> =>
  bed.setPipeline(action, { p4info: index.message, p4DeviceConfig: file('preinitialized.json') });

beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await set('VERIFY_AND_COMMIT');
});
afterEach(() => bed.stop());

const give = (value: number) => ({
  action: { actionId: index.actions.find('give').id, params: [{ paramId: 1, value: bytes(value) }] },
});
const at = (key: number, value?: number): Init<Entity> => ({
  tableEntry: {
    tableId: exact,
    match: [{ fieldId: 1, exact: { value: bytes(key) } }],
    ...(value !== undefined && { action: give(value) }),
  },
});
const masked = (key: number, mask: number, priority: number, value?: number): Init<Entity> => ({
  tableEntry: {
    tableId: ternary,
    match: [{ fieldId: 1, ternary: { value: bytes(key), mask: bytes(mask) } }],
    priority,
    ...(value !== undefined && { action: give(value) }),
  },
});
/** What the program leaves in the packet. */
const result = (key: number): number => bed.device.receive(1, Uint8Array.of(key, 0))[0]!.bytes[1]!;
const entriesOf = (tableId: number): Promise<Entity[]> => bed.read({ tableEntry: { tableId } });

describe('entries of the program', () => {
  it('are there, and not constant', async () => {
    const found = [...(await entriesOf(exact)), ...(await entriesOf(ternary))].map(({ tableEntry }) => tableEntry!);
    expect(found.map(({ priority, isConst }) => [priority, isConst])).toEqual([
      [0, false],
      [0, false],
      [2, false],
      [1, false],
    ]);
    // The ternary table runs last: 1 & 3 comes before 1 & 1.
    expect([result(1), result(2), result(3)]).toEqual([1, 2, 2]);
  });

  it('can be modified and deleted', async () => {
    await bed.writeAll([
      ['MODIFY', at(2, 7)],
      ['MODIFY', masked(1, 1, 1, 8)],
      ['DELETE', masked(1, 3, 2)],
      ['DELETE', at(1)],
    ]);
    expect([result(1), result(2), result(3)]).toEqual([8, 7, 8]);
    expect((await entriesOf(exact)).length).toBe(1);
  });

  it('stand beside those of clients, by priority', async () => {
    expect(await bed.refusal('INSERT', at(1, 5))).toBe('ALREADY_EXISTS');
    await bed.insert(at(4, 5));
    await bed.insert(masked(1, 0xff, 3, 6));
    await bed.insert(masked(5, 0xff, 1, 6));
    expect([result(4), result(1), result(5)]).toEqual([5, 6, 1]);
  });

  it('stay as they were left when the pipeline is reconciled', async () => {
    await bed.writeAll([
      ['DELETE', at(1)],
      ['MODIFY', at(2, 9)],
      ['DELETE', masked(1, 3, 2)],
    ]);
    await set('RECONCILE_AND_COMMIT');
    expect((await entriesOf(exact)).map(({ tableEntry }) => tableEntry!.action)).toEqual([give(9)]);
    expect((await entriesOf(ternary)).length).toBe(1);
    await set('VERIFY_AND_COMMIT');
    expect((await entriesOf(exact)).length).toBe(2);
  });
});
