import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toUint128, unary } from '../../../p4runtime/index.js';
import { failureOf, index, l2, action, program, TestBed } from './support.js';

let bed: TestBed;
beforeEach(async () => (bed = await TestBed.start()));
afterEach(() => bed.stop());

describe('the first message of a stream', () => {
  it('makes a lone controller primary', async () => {
    const stream = bed.stream();
    stream.arbitrate((3n << 64n) | 5n);
    expect((await stream.next()).arbitration).toEqual({
      deviceId: 1n,
      electionId: { high: 3n, low: 5n },
      status: { code: 0, message: 'This controller is the primary.', details: [] },
    });
  });

  it('with another device id ends the stream', async () => {
    const stream = bed.stream();
    stream.arbitrate(1n, undefined, 7n);
    expect(await stream.end()).toBe('NOT_FOUND');
    expect(stream.ended!.details).toBe('There is no device 7; valid: 1.');
  });

  it('with the election id of a live controller ends the stream, and leaves the other alone', async () => {
    const first = await bed.primary();
    const second = bed.stream();
    second.arbitrate(1n);
    expect(await second.end()).toBe('INVALID_ARGUMENT');
    first.arbitrate(1n);
    expect(await first.verdict()).toEqual(['OK', 1n]);
  });

  it('with a role configuration ends the stream', async () => {
    const stream = bed.stream();
    stream.send({
      arbitration: { deviceId: 1n, role: { name: 'a', config: { typeUrl: 'x', value: Uint8Array.of(1) } } },
    });
    expect(await stream.end()).toBe('INVALID_ARGUMENT');
  });

  it('without an election id never becomes primary', async () => {
    const stream = bed.stream();
    stream.arbitrate(undefined);
    expect(await stream.verdict()).toEqual(['NOT_FOUND', undefined]);
    const other = bed.stream();
    other.arbitrate(undefined);
    expect(await other.verdict()).toEqual(['NOT_FOUND', undefined]);
  });

  it('with election id 0 is not without one', async () => {
    const stream = bed.stream();
    stream.arbitrate(0n);
    expect(await stream.verdict()).toEqual(['OK', 0n]);
  });
});

describe('too many controllers', () => {
  it('are refused, each role by itself', async () => {
    const small = await TestBed.start({ maxControllersPerRole: 1 });
    try {
      await small.primary();
      const second = small.stream();
      second.arbitrate(2n);
      expect(await second.end()).toBe('RESOURCE_EXHAUSTED');
      const other = small.stream();
      other.arbitrate(2n, 'other');
      expect(await other.verdict()).toEqual(['OK', 2n]);
    } finally {
      await small.stop();
    }
  });
});

describe('later messages', () => {
  it('must not change the device', async () => {
    const stream = await bed.primary();
    stream.arbitrate(1n, undefined, 2n);
    expect(await stream.end()).toBe('FAILED_PRECONDITION');
  });

  it('must not change the role', async () => {
    const stream = await bed.primary();
    stream.arbitrate(1n, 'other');
    expect(await stream.end()).toBe('FAILED_PRECONDITION');
  });

  it('must not take the election id of another', async () => {
    await bed.primary();
    const second = bed.stream();
    second.arbitrate(2n);
    await second.verdict();
    second.arbitrate(1n);
    expect(await second.end()).toBe('INVALID_ARGUMENT');
  });

  it('of a backup that stays one tell nobody else', async () => {
    const primary = bed.stream();
    primary.arbitrate(10n);
    await primary.verdict();
    const backup = bed.stream();
    backup.arbitrate(5n);
    expect(await backup.verdict()).toEqual(['ALREADY_EXISTS', 10n]);
    backup.arbitrate(6n);
    expect(await backup.verdict()).toEqual(['ALREADY_EXISTS', 10n]);
    // What the primary hears next is its own answer, so nothing came before.
    primary.arbitrate(11n);
    expect(await primary.verdict()).toEqual(['OK', 11n]);
  });
});

describe('a change of primary', () => {
  it('comes with a higher id, and both hear of it', async () => {
    const first = await bed.primary();
    const second = bed.stream();
    second.arbitrate(2n);
    expect(await second.verdict()).toEqual(['OK', 2n]);
    expect(await first.verdict()).toEqual(['ALREADY_EXISTS', 2n]);
  });

  it('comes when a backup raises its id', async () => {
    const first = await bed.primary();
    const second = bed.stream();
    second.arbitrate(undefined);
    expect(await second.verdict()).toEqual(['ALREADY_EXISTS', 1n]);
    second.arbitrate(9n);
    expect(await second.verdict()).toEqual(['OK', 9n]);
    expect(await first.verdict()).toEqual(['ALREADY_EXISTS', 9n]);
  });

  it('to nobody comes when the primary steps down, and the highest id is remembered', async () => {
    const first = bed.stream();
    first.arbitrate(5n);
    await first.verdict();
    const backup = bed.stream();
    backup.arbitrate(4n);
    expect(await backup.verdict()).toEqual(['ALREADY_EXISTS', 5n]);
    first.arbitrate(3n);
    expect(await first.verdict()).toEqual(['NOT_FOUND', 5n]);
    expect(await backup.verdict()).toEqual(['NOT_FOUND', 5n]);
    backup.arbitrate(5n);
    expect(await backup.verdict()).toEqual(['OK', 5n]);
    expect(await first.verdict()).toEqual(['ALREADY_EXISTS', 5n]);
  });

  it.each([
    ['ends its stream', (stream: { close(): void }) => stream.close()],
    ['breaks its stream', (stream: { cancel(): void }) => stream.cancel()],
  ])('to nobody comes when the primary %s; its id can be used again, a lower one does not do', async (_how, leave) => {
    const primary = bed.stream();
    primary.arbitrate(5n);
    await primary.verdict();
    const backup = bed.stream();
    backup.arbitrate(4n);
    await backup.verdict();
    leave(primary);
    expect(await backup.verdict()).toEqual(['NOT_FOUND', 5n]);
    const again = bed.stream();
    again.arbitrate(3n);
    expect(await again.verdict()).toEqual(['NOT_FOUND', 5n]);
    again.arbitrate(5n);
    expect(await again.verdict()).toEqual(['OK', 5n]);
  });
});

describe('roles', () => {
  it('have a primary each, named in what it hears', async () => {
    const all = await bed.primary();
    const tenant = bed.stream();
    tenant.arbitrate(1n, 'tenant');
    expect((await tenant.next()).arbitration).toMatchObject({ role: { name: 'tenant' }, electionId: { low: 1n } });
    expect(all.waiting).toBe(0);
    await bed.commit();
    const entity = l2(1n, action('forward', 1));
    const write = (role: string) =>
      unary(bed.stub, 'Write', {
        deviceId: 1n,
        role,
        electionId: toUint128(1n),
        updates: [{ type: 'INSERT', entity }],
      });
    await write('tenant');
    expect((await failureOf(write('stranger'))).code).toBe('NOT_FOUND');
  });

  it('that nobody has cannot read either', async () => {
    await bed.primary();
    await bed.commit();
    const read = (role: string) =>
      new Promise((resolve, reject) => {
        const call = bed.stub.Read({ deviceId: 1n, role, entities: [{ tableEntry: {} }] });
        call.on('data', () => {});
        call.on('error', reject);
        call.on('end', resolve);
      });
    await read('');
    expect((await failureOf(read('stranger'))).code).toBe('NOT_FOUND');
  });
});

describe('who may write', () => {
  const write = (electionId: bigint | undefined, deviceId = 1n) =>
    unary(bed.stub, 'Write', {
      deviceId,
      ...(electionId !== undefined && { electionId: toUint128(electionId) }),
      updates: [{ type: 'INSERT', entity: l2(1n, action('forward', 1)) }],
    });
  const set = (electionId: bigint) =>
    bed.setPipeline(
      'VERIFY_AND_COMMIT',
      { p4info: index.message, p4DeviceConfig: program() },
      { electionId: toUint128(electionId) },
    );

  it('is nobody without a primary', async () => {
    expect((await failureOf(write(1n))).code).toBe('PERMISSION_DENIED');
    expect((await failureOf(set(1n))).code).toBe('PERMISSION_DENIED');
  });

  it('is the primary alone, by its present id', async () => {
    const stream = await bed.primary();
    expect((await failureOf(set(2n))).code).toBe('PERMISSION_DENIED');
    await set(1n);
    await write(1n);
    expect((await failureOf(write(undefined))).code).toBe('PERMISSION_DENIED');
    stream.arbitrate(2n);
    await stream.verdict();
    const refused = await failureOf(write(1n));
    expect([refused.code, refused.message]).toEqual([
      'PERMISSION_DENIED',
      "Election id 1 is not the primary's, which is 2.",
    ]);
    expect(refused.errors).toEqual([]);
  });

  it('must name the right device and have a pipeline', async () => {
    await bed.primary();
    expect((await failureOf(write(1n, 3n))).code).toBe('NOT_FOUND');
    expect((await failureOf(write(1n))).code).toBe('FAILED_PRECONDITION');
    expect((await failureOf(bed.read({ tableEntry: {} }))).code).toBe('FAILED_PRECONDITION');
  });

  it('is nobody once the primary has gone', async () => {
    const stream = await bed.primary();
    await set(1n);
    const watcher = bed.stream();
    watcher.arbitrate(undefined);
    await watcher.verdict();
    stream.close();
    expect(await watcher.verdict()).toEqual(['NOT_FOUND', 1n]);
    expect((await failureOf(write(1n))).code).toBe('PERMISSION_DENIED');
  });
});
