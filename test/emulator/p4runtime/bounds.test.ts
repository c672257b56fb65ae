/** What clients can make the server keep: each kind has a bound. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { Arbitration } from '../../../emulator/p4runtime/arbitration.js';
import { systemClock } from '../../../emulator/p4runtime/clock.js';
import { DigestPublisher } from '../../../emulator/p4runtime/digests.js';
import type { Digest } from '../../../emulator/control.js';
import type { EnabledDigest, ForwardingPipeline } from '../../../emulator/p4runtime/pipeline.js';
import { Unacknowledged } from '../../../emulator/p4runtime/unacknowledged.js';
import type {
  DigestList,
  Init,
  MasterArbitrationUpdate,
  ReadResponse,
  StreamMessageResponse,
} from '../../../p4runtime/index.js';
import { action, failureOf, index, l2, ManualClock, programWithRoom, tableId, TestBed } from './support.js';

let bed: TestBed | undefined;
afterEach(async () => {
  await bed?.stop();
  bed = undefined;
});

describe('digests', { timeout: 60_000 }, () => {
  const digest = index.digests.find('learn_t');
  const HOUR_NS = 3_600_000_000_000n;

  /** A publisher, what it sent, and the way to give it samples. */
  function learning(config: EnabledDigest['config']) {
    const clock = new ManualClock();
    const sent: Init<DigestList>[] = [];
    let listener: (sample: Digest) => void = () => {};
    const pipeline = {
      index,
      enabledDigests: new Map([[digest.id, { config, enabling: Symbol('enabled') }]]),
      control: { onDigest: (each: typeof listener) => (listener = each) },
    } as unknown as ForwardingPipeline;
    const publisher = new DigestPublisher(pipeline, (list) => sent.push(list) > 0, clock);
    const learn = (src: number): void =>
      listener({ name: digest.name, id: 1, values: [BigInt(src), 2n], widths: [48, 9] });
    return { sent, learn, publisher };
  }

  it('that wait for a list without a largest size are sent when they are many', () => {
    const { sent, learn } = learning({ maxTimeoutNs: HOUR_NS, maxListSize: 0, ackTimeoutNs: 0n });
    for (let src = 1; src <= 5000; src++) learn(src);
    expect(sent.map(({ data }) => data!.length)).toEqual([4096]);
  });

  it('that nobody acknowledges are forgotten, the oldest first', () => {
    const { sent, learn } = learning({ maxTimeoutNs: HOUR_NS, maxListSize: 4096, ackTimeoutNs: HOUR_NS });
    for (let src = 1; src <= 17 * 4096; src++) learn(src);
    expect(sent.length).toBe(17);
    // Those of the last list are known as sent; those of the first are not any more.
    for (let i = 0; i < 4096; i++) learn(17 * 4096 - i);
    expect(sent.length).toBe(17);
    for (let src = 1; src <= 4096; src++) learn(src);
    expect(sent.length).toBe(18);
  });

  function unacknowledged() {
    const timers = new Set<() => void>();
    const kept = new Unacknowledged((_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    });
    return { timers, kept };
  }

  it('that nobody acknowledges are bounded in number, size and timers', () => {
    const { timers, kept } = unacknowledged();
    const enabling = Symbol('one');
    for (let i = 0; i < 70_000; i++) kept.add(`1 ${i}`, enabling, [String(i)], 1e9);
    expect(kept.size).toBe(65_536);
    expect(timers.size).toBe(65_536);
    expect([kept.has(enabling, '0'), kept.has(enabling, '69999')]).toEqual([false, true]);
    for (let i = 0; i < 100; i++) kept.add(`2 ${i}`, enabling, [`${i}${'x'.repeat(2 ** 20)}`], 1e9);
    expect(kept.size).toBeLessThan(17);
  });

  it('that are acknowledged leave no timer behind', () => {
    const { timers, kept } = unacknowledged();
    kept.add('1 1', Symbol('one'), ['a'], 1e9);
    kept.forget('1 1');
    expect([kept.size, timers.size]).toEqual([0, 0]);
  });

  it('with a timeout of more than 25 days wait', async () => {
    let isOver = false;
    const cancel = systemClock.after(2 ** 40, () => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    cancel();
    expect(isOver).toBe(false);
  });
});

describe('roles', () => {
  class Session {
    readonly received: Init<StreamMessageResponse>[] = [];
    send(message: Init<StreamMessageResponse>): void {
      this.received.push(message);
    }
  }
  const update = (name: string, low: bigint): MasterArbitrationUpdate =>
    ({
      deviceId: 1n,
      ...(name !== '' && { role: { name, id: 0n } }),
      electionId: { high: 0n, low },
    }) as unknown as MasterArbitrationUpdate;
  const visit = (arbitration: Arbitration, name: string, low = 1n): void => {
    const session = new Session();
    arbitration.update(session, update(name, low));
    arbitration.close(session);
  };
  const has = (arbitration: Arbitration, name: string): boolean => {
    try {
      arbitration.checkRole(name);
      return true;
    } catch {
      return false;
    }
  };

  it('that nobody has any more are forgotten when there are many, the default role never', () => {
    const arbitration = new Arbitration(1n, 64);
    visit(arbitration, '', 7n);
    const session = new Session();
    arbitration.update(session, update('lives', 1n));
    for (let i = 0; i < 1000; i++) visit(arbitration, `role${i}`);
    visit(arbitration, 'role900');
    for (let i = 1000; i < 1200; i++) visit(arbitration, `role${i}`);
    expect(['lives', 'role0', 'role899', 'role900', 'role1199'].map((name) => has(arbitration, name))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(arbitration.isPrimary(session)).toBe(true);
    const late = new Session();
    arbitration.update(late, update('', 6n));
    expect(arbitration.isPrimary(late)).toBe(false);
  });

  it('that controllers have are limited', () => {
    const arbitration = new Arbitration(1n, 64);
    for (let i = 0; i < 256; i++) arbitration.update(new Session(), update(`role${i}`, 1n));
    expect(() => arbitration.update(new Session(), update('one more', 1n))).toThrow(
      'There are 256 roles with controllers, which is the limit.',
    );
    arbitration.update(new Session(), update('role7', 2n));
  });

  it('have names of at most 1,024 bytes, of which errors list a few in part', () => {
    const arbitration = new Arbitration(1n, 64);
    expect(() => visit(arbitration, 'ü'.repeat(513))).toThrow("A role's name has at most 1024 bytes, not 1026.");
    for (let i = 0; i < 200; i++) visit(arbitration, `${i}${'x'.repeat(1000)}`);
    let text = '';
    try {
      arbitration.checkRole('y'.repeat(100_000));
    } catch (error) {
      text = (error as Error).message;
    }
    expect(text).toContain('(200 in all)');
    expect(text.length).toBeLessThan(1200);
  });
});

describe('Reads that are not taken', () => {
  const open = (stub = bed!.stub): ClientReadableStream<ReadResponse> => {
    const call = stub.Read({ deviceId: 1n, entities: [{ tableEntry: { tableId: tableId('l2') } }] });
    call.on('error', () => {});
    return call;
  };
  const begun = (call: ClientReadableStream<ReadResponse>): Promise<unknown> =>
    new Promise((resolve) => call.once('readable', resolve));

  it('are limited for each client, and in all', async () => {
    bed = await TestBed.start({ readLimits: { perClient: 2, inAll: 3 } });
    await bed.primary();
    await bed.setPipeline('VERIFY_AND_COMMIT', { p4info: index.message, p4DeviceConfig: programWithRoom(200) });
    for (let i = 0n; i < 100n; i++)
      await bed.insert(l2(i, action('forward', 1), { metadata: new Uint8Array(100_000) }));
    const calls = [open(), open()];
    await Promise.all(calls.map(begun));
    const refused = await failureOf(bed.read({ tableEntry: { tableId: tableId('l2') } }));
    expect(refused.code).toBe('RESOURCE_EXHAUSTED');
    expect(refused.message).toBe(
      'This client has 2 Reads that have not ended, which is the limit. Take what they return, or cancel them, and try again.',
    );
    // Writes, and another client, are not concerned.
    await bed.insert(l2(1000n, action('forward', 1)));
    const other = bed.connect({ 'grpc.use_local_subchannel_pool': 1 });
    calls.push(open(other));
    await begun(calls[2]!);
    const third = open(other);
    const full = await failureOf(
      new Promise((resolve, reject) => third.on('error', reject).on('end', resolve).resume()),
    );
    expect(full.message).toContain('The switch has 3 Reads that have not ended, of all clients');
    for (const call of calls) call.cancel();
    for (;;) {
      const found = await bed.read({ tableEntry: { tableId: tableId('l2') } }).catch(() => []);
      if (found.length > 0) break;
    }
  }, 60_000);
});
