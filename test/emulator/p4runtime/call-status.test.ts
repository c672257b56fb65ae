/** What a failed call ends with, for clients that take few bytes of headers. */
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchError } from '../../../emulator/p4runtime/batch.js';
import { fitText, toStatus } from '../../../emulator/p4runtime/call-status.js';
import { budgetOf } from '../../../emulator/p4runtime/header-limit.js';
import { RpcError } from '../../../emulator/p4runtime/rpc-error.js';
import { codec, Code, toUint128, updateErrors, type RpcStatus, type WriteRequest } from '../../../p4runtime/index.js';
import { action, l2, TestBed } from './support.js';

const requests = codec<WriteRequest>('p4.v1.WriteRequest');
const statuses = codec<RpcStatus>('google.rpc.Status');

/** As RFC 9113 counts it. */
function listSize(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length + 32, 0);
}

describe('a failed write', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.start();
    await bed.primary();
    await bed.commit();
  });
  afterEach(() => bed.stop());

  /** A Write by HTTP/2 itself, of a client that announces a limit. */
  async function write(announced: number, updates: Parameters<TestBed['writeAll']>[0]): Promise<IncomingHttpHeaders> {
    const session = connect(`http://127.0.0.1:${bed.port}`, { settings: { maxHeaderListSize: announced } });
    const message = requests.encode({
      deviceId: 1n,
      electionId: toUint128(1n),
      updates: updates.map(([type, entity]) => ({ type, entity })),
    });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/p4.v1.P4Runtime/Write',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.end(Buffer.concat([head, message]));
      stream.resume();
      return await new Promise((resolve, reject) => {
        stream.once('response', resolve);
        stream.once('error', reject);
      });
    } finally {
      session.close();
    }
  }

  const missing = (count: number): Parameters<TestBed['writeAll']>[0] =>
    Array.from({ length: count }, (_, i) => ['DELETE', l2(BigInt(1000 + i), action('forward', 1))]);

  // 8,192: Java; 16,384: C-core, which may drop what is larger than half of it.
  it.each([
    [8192, 8192],
    [16_384, 8192],
    [65_536, 32_768],
    [4096, 4096],
  ])('fits a client that announces %i bytes', async (announced, most) => {
    for (const count of [1, 200, 1000]) {
      const headers = await write(announced, missing(count));
      expect(listSize(headers)).toBeLessThanOrEqual(most);
      expect(headers['grpc-status']).toBe(String(Code.UNKNOWN));
      expect(decodeURI(headers['grpc-message'] as string)).toContain(`${count} of ${count} updates failed.`);
      const { details } = statuses.decode(Buffer.from(headers['grpc-status-details-bin'] as string, 'base64'));
      expect(details.length).toBeGreaterThanOrEqual(Math.min(count, 20));
      if (details.length < count) {
        expect(decodeURI(headers['grpc-message'] as string)).toMatch(
          new RegExp(`Only the first ${details.length} of ${count} errors fit .* Failed: 1-${count} NOT_FOUND\\.`),
        );
      }
    }
  });

  it('names the one of 300 updates that failed, though its error does not fit', async () => {
    const updates: Parameters<TestBed['writeAll']>[0] = Array.from({ length: 300 }, (_, i) => [
      'INSERT',
      l2(BigInt(i === 250 ? 0 : i), action('forward', 1)),
    ]);
    // The table is too small for all of them, so they are inserted and deleted in turn.
    const inTurn = updates.flatMap((update, i): typeof updates =>
      i === 250
        ? [['DELETE', l2(77_777n, action('forward', 1))]]
        : i % 2 === 0
          ? [update]
          : [['DELETE', updates[i - 1]![1]]],
    );
    inTurn[251] = ['INSERT', l2(5n, action('forward', 1))];
    const headers = await write(8192, inTurn);
    expect(listSize(headers)).toBeLessThanOrEqual(8192);
    const text = decodeURI(headers['grpc-message'] as string);
    expect(text).toMatch(/^1 of 300 updates failed\. Update 251: NOT_FOUND: Table .* has no entry/);
    expect(text).toContain('Failed: 251 NOT_FOUND.');
  });

  it('has everything for a client that takes it', async () => {
    const call = bed.writeAll(missing(100));
    const errors = await call.catch(updateErrors);
    expect((errors as { message: string }[]).map(({ message }) => message)).toEqual(
      missing(100).map(() => expect.stringContaining('has no entry with this key.')),
    );
  });
});

describe('a status', () => {
  const errors = (count: number, message: string) =>
    Array.from({ length: count }, () => ({ canonicalCode: Code.NOT_FOUND, message, space: '', code: 0 }));
  const size = ({ details, metadata }: ReturnType<typeof toStatus>): number =>
    encodeURI(details).length +
    Math.ceil(((metadata?.get('grpc-status-details-bin')[0] as Buffer | undefined)?.length ?? 0) / 3) * 4;

  it('is cut step by step: messages to a length, messages, the list', () => {
    const cut = (count: number, budget: number) => {
      const status = toStatus(new BatchError('It failed.', errors(count, 'x'.repeat(200))), budget);
      expect(size(status)).toBeLessThanOrEqual(budget);
      return updateErrors(status);
    };
    expect(cut(10, 8000).map(({ message }) => message.length)).toEqual(Array(10).fill(200));
    expect(cut(40, 8000).map(({ message }) => message.length)).toEqual(Array(40).fill(60));
    expect(cut(100, 8000).map(({ message }) => message.length)).toEqual(Array(100).fill(0));
    expect(cut(1000, 8000).length).toBeGreaterThan(90);
    expect(cut(1000, 500).length).toBeGreaterThan(0);
  });

  it('of any error is short enough, too: names of all tables may be in it', () => {
    const status = toStatus(new RpcError(Code.NOT_FOUND, 'a table, '.repeat(10_000)), 7680);
    expect(size(status)).toBeLessThanOrEqual(4096);
    expect(status.details.endsWith('...')).toBe(true);
  });

  it('has a text that can be encoded, however it is cut', () => {
    expect(fitText('a\ud800b', 100)).toBe('a?b');
    for (let bytes = 0; bytes < 40; bytes++) {
      const text = fitText('😀é %20 ü'.repeat(9), bytes);
      expect(() => encodeURI(text)).not.toThrow();
    }
  });

  it('may be as large as what the client announced allows', () => {
    expect([4096, 8192, 16_384, 65_536, 2 ** 32 - 1].map(budgetOf)).toEqual([3584, 7680, 7680, 32_256, 56_832]);
  });
});
