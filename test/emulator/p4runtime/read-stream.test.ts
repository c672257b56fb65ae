/** Reads that are larger than a message, or that nobody takes. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codec, type Entity, type Init, type ReadResponse } from '../../../p4runtime/index.js';
import { action, bytes, index, programWithRoom, tableId, TestBed } from './support.js';

const responses = codec<ReadResponse>('p4.v1.ReadResponse');
const ENTRIES = 20_000;
const METADATA_BYTES = 400;

function entry(i: number, port = 1): Init<Entity> {
  return {
    tableEntry: {
      tableId: tableId('l2'),
      match: [{ fieldId: 1, exact: { value: bytes(i) } }],
      action: action('forward', port),
      metadata: new Uint8Array(METADATA_BYTES).fill(i),
    },
  };
}

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await bed.setPipeline('VERIFY_AND_COMMIT', { p4info: index.message, p4DeviceConfig: programWithRoom(2 * ENTRIES) });
  for (let from = 0; from < ENTRIES; from += 5000)
    await bed.writeAll(Array.from({ length: 5000 }, (_, i) => ['INSERT', entry(from + i + 1)]));
}, 120_000);
afterEach(() => bed.stop());

const open = (): ClientReadableStream<ReadResponse> =>
  bed.connect().Read({ deviceId: 1n, entities: [{ tableEntry: { tableId: tableId('l2') } }] });

async function rest(call: ClientReadableStream<ReadResponse>): Promise<Entity[]> {
  const found: Entity[] = [];
  call.on('data', ({ entities }: ReadResponse) => found.push(...entities));
  await new Promise((resolve, reject) => call.once('end', resolve).once('error', reject));
  return found;
}

const keyOf = (entity: Entity): number =>
  Number(BigInt(`0x${Buffer.from(entity.tableEntry!.match[0]!.exact!.value).toString('hex')}`));

describe('a wildcard read', { timeout: 120_000 }, () => {
  it('comes in messages that every client takes, in order and complete', async () => {
    const call = open();
    const sizes: number[] = [];
    call.on('data', (response: ReadResponse) => sizes.push(responses.encode(response).length));
    const found = await rest(call);
    expect(found.map(keyOf)).toEqual(Array.from({ length: ENTRIES }, (_, i) => i + 1));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 20 + 1024);
    expect(sizes.length).toBeGreaterThan(5);
  });

  it('returns the state of its beginning, whatever is written while it is not taken', async () => {
    const call = open();
    // Paused before anything was asked for: what comes now fills the windows of HTTP/2 and then waits.
    await new Promise((resolve) => call.once('readable', resolve));
    const pause = bed.connect();
    await new Promise((resolve, reject) =>
      pause.waitForReady(Date.now() + 10_000, (e) => (e ? reject(e) : resolve(undefined))),
    );
    const updates: Parameters<TestBed['writeAll']>[0] = Array.from({ length: ENTRIES }, (_, i) =>
      i % 3 === 0
        ? ['DELETE', entry(i + 1)]
        : i % 3 === 1
          ? ['MODIFY', entry(i + 1, 7)]
          : ['INSERT', entry(ENTRIES + i + 1)],
    );
    for (let from = 0; from < ENTRIES; from += 5000) await bed.writeAll(updates.slice(from, from + 5000));
    const found = await rest(call);
    expect(found.length).toBe(ENTRIES);
    expect(
      found.every(
        (each) => JSON.stringify(each.tableEntry!.action!.action!.params[0]!.value) === JSON.stringify(bytes(1)),
      ),
    ).toBe(true);
    const now = await rest(open());
    expect(now.filter((each) => each.tableEntry!.action!.action!.params[0]!.value[0] === 7).length).toBe(
      updates.filter(([type]) => type === 'MODIFY').length,
    );
  });

  it('that nobody takes leaves the server free for others, and costs it little', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const calls = Array.from({ length: 20 }, open);
    for (const call of calls) call.on('error', () => {});
    for (let i = 0; i < 50; i++) await bed.read(entry(i + 1));
    // All answers together are 180 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 2 ** 20);
    for (const call of calls) call.cancel();
    expect((await rest(open())).length).toBe(ENTRIES);
  });

  it('finds one entry by its key without looking at the others, and none', async () => {
    expect((await bed.read(entry(17))).map(keyOf)).toEqual([17]);
    expect(await bed.read(entry(ENTRIES + 5))).toEqual([]);
  });
});
