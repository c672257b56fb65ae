import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DigestEntry, Entity, Init } from '../../../p4runtime/index.js';
import { action, bytes, frame, index, l2, ManualClock, tableId, TestBed, type Stream } from './support.js';

let bed: TestBed;
let primary: Stream;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  bed = await TestBed.start({ clock, idleScanMs: 10 }, () => Number(clock.nowNs() / 1000n));
  primary = await bed.primary();
  await bed.commit();
});
afterEach(() => bed.stop());

/** An answer to it proves that nothing was sent before. */
async function nothingCame(): Promise<void> {
  primary.arbitrate(1n);
  expect(await primary.verdict()).toEqual(['OK', 1n]);
}

describe('digests', () => {
  const digestId = index.digests.find('learn_t').id;
  const digest = (config?: Init<DigestEntry>['config']): Init<Entity> => ({
    digestEntry: { digestId, ...(config && { config }) },
  });
  const learn = (src: bigint, port = 2) => bed.device.receive(port, frame(1n, src, 0x1234));
  const data = (src: bigint, port = 2) => ({
    struct: { members: [{ bitstring: bytes(src) }, { bitstring: bytes(port) }] },
  });
  const ms = 1_000_000n;

  beforeEach(() =>
    bed.write('MODIFY', {
      tableEntry: { tableId: tableId('learned'), isDefaultAction: true, action: action('learn') },
    }),
  );

  it('are silent until enabled, and after they are disabled', async () => {
    learn(1n);
    await nothingCame();
    await bed.insert(digest());
    learn(1n);
    expect((await primary.next()).digest).toEqual({ digestId, listId: 1n, data: [data(1n)], timestamp: 0n });
    await bed.write('DELETE', digest());
    learn(2n);
    await nothingCame();
  });

  it('come as a list when it is full, without duplicates', async () => {
    await bed.insert(digest({ maxTimeoutNs: 1000n * ms, maxListSize: 3 }));
    for (const src of [1n, 1n, 2n, 1n]) learn(src);
    await nothingCame();
    learn(3n, 0x101);
    expect((await primary.next()).digest!.data).toEqual([data(1n), data(2n), data(3n, 0x101)]);
  });

  it('come when the oldest has waited long enough', async () => {
    await bed.insert(digest({ maxTimeoutNs: 100n * ms, maxListSize: 10 }));
    clock.advance(50);
    learn(1n);
    clock.advance(99);
    await nothingCame();
    clock.advance(1);
    expect((await primary.next()).digest).toMatchObject({ data: [data(1n)], timestamp: 150n * ms });
  });

  it('are not repeated until acknowledged or too old', async () => {
    await bed.insert(digest({ maxListSize: 1, ackTimeoutNs: 100n * ms }));
    learn(1n);
    expect((await primary.next()).digest!.listId).toBe(1n);
    learn(1n);
    await nothingCame();
    primary.send({ digestAck: { digestId, listId: 1n } });
    await nothingCame();
    learn(1n);
    expect((await primary.next()).digest!.listId).toBe(2n);
    clock.advance(99);
    learn(1n);
    await nothingCame();
    clock.advance(1);
    learn(1n);
    expect((await primary.next()).digest!.listId).toBe(3n);
  });

  it('are forgotten when the digest is disabled: those sent, and those that wait', async () => {
    const config = { maxTimeoutNs: 1000n * ms, maxListSize: 2, ackTimeoutNs: 10_000n * ms };
    await bed.insert(digest(config));
    for (const src of [1n, 2n, 3n]) learn(src);
    expect((await primary.next()).digest).toMatchObject({ listId: 1n, data: [data(1n), data(2n)] });
    clock.advance(500);
    await bed.write('DELETE', digest());
    await bed.insert(digest(config));
    learn(4n);
    await nothingCame();
    // The timeout of those that waited before has expired; that of the new one has not.
    clock.advance(600);
    await nothingCame();
    learn(1n);
    expect((await primary.next()).digest).toMatchObject({ listId: 2n, data: [data(4n), data(1n)] });
    // An acknowledgement from before does not count now.
    primary.send({ digestAck: { digestId, listId: 1n } });
    learn(1n);
    learn(5n);
    await nothingCame();
  });

  it('are not forgotten when the configuration changes, or a batch that disables the digest is taken back', async () => {
    const config = { maxListSize: 1, ackTimeoutNs: 10_000n * ms };
    await bed.insert(digest(config));
    learn(1n);
    expect((await primary.next()).digest!.listId).toBe(1n);
    await bed.write('MODIFY', digest({ ...config, maxTimeoutNs: 1n }));
    await expect(
      bed.writeAll(
        [
          ['DELETE', digest()],
          ['INSERT', digest(config)],
          ['INSERT', digest(config)],
        ],
        'ROLLBACK_ON_ERROR',
      ),
    ).rejects.toThrow();
    learn(1n);
    await nothingCame();
  });

  it('are repeated at once if no acknowledgement is wanted', async () => {
    await bed.insert(digest({ maxListSize: 1 }));
    learn(1n);
    learn(1n);
    expect([(await primary.next()).digest!.listId, (await primary.next()).digest!.listId]).toEqual([1n, 2n]);
  });

  it('are configured, read back and checked', async () => {
    expect(await bed.refusal('MODIFY', digest())).toBe('NOT_FOUND');
    expect(await bed.refusal('DELETE', digest())).toBe('NOT_FOUND');
    const config = { maxTimeoutNs: 5n, maxListSize: 6, ackTimeoutNs: 7n };
    await bed.insert(digest(config));
    expect(await bed.refusal('INSERT', digest(config))).toBe('ALREADY_EXISTS');
    expect(await bed.read({ digestEntry: {} })).toEqual([digest(config)]);
    await bed.write('MODIFY', digest({ ...config, maxListSize: 1 }));
    expect(await bed.read(digest())).toEqual([digest({ ...config, maxListSize: 1 })]);
    const { digestId } = digest().digestEntry!;
    await bed.write('MODIFY', { digestEntry: { digestId } });
    expect(await bed.read({ digestEntry: {} })).toEqual([{ digestEntry: { digestId } }]);
    expect(await bed.refusal('MODIFY', digest({ maxListSize: -1 }))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', { digestEntry: { digestId: 5 } })).toBe('INVALID_ARGUMENT');
  });
});

describe('idle timeouts', () => {
  const ms = 1_000_000n;
  const idle = async () => (await primary.next()).idleTimeoutNotification!;

  it('tell the primary of an entry that was not hit, again after each timeout', async () => {
    await bed.insert(
      l2(5n, action('forward', 1), { idleTimeoutNs: 100n * ms, metadata: Uint8Array.of(4), controllerMetadata: 3n }),
    );
    await bed.insert(l2(6n, action('forward', 1)));
    clock.advance(90);
    await nothingCame();
    clock.advance(10);
    expect(await idle()).toMatchObject({
      timestamp: 100n * ms,
      tableEntry: [
        {
          tableId: tableId('l2'),
          match: [{ fieldId: 1, exact: { value: bytes(5) } }],
          idleTimeoutNs: 100n * ms,
          metadata: Uint8Array.of(4),
          controllerMetadata: 3n,
        },
      ],
    });
    clock.advance(90);
    await nothingCame();
    clock.advance(10);
    expect((await idle()).timestamp).toBe(200n * ms);
  });

  it('start again with each hit', async () => {
    await bed.insert(l2(5n, action('forward', 1), { idleTimeoutNs: 100n * ms }));
    clock.advance(60);
    bed.device.receive(1, frame(5n, 1n, 0x1234));
    clock.advance(90);
    await nothingCame();
    clock.advance(10);
    expect((await idle()).timestamp).toBe(160n * ms);
  });

  it('tell the time since the last hit to who asks', async () => {
    await bed.insert(l2(5n, action('forward', 1)));
    clock.advance(60);
    bed.device.receive(1, frame(5n, 1n, 0x1234));
    clock.advance(25);
    const asked = { tableEntry: { tableId: tableId('l2'), timeSinceLastHit: {} } };
    expect((await bed.read(asked))[0]!.tableEntry!.timeSinceLastHit).toEqual({ elapsedNs: 25n * ms });
    expect((await bed.read({ tableEntry: { tableId: tableId('l2') } }))[0]!.tableEntry).not.toHaveProperty(
      'timeSinceLastHit',
    );
    const all = await bed.read({ tableEntry: { timeSinceLastHit: {} } });
    expect(all.filter(({ tableEntry }) => tableEntry!.timeSinceLastHit).length).toBe(1);
    for (const refused of [{ tableId: tableId('routes') }, { tableId: tableId('l2'), isDefaultAction: true }]) {
      await expect(bed.read({ tableEntry: { ...refused, timeSinceLastHit: {} } })).rejects.toThrow(/UNKNOWN/);
    }
  });

  it('come together, and read back to the nanosecond', async () => {
    await bed.insert(l2(5n, action('forward', 1), { idleTimeoutNs: 1n }));
    await bed.insert(l2(6n, action('forward', 1), { idleTimeoutNs: 2_000_001n }));
    clock.advance(10);
    expect((await idle()).tableEntry.map(({ idleTimeoutNs }) => idleTimeoutNs)).toEqual([1n, 2_000_001n]);
    const found = await bed.read({ tableEntry: { tableId: tableId('l2') } });
    expect(found.map(({ tableEntry }) => tableEntry!.idleTimeoutNs)).toEqual([1n, 2_000_001n]);
  });

  it('end with a MODIFY without one', async () => {
    await bed.insert(l2(5n, action('forward', 1), { idleTimeoutNs: 100n * ms }));
    await bed.write('MODIFY', l2(5n, action('forward', 1)));
    clock.advance(500);
    await nothingCame();
  });
});
